"""The table's columns and options."""

import re
from pathlib import Path

from app.factory import ASSETS
from app.pages.market.columns import columns, pair_columns
from app.pages.market.layout import Choices, grid_options, layout


def test_the_columns_are_in_the_order_of_their_worth() -> None:
    """On a narrow screen the first ones are seen."""
    heads = [column["headerName"] for column in columns()]
    assert heads == [
        "★", "Symbol", "Last", "24 h %", "24 h", "Turnover 24 h", "Funding %", "RSI", "StochRSI %K", "%D",
        "Spread bps", "Imbalance", "Signal", "Age",
    ]  # fmt: skip


def test_the_most_traded_stand_first() -> None:
    """Sorted by turnover, descending, until somebody chooses."""
    assert [(c["field"], c["sort"]) for c in columns() if "sort" in c] == [("turnover_24h", "desc")]


def test_every_function_named_exists_in_the_assets() -> None:
    """A misspelt name would only show as an empty column."""
    source = "".join(Path(path).read_text() for path in ASSETS.glob("*.js"))
    tables = str(columns() + pair_columns("bybit", "binance"))
    named = set(re.findall(r"'function': '(\w+)", tables)) | {"priceText", "missingLast"}
    assert len(named) >= 20
    for name in named:
        assert re.search(rf"\b{name}\b(,|:)", source), name


def test_values_never_move_a_row() -> None:
    """Sorting is ours to time; nothing is animated."""
    options = grid_options()
    assert options["suppressModelUpdateAfterUpdateTransaction"] is True
    assert options["animateRows"] is False


def test_every_renderer_named_exists_in_the_assets() -> None:
    """As above."""
    source = (ASSETS / "market-cells.js").read_text()
    tables = str(columns() + pair_columns("bybit", "binance"))
    for name in set(re.findall(r"'cellRenderer': '(\w+)'", tables)):
        assert f"components.{name} = " in source


def test_the_venues_that_are_shown_name_the_heads_of_pairs() -> None:
    """Simulated ones by their own names."""
    page = str(
        layout(
            Choices(("bybit", "binance"), ("sim-bybit", "sim-binance"), ("1m", "5m"), "5m")
        ).to_plotly_json()
    )
    assert page.count("'headerName': 'sim-bybit'") == page.count("'headerName': 'sim-binance'") == 3
