"""What stands in Redis."""

import json

from collector import render
from db.hot import keys
from market.events import Kline, Trade
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench

VIEW = render.BookView("live", [(100.0, 3.0), (99.5, 1.0)], [(101.0, 1.0)], 7, 1000, 1005)


def test_a_book_has_every_field_and_its_best_is_level_0() -> None:
    """Plain decimal text, and JSON numbers in the levels."""
    fields = render.book_fields(VIEW, publish_time=1010)
    assert set(fields) | {"epoch"} == set(keys.BOOK_FIELDS)
    assert (fields["best_bid_price"], fields["best_ask_size"]) == ("100", "1")
    assert json.loads(str(fields["bids"])) == [[100.0, 3.0], [99.5, 1.0]]
    assert (fields["mid"], fields["microprice"], fields["imbalance"]) == ("100.5", "100.75", "0.5")
    assert fields["imbalance_10"] == "0.6"


def test_a_one_sided_book_has_no_mid() -> None:
    """Missing is the empty string."""
    fields = render.book_fields(VIEW._replace(asks=[]), publish_time=1010)
    assert [fields[n] for n in ("mid", "microprice", "spread_bps", "imbalance", "best_ask_price")] == [""] * 5
    assert fields["asks"] == "[]"


def test_tiny_prices_have_no_exponent() -> None:
    """Also inside the levels."""
    assert render.levels_json([(1e-07, 2.5e-05)]) == "[[0.0000001,0.000025]]"


def test_the_mid_has_no_float_noise() -> None:
    """87225.1 and 87225.3 meet at 87225.2, not at 87225.20000000001."""
    view = VIEW._replace(bids=[(87225.1, 1.0)], asks=[(87225.3, 1.0)])
    assert render.book_fields(view, publish_time=1)["mid"] == "87225.2"


def test_the_other_hashes_have_every_field() -> None:
    """As the key's description names them."""
    bench = Bench("bybit", "BTCUSDT")
    state = bench.pipeline.states["BTCUSDT"]
    assert tuple(render.ticker_fields(state.ticker)) == keys.TICKER_FIELDS
    assert set(render.ticker_fields(state.ticker).values()) == {""}
    kline = Kline("BTCUSDT", "1m", 0, 1.0, 2.0, 0.5, 1e-07, 10.0, 20.0, False, 5, 6)
    fields = render.kline_fields(kline)
    assert tuple(fields) == keys.KLINE_FIELDS
    assert (fields["close"], fields["is_closed"]) == ("0.0000001", 0)
    trade = render.trade_fields(Trade("BTCUSDT", "9", 2.0, 0.5, "buy", 5, 6))
    assert tuple(trade) == keys.TRADE_FIELDS


def test_an_overview_row_is_json_with_null_for_what_is_missing() -> None:
    """Every name is there from the start."""
    bench = Bench("bybit", "1000PEPEUSDT")
    row = json.loads(render.overview_row(bench.pipeline.states["1000PEPEUSDT"]))
    assert row["base"] == unknown_instrument("bybit", "1000PEPEUSDT").base == "PEPE"
    assert row["indicators"] == {}
    missing = ("last_price", "spread_bps", "recv_time", "tick_size", "change_24h_pct")
    assert [row[name] for name in missing] == [None] * 5
