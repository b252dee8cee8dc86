"""Candles that are asked for until they are here, on a real pipeline and a venue made of arithmetic."""

import json
from collections.abc import Callable

import pytest

from collector.backfill.jobs import AUDIT, Jobs
from collector.backfill.refill import AGAIN_S, Refill
from collector.backfill.wants import MOST
from collector.history import Span
from collector.venues import RestError, venue_for
from market.events import Kline
from market.intervals import INTERVAL_MS
from market.rollup import roll_up
from market.trade_bars import KEPT
from tests.collector.fakes import Bench

MINUTE = 60_000
DAY_AGO = 1_763_596_800_000
"""A UTC midnight."""
REST = venue_for("binance").rest


def minute(open_time: int, **changes: object) -> Kline:
    """The one true 1m candle of a minute."""
    price = 100.0 + open_time // MINUTE % 977
    values = {
        "open": price, "high": price + 2, "low": price - 1, "close": price + 1, "volume": 3.0,
        "turnover": 3 * price, "is_closed": True, "event_time": open_time + MINUTE - 1,
        "recv_time": open_time + MINUTE, "trades": 7, "taker_buy_volume": 1.0,
    }  # fmt: skip
    return Kline("BTCUSDT", "1m", open_time, **(values | changes))  # type: ignore[arg-type]


def true_candle(interval: str, open_time: int) -> Kline:
    """The one true candle of an interval."""
    parts = [minute(t) for t in range(open_time, open_time + INTERVAL_MS[interval], MINUTE)]
    return roll_up(parts, interval, is_closed=True) if interval != "1m" else parts[0]


