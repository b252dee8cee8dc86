"""What browsers get of a view."""

import msgspec

from app.market_payload import Question, payload_of
from app.view import IndicatorValues, MarketView, OverviewRow, blank_row, build_view, read_feed
from tests.app.fakes import LIVE_FEED, NOW


def view_of(*rows: OverviewRow) -> MarketView:
    return build_view(NOW, rows, {"bybit": read_feed(LIVE_FEED)}, ())


def column(view: MarketView, name: str, interval: str = "5m") -> list[object]:
    values: list[object] = msgspec.json.decode(payload_of(view, Question(interval)))["columns"][name]
    return values


def test_the_payload_carries_columns_rounded_to_what_is_shown() -> None:
    """Prices keep the digits of their tick, other numbers those that are drawn."""
    view = view_of(
        OverviewRow(
            "bybit", "BTCUSDT", tick_size=0.1, last_price=65114.20000001, change_24h_pct=1.23456,
            turnover_24h=1_234_567_890.0, funding_rate=0.000123456, spread_bps=0.01536, imbalance=-0.12345,
        ),
        OverviewRow("bybit", "ODDUSDT", tick_size=None, last_price=0.00001234),
    )  # fmt: skip
    assert column(view, "last_price") == [65114.2, 0.00001234]
    assert column(view, "places") == [1, None]
    assert column(view, "change_24h_pct") == [1.23, None]
    assert column(view, "turnover_24h") == [1_235_000_000.0, None]
    assert column(view, "funding_rate") == [0.000123, None]
    assert column(view, "spread_bps") == [0.02, None]
    assert column(view, "imbalance") == [-0.12, None]


def test_the_payload_tells_when_the_venue_said_it() -> None:
    """As the difference to when we heard it; where either is not known, as none."""
    view = view_of(
        OverviewRow("bybit", "BTCUSDT", event_time=NOW - 120, recv_time=NOW - 100),
        OverviewRow("bybit", "ETHUSDT", event_time=NOW - 80, recv_time=NOW - 100),
        OverviewRow("bybit", "SOLUSDT", recv_time=NOW - 100),
        OverviewRow("bybit", "XRPUSDT", event_time=NOW - 80),
    )
    assert column(view, "lag_ms") == [20, -20, None, None]


def test_the_payload_carries_the_indicators_of_one_interval() -> None:
    """Those of other intervals stay behind."""
    values = {"5m": IndicatorValues(rsi=61.25, signal="buy", score=33.0), "1h": IndicatorValues(rsi=20.0)}
    view = view_of(OverviewRow("bybit", "BTCUSDT", indicators=values), blank_row("bybit", "ETHUSDT"))
    assert column(view, "rsi") == [61.2, None]
    assert column(view, "signal") == ["buy", None]
    assert column(view, "score") == [33, None]
    assert column(view, "rsi", "1h") == [20.0, None]


def test_pairs_come_only_when_they_are_asked_for() -> None:
    """The table of one venue each does not pay for the other."""
    view = view_of(
        OverviewRow(
            "bybit", "1000PEPEUSDT", "PEPE", "USDT", 1000.0, tick_size=1e-7, mid=0.01200125,
            spread_bps=0.8333, funding_rate=0.0001, turnover_24h=1e6, book_state="live", recv_time=NOW - 5,
        ),
        OverviewRow(
            "binance", "PEPEUSDT", "PEPE", "USDT", 1.0, mid=0.00001200, spread_bps=1.0,
            funding_rate=-0.0002, turnover_24h=2e6, book_state="live", recv_time=NOW - 9,
        ),
    )  # fmt: skip
    assert "pairs" not in msgspec.json.decode(payload_of(view, Question("5m")))
    pairs = msgspec.json.decode(payload_of(view, Question("5m", has_pairs=True)))["pairs"]
    assert pairs == {
        "base": ["PEPE"], "quote": ["USDT"],
        "a": [["bybit", "1000PEPEUSDT"]], "b": [["binance", "PEPEUSDT"]],
        "places_a": [11], "places_b": [None],
        "mid_a": [0.00001200125], "mid_b": [0.000012], "mid_diff_bps": [1.04],
        "funding_a": [0.0001], "funding_b": [-0.0002], "funding_diff": [0.0003],
        "spread_a": [0.83], "spread_b": [1.0], "turnover": [3e6], "is_live": [True], "recv_time": [NOW - 9],
    }  # fmt: skip


def test_a_coin_that_one_venue_does_not_list_is_no_pair() -> None:
    """It has a row there, which says so."""
    rows = [blank_row(venue, symbol) for venue in ("bybit", "binance") for symbol in ("BTCUSDT", "FOOUSDT")]
    feeds = {"bybit": read_feed(LIVE_FEED), "binance": read_feed(LIVE_FEED | {"unlisted": "FOOUSDT"})}
    found = msgspec.json.decode(payload_of(build_view(NOW, rows, feeds, ()), Question("5m", has_pairs=True)))
    assert found["pairs"]["base"] == ["BTC"]
    assert found["columns"]["symbol"].count("FOOUSDT") == 2
    assert found["feeds"][1]["unlisted"] == {"FOOUSDT": ""}
