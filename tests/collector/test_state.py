"""What an instrument's state does with trades and candles."""

import json

import pytest

from collector import render
from collector.state import InstrumentState
from collector.venues import Plan, venue_for
from db.rows import TickerRow
from market.events import Kline, Trade
from market.instruments import unknown_instrument
from market.intervals import MINUTE_MS
from tests.collector.fakes import Bench
from tests.market.candles import DAY, candle, trade


@pytest.fixture(params=["bybit", "binance"])
def state(request: pytest.FixtureRequest) -> InstrumentState:
    """BTCUSDT on either venue."""
    instrument = unknown_instrument(request.param, "BTCUSDT")
    return InstrumentState(instrument, venue_for(request.param), Plan(("1m", "5m"), 50, True), 1000)


def test_what_is_remembered_is_published_before_the_first_datum_with_its_time() -> None:
    """Whether it is read before or after the instrument is followed; news is not replaced by it."""
    row = TickerRow("bybit", "BTCUSDT", last_price=5.0, event_time=DAY, recv_time=DAY + 7)
    early, late = Bench("bybit"), Bench("bybit", "BTCUSDT")
    for bench in (early, late):
        bench.pipeline.remember([row])
        bench.pipeline.follow([unknown_instrument("bybit", "BTCUSDT")])
        state = bench.pipeline.states["BTCUSDT"]
        assert (state.row_changed, state.ticker_changed) == (True, True)
        shown = json.loads(render.overview_row(state))
        assert (shown["last_price"], shown["event_time"], shown["recv_time"]) == (5.0, DAY, DAY + 7)
        state.on_trade(trade(1, 1, is_named=True))
        price = state.ticker.last_price
        bench.pipeline.remember([row])
        assert state.ticker.last_price == price != 5.0


def minutes(closed: list[Kline]) -> list[tuple[int, bool]]:
    return [((k.open_time - DAY) // MINUTE_MS, k.complete) for k in closed if k.interval == "1m"]


def test_a_candle_closes_on_the_venues_clock_where_its_own_streams_are_silent(state: InstrumentState) -> None:
    """The instrument's own events alone do not get there."""
    state.on_kline(candle(0, is_closed=False))
    state.candles_changed = False
    assert state.expire() == []
    closed = state.expire(DAY + MINUTE_MS + 5_000)
    assert minutes(closed) == [(0, False)]
    assert state.candles_changed


def test_a_thousand_trades_of_one_frame_sent_twice_count_once() -> None:
    """As Bybit sends a burst, and a second connection repeats it in another cut."""
    venue = venue_for("bybit")
    state = InstrumentState(unknown_instrument("bybit", "BTCUSDT"), venue, Plan(("1m",), 50, True), 1000)
    entries = [
        {"T": DAY + n, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "91000.20", "i": f"5b0c-{n:032x}"}
        for n in range(1024)
    ]
    for part in (entries, entries[500:], entries[:500]):
        frame = json.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": DAY, "data": part})
        for event in venue.stream.decode(frame.encode(), DAY).events:
            assert isinstance(event, Trade)
            state.on_trade(event)
    bar = state.candles.trades.bar(DAY)
    assert bar is not None
    assert (bar.trades, bar.volume, bar.taker_buy_volume) == (1024, 1.024, 1.024)


def test_trades_that_rest_told_repair_a_candle(state: InstrumentState) -> None:
    """It is told again, and published."""
    is_named = state.instrument.venue == "bybit"
    trades = [trade(n, 20 * n - 10, is_named=is_named) for n in range(5)]
    state.on_kline(candle(-1))
    for each in (*trades[:2], *trades[3:]):
        if each is trades[3]:
            state.candles.trades.interrupt()
        state.on_trade(each)
    closed = state.expire(DAY + MINUTE_MS + 5_000)
    assert minutes(closed) == [(0, False)]
    state.candles_changed = False
    assert minutes(state.on_history_trades(trades[:4])) == [(0, True)]
    assert state.candles_changed
    assert state.on_history_trades(trades) == []