class Venue:
    """REST that has every candle that ended, but for what a test takes away; and the clock."""

    def __init__(self) -> None:
        self.now = DAY_AGO + 10 * 60 * MINUTE
        self.absent: set[tuple[str, int]] = set()
        self.lag_ms = 0
        self.refuses = False
        self.asked: list[tuple[str, int, int]] = []
        self.jobs = Jobs()
        self.bench = Bench("binance", "BTCUSDT")
        self.refill = Refill(REST, self.jobs.put, self.bench.pipeline, lambda: self.now)
        self.done: list[tuple[int, bool]] = []

    def stream(self, start: int, end: int) -> None:
        """Minutes that the stream told."""
        for time in range(start, end, MINUTE):
            for closed in self.bench.pipeline.states["BTCUSDT"].on_kline(minute(time)):
                if not closed.complete:
                    self.refill.on_incomplete(closed)

    def gap(self, started_at: int, ended_at: int) -> None:
        """A gap that is over."""
        self.refill.after_gap("BTCUSDT", started_at, ended_at, lambda *result: self.done.append(result))

    def work(self, *, later_s: float = 0.0) -> None:
        """Do every job that is due, those of the next seconds included."""
        while (job := self.jobs.take(1e12 if later_s else 0.0, AUDIT, ())) is not None:
            request = job.make()
            if request is None:
                later_s -= 1
                if later_s < -50:
                    return
                continue
            try:
                job.on_body(self.answer(request.params))
            except RestError:
                job.on_refused()

    def answer(self, params: dict[str, str | int]) -> bytes:
        """Candles from `startTime` on, the running one included, as Binance gives them."""
        interval, start, limit = str(params["interval"]), int(params["startTime"]), int(params["limit"])
        self.asked.append((interval, (start - DAY_AGO) // MINUTE, limit))
        if self.refuses:
            return b'{"code":-1121,"msg":"Invalid symbol."}'
        step = INTERVAL_MS[interval]
        times = [t for t in range(start, self.now - self.lag_ms, step) if (interval, t) not in self.absent]
        return json.dumps([row(true_candle(interval, time)) for time in times[:limit]]).encode()

    def closed(self, interval: str) -> dict[int, Kline]:
        """What memory holds."""
        return self.bench.pipeline.states["BTCUSDT"].candles.series[interval].closed


def row(k: Kline) -> list[object]:
    end = k.open_time + INTERVAL_MS[k.interval] - 1
    prices = [str(p) for p in (k.open, k.high, k.low, k.close)]
    return [
        k.open_time,
        *prices,
        str(k.volume),
        end,
        str(k.turnover),
        k.trades,
        str(k.taker_buy_volume),
        "0",
        "0",
    ]


@pytest.fixture
def venue() -> Venue:
    return Venue()


def at(hour: int, minutes: int, seconds: float = 0) -> int:
    return DAY_AGO + (hour * 60 + minutes) * MINUTE + int(seconds * 1000)


def test_a_gap_is_refilled_and_its_rollups_follow(venue: Venue) -> None:
    """1m by one request; what they roll up to is not asked for; the candles are the venue's."""
    venue.stream(at(9, 30), at(9, 42))
    venue.now = at(9, 56, 30)
    venue.stream(at(9, 53), at(9, 56))
    venue.gap(at(9, 41, 50), at(9, 53, 20))
    venue.work()
    assert venue.done == [(11, True)]
    assert venue.asked == [("1m", 9 * 60 + 42, 11)]
    for interval in ("1m", "5m", "15m"):
        for time, kline in venue.closed(interval).items():
            true = true_candle(interval, time)
            assert kline.complete
            assert (kline.open, kline.high, kline.low, kline.close, kline.volume) == (
                true.open, true.high, true.low, true.close, true.volume,
            )  # fmt: skip
    assert set(venue.closed("15m")) == {at(9, 30)}
    assert venue.refill.missing == 0


def test_higher_candles_that_the_parts_do_not_give_are_asked_for(venue: Venue) -> None:
    """The collector ran for a few minutes only: the hour cannot be rolled up."""
    venue.now = at(10, 5, 30)
    venue.stream(at(9, 50), at(9, 52))
    venue.stream(at(10, 4), at(10, 5))
    venue.gap(at(9, 52), at(10, 4, 10))
    venue.work()
    assert [(interval, limit) for interval, _, limit in venue.asked] == [("1m", 12), ("15m", 1), ("1h", 1)]
    assert venue.closed("1h")[at(9, 0)].source == "rest"
    assert venue.done == [(14, True)]


def test_a_long_gap_takes_several_requests_of_the_newest_candles(venue: Venue) -> None:
    """Four hours whole; more than a day not, which the ledger is told."""
    venue.now = at(12, 0, 30)
    venue.gap(at(7, 59, 30), at(12, 0, 10))
    venue.work()
    assert venue.closed("4h")[at(8, 0)].complete
    assert venue.done[-1][1] is True
    venue.asked.clear()
    venue.gap(at(-15, 0), at(12, 0, 10))
    venue.work()
    # of those that came for the first gap, memory holds some
    assert [limit for interval, _, limit in venue.asked if interval == "1m"] == [1000, MOST - 1000 - KEPT]
    recovered, is_whole = venue.done[-1]
    assert recovered > MOST
    assert not is_whole


def test_nothing_is_asked_for_a_gap_within_a_minute(venue: Venue) -> None:
    """The stream's next message brings the whole candle."""
    venue.stream(at(9, 30), at(10, 0))
    venue.gap(at(9, 59, 10), at(9, 59, 40))
    venue.work()
    assert venue.asked == []
    assert venue.done == [(0, True)]


def test_a_candle_that_ended_just_now_is_asked_for_later(venue: Venue) -> None:
    """It may not be there yet, or not be final."""
    venue.now = at(10, 1, 1)
    venue.gap(at(9, 58, 30), at(10, 1, 0.5))
    venue.work()
    assert venue.asked == [("1m", 9 * 60 + 58, 2)]
    assert venue.done == []
    venue.now = at(10, 1, 3)
    venue.work(later_s=1)
    assert venue.asked[1] == ("1m", 10 * 60, 1)
    assert venue.done == [(len([a for a in venue.asked if a[0] != "1m"]) + 3, True)]


def test_a_candle_that_rest_has_late_is_asked_for_again(venue: Venue) -> None:
    """For a minute; the job waits some seconds in between."""
    venue.now, venue.lag_ms = at(10, 0, 10), 70_000
    venue.gap(at(9, 58, 30), at(10, 0, 5))
    venue.work()
    assert venue.done == []
    assert venue.jobs.due_in(0.0, AUDIT, ()) is not None
    venue.now += int(AGAIN_S * 1000)
    venue.lag_ms = 0
    venue.work(later_s=1)
    assert venue.done[0][1] is True


def test_what_the_venue_does_not_have_ends_the_waiting(venue: Venue) -> None:
    """And the gap is only partly repaired; it is not asked for again."""
    venue.absent = {("1m", at(9, 31))}
    venue.gap(at(9, 30, 10), at(9, 33, 10))
    venue.work()
    assert venue.done == [(2 + len(venue.asked) - 1, False)]
    before = len(venue.asked)
    venue.gap(at(9, 31, 10), at(9, 32, 10))
    venue.work()
    assert venue.done[-1] == (2, False)  # the 5m and 15m candles came, 9:31 itself is not to be had
    assert len(venue.asked) == before


def test_a_venue_that_refuses_ends_the_waiting(venue: Venue) -> None:
    """A symbol that it does not know."""
    venue.refuses = True
    venue.gap(at(9, 30, 10), at(9, 33, 10))
    venue.work()
    assert venue.done == [(0, False)]


def test_gaps_that_overlap_are_asked_for_once(venue: Venue) -> None:
    """And each is told when its own part is whole."""
    venue.gap(at(9, 30, 10), at(9, 33, 10))
    venue.gap(at(9, 31, 10), at(9, 35, 10))
    venue.work()
    assert [a for a in venue.asked if a[0] == "1m"] == [("1m", 9 * 60 + 30, 5)]
    assert [whole for _, whole in venue.done] == [True, True]


def test_an_incomplete_candle_is_asked_for_soon_after_its_end(venue: Venue) -> None:
    """Its rollup follows by itself."""
    venue.stream(at(9, 30), at(9, 34))
    venue.now = at(9, 35, 1)
    late = minute(at(9, 34), complete=False, close=99.0)
    for kline in venue.bench.pipeline.states["BTCUSDT"].on_kline(late):
        venue.refill.on_incomplete(kline)
    assert venue.closed("5m")[at(9, 30)].complete is False
    venue.work()
    assert venue.asked == []
    venue.now = at(9, 35, 11)
    venue.work(later_s=1)
    assert venue.asked == [("1m", 9 * 60 + 34, 1)]
    assert venue.closed("5m")[at(9, 30)].complete is True
    assert venue.closed("5m")[at(9, 30)].close == minute(at(9, 34)).close


def test_a_sweep_finds_what_nobody_reported(venue: Venue) -> None:
    """A hole in memory, however it came about."""
    venue.now = at(9, 55, 30)
    venue.stream(at(9, 35), at(9, 40))
    venue.stream(at(9, 45), at(9, 55))
    venue.jobs = Jobs()
    venue.refill = Refill(REST, lambda job: venue.jobs.put(job), venue.bench.pipeline, lambda: venue.now)
    venue.refill.sweep()
    venue.work()
    assert venue.asked == [("1m", 9 * 60 + 40, 5), ("15m", 9 * 60 + 30, 1)]
    assert venue.closed("5m")[at(9, 40)].complete
    venue.asked.clear()
    venue.refill.sweep()
    venue.work()
    assert venue.asked == []


def test_the_past_is_asked_for_in_the_order_it_was_wanted(venue: Venue) -> None:
    """Long intervals first, as the caller says."""
    venue.now += 30_000
    spans = [Span("BTCUSDT", i, at(9, 0), n) for i, n in (("1h", 1), ("5m", 12), ("1m", 60))]
    venue.refill.want(spans)
    assert venue.refill.missing == 73
    venue.work()
    assert [interval for interval, _, _ in venue.asked] == ["1h", "5m", "1m"]
    assert venue.refill.missing == 0


def test_who_is_followed_no_longer_is_not_asked_for(venue: Venue) -> None:
    """The gap is told that it stays."""
    venue.gap(at(9, 30, 10), at(9, 33, 10))
    venue.refill.forget(["BTCUSDT"])
    assert venue.done == [(0, False)]
    assert venue.refill.missing == 0
    venue.work()
    assert venue.asked == []


def test_too_many_gaps_of_one_symbol_are_not_waited_for(venue: Venue) -> None:
    """The oldest are told so."""
    for n in range(60):
        venue.gap(at(8, n, 10), at(8, n + 1, 10))
    assert venue.done == [(0, False)] * 10
    venue.work()
    assert len(venue.done) == 60


def test_a_lock_that_is_held_does_no_harm(venue: Venue) -> None:
    """Gaps and incomplete candles are told by threads that hold the pipeline's."""
    calls: list[Callable[[], None]] = [
        lambda: venue.gap(at(9, 30, 10), at(9, 33, 10)),
        lambda: venue.refill.on_incomplete(minute(at(9, 40), complete=False)),
        lambda: venue.refill.want([Span("BTCUSDT", "1m", at(9, 50), 2)]),
    ]
    with venue.bench.pipeline.lock:
        for call in calls:
            call()
    assert venue.refill.missing == 6
