"""How sure a figure is: Wilson's interval of a rate, and bootstrap intervals over blocks of time."""

from math import sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

RESAMPLES = 2000
CHUNK = 50
"""Resamples whose medians are taken at a time, to bound memory."""


class Interval(NamedTuple):
    """Where a figure lies by its sample, at some level of confidence."""

    low: float
    high: float


class Blocks(NamedTuple):
    """Values, the block of time that each lies in, numbered from 0, and how many blocks there are."""

    values: FloatArray
    block: IntArray
    number: int


def wilson(hits: int, count: int) -> Interval:
    """95 % interval of a rate. Source: Wilson (1927). Raises ValueError without a count."""
    if count < 1:
        raise ValueError("expected at least one trial")
    z = _quantile(0.95)
    rate, spread = hits / count, z * z / count
    middle = rate + spread / 2
    half = z * sqrt(rate * (1 - rate) / count + spread / count / 4)
    return Interval(max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread)))


def blocks_of(values: FloatArray, times: IntArray, block_ms: int) -> Blocks:
    """Values in blocks of time; a stretch without a value is no block."""
    starts, block = np.unique(times // block_ms, return_inverse=True)
    return Blocks(values, block, len(starts))


def resampled_means(blocks: Blocks, rng: np.random.Generator) -> FloatArray:
    """The means of samples of whole blocks, drawn with replacement, as many as there are.

    What happens close together goes together, so that values that overlap in time or across instruments are
    not counted as independent. Source: Carlstein (1986), on the bootstrap of Efron (1979).
    """
    drawn = _draw(blocks, rng)
    sums = np.bincount(blocks.block, blocks.values, blocks.number)
    sizes = np.bincount(blocks.block, minlength=blocks.number)
    means: FloatArray = (drawn @ sums) / (drawn @ sizes)
    return means


def resampled_medians(blocks: Blocks, rng: np.random.Generator) -> FloatArray:
    """The medians of such samples; of an even number of values, the mean of the middle two."""
    drawn = _draw(blocks, rng)
    order = np.argsort(blocks.values, kind="stable")
    ascending, block = blocks.values[order], blocks.block[order]
    found = []
    for start in range(0, RESAMPLES, CHUNK):
        reached = np.cumsum(drawn[start : start + CHUNK][:, block], axis=1)
        twice, total = 2 * reached, reached[:, -1:]
        lower, upper = (twice >= total).argmax(axis=1), (twice > total).argmax(axis=1)
        found.append((ascending[lower] + ascending[upper]) / 2)
    return np.concatenate(found)


def interval_of(estimates: FloatArray, estimate: float, blocks: int, level: float = 0.95) -> Interval | None:
    """Interval of an estimate at a level of confidence, out of its resamples, widened as few blocks demand.

    None for a single block: its resamples are all the same, which would look like certainty. The estimate is
    never outside: where resamples are few and skewed, the interval reaches to it.
    Percentiles of resamples are too narrow by the factors of a variance divided by n instead of n - 1, and of
    a normal in place of Student's distribution (its quantile by Cornish and Fisher's first term).
    """
    if blocks < 2:
        return None
    low, high = np.quantile(estimates, ((1 - level) / 2, (1 + level) / 2)).tolist()
    low, high = min(low, estimate), max(high, estimate)
    freedom = blocks - 1
    widening = sqrt(blocks / freedom) * (1 + (_quantile(level) ** 2 + 1) / (4 * freedom))
    return Interval(estimate + widening * (low - estimate), estimate + widening * (high - estimate))


def profit_factor(values: FloatArray) -> float | None:
    """Sum of the gains over the sum of the losses; None without a loss."""
    losses = -float(values[values < 0].sum())
    return float(values[values > 0].sum()) / losses if losses > 0 else None


def drawdown(values: FloatArray) -> float:
    """The furthest that the running total of `values`, in order, fell below its highest point; ≥ 0."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    return float((np.maximum.accumulate(total) - total).max())


def _quantile(level: float) -> float:
    """Half-width of the middle of a standard normal distribution."""
    return NormalDist().inv_cdf((1 + level) / 2)


def _draw(blocks: Blocks, rng: np.random.Generator) -> IntArray:
    """How often each block (column) is in each sample (row)."""
    number = blocks.number
    drawn = rng.integers(number, size=(RESAMPLES, number)) + number * np.arange(RESAMPLES)[:, None]
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * number).reshape(RESAMPLES, number)
