"""Refills that wait, are given up, or are asked for without a gap."""

from collections.abc import Callable

import pytest

from collector.backfill.jobs import AUDIT, Jobs
from collector.backfill.refill import AGAIN_S, Refill
from collector.history import Span
from tests.collector.backfill.refill_venue import REST, Venue, at, minute


@pytest.fixture
def venue() -> Venue:
    return Venue()


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
