"""The table's columns and options."""

import re
from pathlib import Path

from app.factory import ASSETS
from app.pages.market.layout import columns, grid_options


def test_the_columns_are_in_the_order_of_their_worth() -> None:
    """On a narrow screen the first ones are seen; the interval is in the head."""
    heads = [column["headerName"] for column in columns("15m")]
    assert heads == [
        "Symbol", "Last", "24 h %", "Turnover 24 h", "Funding %", "RSI 15m", "StochRSI %K", "%D",
        "Spread bps", "Imbalance", "Signal", "Age",
    ]  # fmt: skip


def test_the_most_traded_stand_first() -> None:
    """Sorted by turnover, descending, until somebody chooses."""
    assert [(c["field"], c["sort"]) for c in columns("5m") if "sort" in c] == [("turnover_24h", "desc")]


def test_every_function_named_exists_in_the_assets() -> None:
    """A misspelt name would only show as an empty column."""
    source = "".join(Path(path).read_text() for path in ASSETS.glob("*.js"))
    named = set(re.findall(r"'function': '(\w+)", str(columns("5m")))) | {"priceText", "missingLast"}
    assert len(named) >= 14
    for name in named:
        assert re.search(rf"\b{name}\b(,|:)", source), name


def test_values_never_move_a_row() -> None:
    """Sorting is ours to time; nothing is animated."""
    options = grid_options()
    assert options["suppressModelUpdateAfterUpdateTransaction"] is True
    assert options["animateRows"] is False
