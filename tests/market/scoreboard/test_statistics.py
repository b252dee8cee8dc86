"""Intervals that hold what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.scoreboard.statistics import (
    RESAMPLES,
    blocks_of,
    drawdown,
    interval_of,
    profit_factor,
    resampled_means,
    resampled_medians,
    wilson,
)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(5, 10, 0.2366, 0.7634), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)],
)
def test_wilson(hits: int, count: int, low: float, high: float) -> None:
    """Against published values, to four places."""
    assert wilson(hits, count) == pytest.approx((low, high), abs=5e-5)


@settings(deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_wilson_holds_the_rate_and_stays_a_rate(count: int, share: float) -> None:
    """Within 0 and 1, mirrored for misses."""
    hits = int(share * count)
    low, high = wilson(hits, count)
    assert 0 <= low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= high <= 1
    assert wilson(count - hits, count) == pytest.approx((1 - high, 1 - low))


def test_no_trial_has_no_rate() -> None:
    """It is for the caller to know."""
    with pytest.raises(ValueError, match="at least one trial"):
        wilson(0, 0)


def test_profit_factor_and_drawdown() -> None:
    """By hand."""
    made = np.array([10.0, -4.0, -8.0, 5.0, -1.0])
    assert profit_factor(made) == pytest.approx(15 / 13)
    assert profit_factor(np.array([1.0, 0.0])) is None
    assert drawdown(made) == 12.0
    assert drawdown(np.array([-3.0, -1.0])) == 4.0
    assert drawdown(np.array([1.0, 2.0])) == 0.0


def test_whole_blocks_are_drawn() -> None:
    """With two blocks a mean is that of one, the other, or both; medians likewise."""
    blocks = blocks_of(np.array([0.0, 2.0, 10.0]), np.array([5, 8, 25]), 10)
    rng = np.random.default_rng(1)
    assert blocks.number == 2
    assert {round(m, 9) for m in resampled_means(blocks, rng).tolist()} == {1.0, 4.0, 10.0}
    assert set(resampled_medians(blocks, rng).tolist()) == {1.0, 2.0, 10.0}


def test_medians_of_resamples_are_those_of_their_values() -> None:
    """Against the plain way: repeat each block as often as it was drawn, and take the middle."""
    rng = np.random.default_rng(2)
    values, times = rng.normal(size=41), np.arange(41)
    blocks = blocks_of(values, times, 4)
    seen = set(resampled_medians(blocks, np.random.default_rng(3)).tolist())
    drawn = np.random.default_rng(3).integers(blocks.number, size=(RESAMPLES, blocks.number))
    parts = [values[times // 4 == n] for n in range(blocks.number)]
    plain = {np.median(np.concatenate([parts[n] for n in row])) for row in drawn}
    assert seen == plain


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Means of 25 blocks of 3 values that go together: about 95 % of 1,000 intervals hold the true mean 0."""
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(1_000):
        values = np.repeat(rng.normal(size=25), 3) + 0.3 * rng.normal(size=75)
        blocks = blocks_of(values, np.arange(75), 3)
        interval = interval_of(resampled_means(blocks, rng), float(values.mean()), blocks.number)
        assert interval is not None
        held += interval.low <= 0 <= interval.high
    assert 930 <= held <= 970


def test_fewer_blocks_make_a_wider_interval() -> None:
    """By Student's distribution: 2.09 instead of 1.96 standard deviations at 20 blocks, and the n - 1."""
    normal = np.random.default_rng(5).normal(size=200_000)

    def high(blocks: int, level: float = 0.95) -> float:
        interval = interval_of(normal, 0.0, blocks, level)
        assert interval is not None
        assert interval.low == pytest.approx(-interval.high, rel=0.02)
        return interval.high

    assert high(20) == pytest.approx(2.09 * (20 / 19) ** 0.5, rel=0.02)
    assert high(10**9) == pytest.approx(1.96, rel=0.02)
    assert high(10**9, 0.99) == pytest.approx(2.576, rel=0.02)


def test_one_block_has_no_interval() -> None:
    """All its resamples are the same: nobody knows how far the next hour lies from this one."""
    blocks = blocks_of(np.array([-3.0, 1.0, 8.0]), np.array([1, 2, 3]), 10)
    assert blocks.number == 1
    assert interval_of(resampled_means(blocks, np.random.default_rng(6)), 2.0, blocks.number) is None


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-50, 50), min_size=2, max_size=30), st.integers(1, 5))
def test_a_median_lies_within_its_interval(values: list[float], size: int) -> None:
    """Also of an even number of values, and of few blocks."""
    made = np.array(values)
    blocks = blocks_of(made, np.arange(len(made)), size)
    median = float(np.median(made))
    interval = interval_of(resampled_medians(blocks, np.random.default_rng(7)), median, blocks.number)
    assert (interval is None) == (blocks.number == 1)
    if interval is not None:
        assert interval.low <= median <= interval.high
