"""Closes of which a series remembers too little before them are not told, unless it begins there."""

import msgspec
import pytest

from market.events import Kline
from market.indicators import IndicatorSeries, closes
from market.indicators.series import RUN_UP
from market.indicators.step import Values
from tests.market.walks import past_of, walk

KLINES = walk(1, 1_400, rests=False)
KNOWN = KLINES[1_000:]


def filled(*, begins: bool) -> IndicatorSeries:
    """It knows the newest 400."""
    series = IndicatorSeries("1m")
    IndicatorSeries.fill([(series, past_of(KNOWN))])
    series.begins = begins
    return series


def revised(one: Kline) -> Kline:
    return msgspec.structs.replace(one, close=one.close * 1.0001)


@pytest.mark.parametrize("index", [5, 249, 250, 300])
def test_what_is_told_after_a_revision_is_what_the_whole_history_says(index: int) -> None:
    """It says that it is behind where that is not all that changed."""
    series, one = filled(begins=False), revised(KNOWN[index])
    told = series.take([one])
    assert [c.indicators.open_time for c in told] == [k.open_time for k in KNOWN[max(index, RUN_UP) :]]
    assert series.is_behind is (index < RUN_UP)
    whole = closes([*KLINES[: 1_000 + index], one, *KNOWN[index + 1 :]])[-len(told) :]
    for close, right in zip(told, whole, strict=True):
        assert close.indicators.reason == right.indicators.reason
        for name in Values._fields:
            value = getattr(right.indicators, name)
            assert getattr(close.indicators, name) == pytest.approx(value, rel=1e-6, abs=1e-6)


def test_what_really_begins_there_is_told_as_a_beginning() -> None:
    """Honestly, from the revised candle on."""
    series, one = filled(begins=True), revised(KNOWN[5])
    told = series.take([one])
    assert told == closes([*KNOWN[:5], one, *KNOWN[6:]])[5:]
    assert [c.indicators.reason for c in told[:145]] == ["warming"] * 144 + [""]
    assert not series.is_behind


def test_the_newest_close_is_told_however_little_is_known() -> None:
    """It is what is shown."""
    series = IndicatorSeries("1m")
    series.begins = False
    told = series.take(KNOWN[:20])
    assert [c.indicators.open_time for c in told] == [KNOWN[19].open_time]
    assert not series.has_run_up(KNOWN[19].open_time)


def test_enough_is_remembered_behind_the_run_up() -> None:
    """From the candle on that has so many before it."""
    series = filled(begins=False)
    assert [series.has_run_up(KNOWN[n].open_time) for n in (0, RUN_UP - 1, RUN_UP, 399)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_revision_from_before_its_memory_is_only_noted() -> None:
    """It is the database's to compute anew."""
    series = IndicatorSeries("1m")
    series.take(KLINES)
    newest = series.newest
    assert not series.is_behind
    assert series.take([revised(KLINES[3])]) == []
    assert series.newest == newest
    assert series.is_behind
