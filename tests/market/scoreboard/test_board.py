"""Rows of the scoreboard, and whether their verdicts can be believed."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.scoreboard import Key, Result, ScoreboardRow, scoreboard_row
from market.scoreboard.board import _verdict, block_ms
from market.scoreboard.statistics import Interval
from tests.market.simulated import days_with_edge, days_without_edge, scoreboard
from tests.market.walks import DAY
from tests.sizes import sized

KEY = Key("rsi_reversal", "bybit", "1m", 300)
HOUR = 3_600_000


def results(seed: int, count: int, *, mean: float = 0.0, every_ms: int = HOUR) -> list[Result]:
    """Independent results with a deviation of 10 bps."""
    rng = np.random.default_rng(seed)
    return [Result(DAY + n * every_ms, float(v)) for n, v in enumerate(rng.normal(mean, 10, count))]


def test_figures_by_hand() -> None:
    """Four results, out of order; too few for a verdict, but told."""
    made = [Result(DAY + 2, -8.0), Result(DAY, 10.0), Result(DAY + 1, -4.0), Result(DAY + 3, 6.0)]
    row = scoreboard_row(KEY, made, [Result(DAY, -10.0), Result(DAY, 2.0), Result(DAY, 2.0)])
    assert (row.rule, row.venue, row.interval, row.horizon_s) == KEY
    assert (row.count, row.hit_rate, row.mean_bps, row.median_bps) == (4, 0.5, 1.0, 1.0)
    assert (row.hit_rate_low, row.hit_rate_high) == pytest.approx((0.1500, 0.8500), abs=1e-4)
    assert (row.profit_factor, row.drawdown_bps) == (pytest.approx(16 / 12), 12.0)
    assert (row.baseline_count, row.baseline_hit_rate, row.baseline_median_bps) == (
        3,
        pytest.approx(2 / 3),
        2.0,
    )
    assert (row.baseline_mean_bps, row.edge_bps, row.verdict) == (-2.0, 3.0, "too few")


def test_nothing_to_tell_from() -> None:
    """No results: no figures; no baseline: no verdict."""
    row = scoreboard_row(KEY, [], results(1, 50))
    assert (row.count, row.hit_rate, row.mean_bps, row.verdict) == (0, None, None, "too few")
    row = scoreboard_row(KEY, results(1, 50), [])
    assert (row.count, row.baseline_count, row.baseline_mean_bps, row.verdict) == (50, 0, None, "too few")


@pytest.mark.parametrize(
    ("mean", "verdict"), [(10.0, "better than chance"), (-10.0, "worse"), (0.0, "no better than chance")]
)
def test_verdicts(mean: float, verdict: str) -> None:
    """By where the mean lies against the baseline, whatever both lose to costs."""
    for costs in (0.0, -50.0):
        row = scoreboard_row(KEY, results(2, 100, mean=mean + costs), results(3, 500, mean=costs))
        assert row.verdict == verdict


def test_few_results_or_few_blocks_have_no_verdict() -> None:
    """29 results, or many within 19 hours, prove nothing, however good; nor does a baseline of one day."""
    good, chance = results(4, 30, mean=500.0), results(5, 500)
    assert scoreboard_row(KEY, good, chance).verdict == "better than chance"
    assert scoreboard_row(KEY, good[:29], chance).verdict == "too few"
    crowded = results(4, 19 * 60, mean=500.0, every_ms=60_000)
    assert scoreboard_row(KEY, crowded, chance).verdict == "too few"
    assert scoreboard_row(KEY, good, chance[:19]).verdict == "too few"


@settings(max_examples=sized(20), deadline=None)
@given(st.integers(0, 10**6), st.floats(-8, 8))
def test_who_is_not_clear_of_the_baseline_is_no_better(seed: int, mean: float) -> None:
    """A mean whose interval includes the baseline is never called better or worse."""
    row = scoreboard_row(KEY, results(seed, 60, mean=mean), results(seed + 1, 600))
    assert (
        row.mean_bps_low is not None and row.mean_bps_high is not None and row.baseline_mean_bps is not None
    )
    assert row.edge_bps_low is not None and row.edge_bps_high is not None and row.mean_bps is not None
    assert row.mean_bps_low < row.mean_bps < row.mean_bps_high
    if row.mean_bps_low <= row.baseline_mean_bps <= row.mean_bps_high:
        assert row.verdict == "no better than chance"
    if row.verdict == "better than chance":
        assert row.edge_bps_low > 0
    if row.verdict == "worse":
        assert row.edge_bps_high < 0


@pytest.mark.parametrize(
    ("mean", "edge", "verdict"),
    [
        ((1.0, 3.0), (0.5, 4.0), "better than chance"),
        ((1.0, 3.0), (-0.5, 4.0), "no better than chance"),
        ((-1.0, 3.0), (0.5, 4.0), "no better than chance"),
        ((-3.0, -1.0), (-4.0, -0.5), "worse"),
        ((-3.0, -1.0), (-4.0, 0.5), "no better than chance"),
        ((-3.0, 1.0), (-4.0, -0.5), "no better than chance"),
    ],
)
def test_both_intervals_must_agree(
    mean: tuple[float, float], edge: tuple[float, float], verdict: str
) -> None:
    """That of the mean against the baseline, here 0, and that of the edge against 0."""
    row = ScoreboardRow(
        *KEY, "too few", 99, mean_bps_low=mean[0], mean_bps_high=mean[1], baseline_mean_bps=0.0
    )
    assert _verdict(row, Interval(*edge)) == verdict


def test_an_edge_is_bounded_at_99_percent() -> None:
    """Against a baseline that never varies its interval is that of the mean, wider as 2.576 is than 1.960."""
    row = scoreboard_row(KEY, results(10, 400), [Result(DAY + n * HOUR, 0.0) for n in range(400)])
    assert row.edge_bps_low is not None and row.edge_bps_high is not None
    assert row.mean_bps_low is not None and row.mean_bps_high is not None
    ratio = (row.edge_bps_high - row.edge_bps_low) / (row.mean_bps_high - row.mean_bps_low)
    assert ratio == pytest.approx(2.576 / 1.960, rel=0.1)


def test_results_of_one_hour_have_no_interval() -> None:
    """Figures without one are honest; a mean known to the third decimal is not."""
    row = scoreboard_row(KEY, results(8, 8, every_ms=60_000), results(9, 40))
    assert row.mean_bps is not None and row.median_bps is not None and row.edge_bps is not None
    assert (row.mean_bps_low, row.median_bps_high, row.edge_bps_low) == (None, None, None)
    assert row.hit_rate_low is not None and row.verdict == "too few"


def test_the_same_results_make_the_same_row() -> None:
    """In any order; another seed or another rule draws other samples."""
    made, chance = results(6, 80), results(7, 300)
    row = scoreboard_row(KEY, made, chance)
    random.Random(1).shuffle(made)
    assert scoreboard_row(KEY, made, chance[::-1]) == row
    assert scoreboard_row(KEY, made, chance, seed=1).mean_bps_low != row.mean_bps_low
    assert scoreboard_row(KEY._replace(rule="x"), made, chance).mean_bps_low != row.mean_bps_low


def test_results_that_overlap_share_a_block() -> None:
    """An hour, or two horizons."""
    assert [block_ms(h) for h in (60, 300, 900, 3600)] == [HOUR, HOUR, HOUR, 2 * HOUR]


def test_an_edge_that_is_there_is_found() -> None:
    """Eight basis points within five minutes after one rule's signals, on three simulated days."""
    rows = scoreboard(days_with_edge(1, 3, "bollinger_reentry", 8.0, over=5), 1, (300, 900))
    found = rows["bollinger_reentry", 300]
    assert found.verdict == "better than chance"
    assert rows["bollinger_reentry", 900].verdict == "better than chance"
    assert found.edge_bps == pytest.approx(8, abs=3)
    assert found.mean_bps is not None
    assert found.mean_bps < 0, "costs of 11 bps are more than the edge, and the row says so"


def test_without_an_edge_chance_is_not_beaten() -> None:
    """20 seeds of two days: at most 5 % of the verdicts praise luck, where 0.5 % are to be expected."""
    seeds = sized(20)
    verdicts = Counter(
        row.verdict
        for seed in range(seeds)
        for row in scoreboard(days_without_edge(seed, 2), seed, (300, 3600)).values()
    )
    judged = verdicts.total() - verdicts["too few"]
    assert judged > 7.5 * seeds
    assert verdicts["better than chance"] <= 0.05 * judged
    assert verdicts["worse"] <= 0.05 * judged
