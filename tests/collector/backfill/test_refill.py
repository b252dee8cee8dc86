"""Candles that are asked for until they are here, on a real pipeline and a venue made of arithmetic."""

import pytest

from collector.backfill.wants import MOST
from market.trade_bars import KEPT
from tests.collector.backfill.refill_venue import Venue, at, true_candle


@pytest.fixture
def venue() -> Venue:
    return Venue()


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
