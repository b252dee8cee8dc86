"""What a repaired gap does to candles."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest

from collector.ledger import Ledger
from collector.repair import Repair
from collector.venues import Topic
from db.rows import GapRow
from market.events import Trade
from market.intervals import MINUTE_MS
from tests.collector.backfill.refill_venue import Venue, at
from tests.collector.fakes import Bench
from tests.market.candles import DAY, candle, trade

Done = Callable[[list[Trade], bool], None]


class Asked:
    """A backfill that is asked for trades and answers when told."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Trade | None, int]] = []
        self.now = 2 * DAY
        self.clock_asked = 0
        self.done: Done = lambda _trades, _bridges: None

    def venue_now(self) -> int:
        return self.now

    def ask_clock(self) -> None:
        self.clock_asked += 1

    def ask_trades(self, symbol: str, last: Trade | None, until_ms: int, done: Done) -> None:
        self.asked.append((symbol, last, until_ms))
        self.done = done


@pytest.mark.parametrize(("venue", "bridges"), [("bybit", True), ("bybit", False), ("binance", True)])
def test_trades_that_bridge_a_gap_make_its_candles_whole(venue: str, bridges: bool) -> None:
    """Those after the last one seen, as REST gives them; where some are missing the candle says so."""
    bench, asked = Bench(venue, "BTCUSDT"), Asked()
    rows: list[GapRow] = []
    ledger = Ledger(venue, rows.append)
    repair = Repair(asked, bench.pipeline, ledger)  # type: ignore[arg-type]  # as far as it is asked
    ledger.on_lost, ledger.on_closed = repair.on_lost, repair.on_closed
    topic = Topic("trades", "linear", "trade", "BTCUSDT")
    state = bench.pipeline.states["BTCUSDT"]
    trades = [trade(n, 10 * n - 5, is_named=venue == "bybit") for n in range(8)]
    state.on_kline(candle(-1))
    for each in trades[:3]:
        state.on_trade(each)
    ledger.lose(topic, trades[2].event_time, "disconnect", "")
    bench.pipeline.interrupt("BTCUSDT")
    for each in trades[5:]:
        state.on_trade(each)
    ledger.regain(topic, trades[5].event_time)
    repair.keep(0.0)
    assert asked.asked == [("BTCUSDT", trades[2], trades[5].event_time)]
    asked.done(trades[3:6], bridges)
    state.expire(DAY + MINUTE_MS + 5_000)
    assert state.candles.series["1m"].closed[DAY].complete == bridges
    assert rows[-1].repaired == ("yes" if bridges else "partly")


def test_a_gap_that_ends_ahead_of_the_venues_clock_waits_for_the_clock() -> None:
    """It would ask for candles that are not over yet by that clock; that is asked until it fits."""
    bench, asked = Bench("bybit", "BTCUSDT"), Asked()
    repair = Repair(asked, bench.pipeline, Ledger("bybit", lambda _row: None))  # type: ignore[arg-type]  # as above
    asked.now = DAY - 60_000
    repair.on_closed(GapRow("bybit", "BTCUSDT", "trade", DAY - 90_000, DAY, "disconnect", "no", 0, ""))
    for second in range(6):
        repair.keep(float(second))
    assert (asked.clock_asked, asked.asked) == (2, [])
    asked.now = DAY
    repair.keep(6.0)
    assert asked.asked == [("BTCUSDT", None, DAY)]


@pytest.mark.parametrize("is_here", [True, False])
def test_a_gap_that_an_ended_run_closed_is_repaired_by_the_next(is_here: bool) -> None:
    """Whether its candles are here, which that run did not live to tell, or are still to be had."""
    venue, rows = Venue(), list[GapRow]()
    backfill = SimpleNamespace(refill=venue.refill, venue_now=lambda: venue.now)
    repair = Repair(backfill, venue.bench.pipeline, Ledger("binance", rows.append))  # type: ignore[arg-type]
    venue.stream(at(0, 0), at(9, 51))
    if is_here:
        venue.stream(at(9, 51), at(9, 53))
    venue.now = at(9, 56, 30)
    venue.stream(at(9, 53), at(9, 56))
    row = GapRow("binance", "BTCUSDT", "kline", at(9, 51, 10), at(9, 53, 20), "crash", "no", 0, "")
    repair.on_closed(row)
    repair.keep(0.0)
    venue.work()
    assert rows == [row._replace(repaired="yes", rows_recovered=0 if is_here else 2)]
    assert bool(venue.asked) is not is_here
