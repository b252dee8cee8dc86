"""One row of the scoreboard: what a rule's signals made after costs, how sure that is, whether it is luck."""

from collections.abc import Sequence
from typing import Literal, NamedTuple
from zlib import crc32

import msgspec
import numpy as np

from market.scoreboard.baseline import HOUR_MS, Result
from market.scoreboard.statistics import (
    Blocks,
    FloatArray,
    Interval,
    blocks_of,
    drawdown,
    interval_of,
    profit_factor,
    resampled_means,
    resampled_medians,
    wilson,
)

Verdict = Literal["better than chance", "worse", "no better than chance", "too few"]

LEAST_COUNT = 30
LEAST_BLOCKS = 20
"""With fewer blocks of time an interval means little."""
EDGE_LEVEL = 0.99
"""A board shows hundreds of verdicts at once: at 95 % a dozen of them would praise luck."""


class Key(NamedTuple):
    """Whose figures they are."""

    rule: str
    venue: str
    interval: str
    horizon_s: int


class ScoreboardRow(msgspec.Struct, frozen=True):
    """Figures in basis points after costs; `_low` and `_high` bound their 95 % interval. None: there is none,
    as when all results lie in one block of time.

    `hit_rate`: share that made more than 0. `profit_factor`: gains over losses, None without a loss.
    `drawdown_bps`: the worst fall of the running total, in order of time. `edge_bps`: the mean less that of
    the baseline, with its 99 % interval.
    """

    rule: str
    venue: str
    interval: str
    horizon_s: int
    verdict: Verdict
    count: int
    hit_rate: float | None = None
    hit_rate_low: float | None = None
    hit_rate_high: float | None = None
    mean_bps: float | None = None
    mean_bps_low: float | None = None
    mean_bps_high: float | None = None
    median_bps: float | None = None
    median_bps_low: float | None = None
    median_bps_high: float | None = None
    profit_factor: float | None = None
    drawdown_bps: float | None = None
    baseline_count: int = 0
    baseline_hit_rate: float | None = None
    baseline_mean_bps: float | None = None
    baseline_median_bps: float | None = None
    edge_bps: float | None = None
    edge_bps_low: float | None = None
    edge_bps_high: float | None = None


def block_ms(horizon_s: int) -> int:
    """Length of a block of time: an hour, or two horizons if that is longer, so that few results span two."""
    return max(HOUR_MS, 2 * horizon_s * 1000)


def scoreboard_row(
    key: Key, results: Sequence[Result], baseline: Sequence[Result], seed: int = 0
) -> ScoreboardRow:
    """The figures of one rule. The same arguments give the same row, whatever the order of results."""
    rng = np.random.default_rng([seed, crc32("|".join(map(str, key)).encode())])
    if not results:
        return ScoreboardRow(*key, "too few", 0)
    sample = _in_blocks(results, key.horizon_s)
    values, means = sample.values, resampled_means(sample, rng)
    count, hits, mean, median = len(values), int((values > 0).sum()), float(values.mean()), np.median(values)
    row = ScoreboardRow(
        *key,
        "too few",
        count,
        hits / count,
        *wilson(hits, count),
        mean,
        *_bounds(interval_of(means, mean, sample.number)),
        float(median),
        *_bounds(interval_of(resampled_medians(sample, rng), float(median), sample.number)),
        profit_factor(values),
        drawdown(values),
    )
    if not baseline:
        return row
    chance = _in_blocks(baseline, key.horizon_s)
    return _against(row, sample, means, chance, resampled_means(chance, rng))


def _against(
    row: ScoreboardRow, sample: Blocks, means: FloatArray, chance: Blocks, chance_means: FloatArray
) -> ScoreboardRow:
    """The row with its baseline and what that makes of it."""
    base = float(chance.values.mean())
    edge = float(sample.values.mean()) - base
    bounds = interval_of(means - chance_means, edge, min(sample.number, chance.number), EDGE_LEVEL)
    row = msgspec.structs.replace(
        row,
        baseline_count=len(chance.values),
        baseline_hit_rate=float((chance.values > 0).mean()),
        baseline_mean_bps=base,
        baseline_median_bps=float(np.median(chance.values)),
        edge_bps=edge,
        edge_bps_low=bounds and bounds.low,
        edge_bps_high=bounds and bounds.high,
    )
    if (
        bounds is None
        or min(row.count, row.baseline_count) < LEAST_COUNT
        or min(sample.number, chance.number) < LEAST_BLOCKS
    ):
        return row
    return msgspec.structs.replace(row, verdict=_verdict(row, bounds))


def _bounds(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else interval


def _verdict(row: ScoreboardRow, edge: Interval) -> Verdict:
    """Luck, unless the baseline lies outside the mean's interval and 0 outside the edge's."""
    base, low, high = row.baseline_mean_bps, row.mean_bps_low, row.mean_bps_high
    if base is None or low is None or high is None:
        return "too few"
    if low > base and edge.low > 0:
        return "better than chance"
    return "worse" if high < base and edge.high < 0 else "no better than chance"


def _in_blocks(results: Sequence[Result], horizon_s: int) -> Blocks:
    """Results in order of time."""
    ordered = sorted(results)
    times = np.array([result.time for result in ordered])
    return blocks_of(np.array([result.net_bps for result in ordered]), times, block_ms(horizon_s))
