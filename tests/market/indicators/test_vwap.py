"""VWAP of the day in a series, against sums that are straightforward."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.events import Kline
from market.indicators import CandleClose, DayTotals, IndicatorSeries, closes
from market.intervals import DAY_MS, INTERVAL_MS
from tests.market.walks import DAY, kline, minutes_of, past_of, walk, without
from tests.sizes import sized


def as_interval(klines: list[Kline], interval: str) -> list[Kline]:
    """The same candles, each as long as that; from DAY on."""
    step = INTERVAL_MS[interval]
    return [
        msgspec.structs.replace(one, interval=interval, open_time=DAY + n * step)
        for n, one in enumerate(klines)
    ]


def plainly(klines: list[Kline]) -> list[float | None]:
    """For each candle, what its day's candles up to it add up to; None where one is missing or broken."""
    found: list[float | None] = []
    for one in klines:
        midnight = one.open_time // DAY_MS * DAY_MS
        day = [k for k in klines if midnight <= k.open_time <= one.open_time and k.complete]
        wanted = (one.open_time - midnight) // INTERVAL_MS[one.interval] + 1
        volume = sum(k.volume for k in day)
        known = len(day) == wanted and volume > 0
        found.append(sum(k.turnover for k in day) / volume if known else None)
    return found


def told(found: list[CandleClose]) -> list[float | None]:
    return [close.indicators.vwap for close in found]


def approx(values: list[float | None]) -> list[object]:
    return [None if v is None else pytest.approx(v, rel=1e-9) for v in values]


@settings(max_examples=sized(6), deadline=None)
@given(
    st.integers(),
    st.sampled_from(list(INTERVAL_MS)),
    st.sets(st.integers(0, 999), max_size=3),
    st.sampled_from([1e-8, 0.01]),
)
def test_it_is_the_sum_of_the_day_however_the_candles_come(
    seed: int, interval: str, missing: set[int], tick: float
) -> None:
    """Across midnights and holes: in one batch, one by one, and from stored columns."""
    klines = without(as_interval(walk(seed, 1_000, tick=tick), interval), missing)
    wanted = plainly(klines)
    assert told(closes(klines)) == approx(wanted)
    live, begun = IndicatorSeries(interval), IndicatorSeries(interval, kept=1_000)
    assert [v for one in klines for v in told(live.take([one]))] == approx(wanted)
    IndicatorSeries.fill([(begun, past_of(klines))])
    assert told(begun.since(0)) == approx(wanted)


def test_the_day_of_minutes_outlives_the_memory_of_its_candles() -> None:
    """A series remembers some 450 minutes; the last of 1,440 tells the whole day, and midnight ends it."""
    klines = walk(1, 1_450)
    series = IndicatorSeries("1m")
    found = [close for one in klines for close in series.take([one])]
    assert told(found) == approx(plainly(klines))


def test_a_revision_and_a_repair_tell_the_day_anew() -> None:
    """From the candle on that changed or was missing."""
    klines = walk(2, 900)
    series = IndicatorSeries("1m")
    for one in without(klines, {700}):
        series.take([one])
    assert series.newest is not None and series.newest.indicators.vwap is None
    assert told(series.take([klines[700]])) == approx(plainly(klines)[700:])
    revised = msgspec.structs.replace(klines[800], volume=99.0, turnover=99.0 * klines[800].close)
    assert told(series.take([revised])) == approx(plainly([*klines[:800], revised, *klines[801:]])[800:])


def test_a_broken_candle_leaves_none_until_midnight() -> None:
    """The day is not known whole; the next one is."""
    klines = as_interval(walk(3, 60), "1h")
    klines[5] = msgspec.structs.replace(klines[5], complete=False)
    found = told(closes(klines))
    assert [n for n, value in enumerate(found) if value is None] == list(range(5, 24))


@pytest.mark.parametrize("interval", INTERVAL_MS)
def test_the_forming_candle_counts_provisionally(interval: str) -> None:
    """It is what its close would say, and changes nothing; also as the first of a day."""
    klines = as_interval(walk(4, 290), interval)
    series = IndicatorSeries(interval)
    for one in klines:
        forming = series.provisional(msgspec.structs.replace(one, is_closed=False))
        (close,) = series.take([one])
        assert forming is not None and forming.vwap == close.indicators.vwap


def test_a_forming_candle_that_is_broken_or_does_not_follow_tells_none() -> None:
    """Nor one of a series that does not know its day."""
    series = IndicatorSeries("1m")
    assert series.provisional(kline(5, 1.0, is_closed=False)).vwap is None  # type: ignore[union-attr]
    series.take([kline(0, 2.0)])
    for index, complete, wanted in ((1, True, 1.5), (1, False, None), (2, True, None), (1440, True, 1.0)):
        found = series.provisional(kline(index, 1.0, is_closed=False, complete=complete))
        assert found is not None and found.vwap == wanted


@settings(max_examples=sized(6), deadline=None)
@given(st.integers(), st.integers(401, 1_439))
def test_a_restart_goes_on_with_the_day(seed: int, at: int) -> None:
    """From 400 minutes and what the others of the day add up to."""
    klines = walk(seed, 1_500)
    series, day = IndicatorSeries("1m"), DayTotals()
    IndicatorSeries.fill([(series, past_of(klines[at - 400 : at]))])
    day.fill(minutes_of(klines[:at]))
    assert series.oldest is not None
    before = day.before(series.oldest)
    assert before is not None
    assert series.newest is not None and series.newest.indicators.vwap is None
    assert len(series.begin_day(*before)) == 400
    found = [series.newest, *(close for one in klines[at:] for close in series.take([one]))]
    assert told(found) == approx(plainly(klines)[at - 1 :])
    assert series.begin_day(*before) == [] or series.oldest != klines[at - 400].open_time


def test_an_empty_series_begins_no_day() -> None:
    """There is nothing it could be before."""
    series = IndicatorSeries("1m")
    assert (series.oldest, series.begin_day(1.0, 1.0)) == (None, [])


def test_what_the_day_was_before_a_minute() -> None:
    """Of the newest day, where it is known until then."""
    day = DayTotals()
    day.fill(minutes_of([kline(n, 10.0, volume=2.0) for n in (0, 1, 3)]))
    assert [day.before(DAY + n * 60_000) for n in range(5)] == [
        (0.0, 0.0), (20.0, 2.0), (40.0, 4.0), None, None,
    ]  # fmt: skip
    assert day.before(DAY - 60_000) is None
