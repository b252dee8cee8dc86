"""What adds up over the UTC day."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.indicators.arrays import vwap
from market.indicators.day import DayTotals
from tests.market.walks import kline, minutes_of, walk
from tests.sizes import sized

NAMES = ("open_time", "volume", "turnover")


@settings(max_examples=sized(10), deadline=None)
@given(st.integers(), st.sampled_from([1e-8, 0.01]))
def test_minute_by_minute_equals_the_batch(seed: int, tick: float) -> None:
    """Across midnight."""
    klines = walk(seed, 1_500, tick=tick)
    times, volume, turnover = (np.array([getattr(k, n) for k in klines]) for n in NAMES)
    batch = vwap(times, volume, turnover, 60_000)
    day, found = DayTotals(), []
    for one in klines:
        day.take(one)
        found.append(day.vwap)
    assert found == pytest.approx(batch.tolist(), rel=1e-9)


def test_by_hand() -> None:
    """2 at 10 and 1 at 16 are 12 on average; a minute without trades changes nothing."""
    day = DayTotals()
    day.take(kline(0, 5.0, volume=0.0))
    assert day.vwap is None
    for index, (price, volume) in enumerate([(10.0, 2.0), (16.0, 1.0), (99.0, 0.0)], 1):
        day.take(kline(index, price, volume=volume))
    assert day.vwap == pytest.approx(12.0)


def test_a_missing_minute_leaves_none_until_it_comes() -> None:
    """Missing, incomplete, or before we began; a late or revised candle mends it; a new day begins anew."""
    day = DayTotals()
    day.take(kline(1, 10.0))
    assert day.vwap is None
    day.take(kline(0, 20.0, complete=False))
    assert day.vwap is None
    day.take(kline(0, 20.0))
    assert day.vwap == pytest.approx(15.0)
    day.take(kline(0, 30.0))
    assert day.vwap == pytest.approx(20.0)
    day.take(kline(1440, 7.0))
    day.take(kline(1439, 99.0))
    assert day.vwap == pytest.approx(7.0)


def test_bought_less_sold() -> None:
    """3 of 4 bought are 2 more than sold; unknown while a minute does not say."""
    day = DayTotals()
    assert day.cvd is None
    minutes = [kline(n, 1.0, volume=4.0, bought=bought) for n, bought in enumerate((3.0, 0.5, None))]
    day.take(minutes[0])
    assert day.cvd == 2.0
    day.take(minutes[1])
    assert day.cvd == -1.0
    day.take(minutes[2])
    assert (day.cvd, day.vwap) == (None, 1.0)


def test_other_candles_are_refused() -> None:
    """Only closed ones of 1m."""
    for wrong in (kline(0, 1.0, interval="5m"), msgspec.structs.replace(kline(0, 1.0), is_closed=False)):
        with pytest.raises(ValueError, match="expected a closed 1m candle"):
            DayTotals().take(wrong)


@settings(max_examples=sized(20), deadline=None)
@given(st.integers(), st.integers(0, 1_600), st.integers(0, 1_600))
def test_a_start_from_stored_minutes_equals_the_day_that_was_seen(seed: int, stored: int, from_: int) -> None:
    """Whichever part of it was stored, live candles may come before and the two may overlap."""
    klines = [
        msgspec.structs.replace(one, taker_buy_volume=one.volume * n / 1_600)
        for n, one in enumerate(walk(seed, 1_600))
    ]
    whole, begun = DayTotals(), DayTotals()
    for one in klines:
        whole.take(one)
    for one in klines[min(from_, stored) :]:
        begun.take(one)
    begun.fill(minutes_of(klines[:stored]))
    assert begun.vwap == pytest.approx(whole.vwap, rel=1e-12)
    assert begun.cvd == pytest.approx(whole.cvd, rel=1e-12)


def test_what_is_stored_replaces_nothing_and_mends_no_hole() -> None:
    """A live minute was revised since; a broken one stays missing; yesterday is over."""
    klines = [kline(n, 10.0, volume=1.0, bought=0.5) for n in range(3)]
    day = DayTotals()
    day.take(msgspec.structs.replace(klines[2], turnover=40.0))
    day.fill(minutes_of([kline(-1, 99.0), klines[0], msgspec.structs.replace(klines[1], complete=False)]))
    assert day.vwap is None
    day.fill(minutes_of(klines))
    assert day.vwap == pytest.approx(60.0 / 3)
    assert day.cvd == pytest.approx(0.0)
