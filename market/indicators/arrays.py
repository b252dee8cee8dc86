"""The indicators as functions of arrays, shape (n,) to (n,), oldest first; or (n, series), side by side.

Entries for which there are not yet enough values are NaN, never 0; NaN at the beginning of an input is
passed over, so that one indicator may be built on another. Elsewhere inputs must be finite: one NaN would
poison every average after it, so the caller leaves out what it does not have and knows that there is a hole.
Series side by side begin at the same index: many cost little more than one. Periods are counted in values.
Sources and limits of each: docs/signals.md.
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from market.intervals import DAY_MS

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

FLAT_RSI = 1e-8
"""A window whose RSI values differ by less is flat: float noise on RSI's scale of 0 to 100 is under 1e-12."""


class StochRsi(NamedTuple):
    """The stochastic of RSI, its mean of 3, and the mean of 3 of that."""

    raw: FloatArray
    k: FloatArray
    d: FloatArray


class Macd(NamedTuple):
    """EMA(12), EMA(26), their difference and its EMA(9), all in quote currency."""

    fast: FloatArray
    slow: FloatArray
    line: FloatArray
    signal: FloatArray


def sma(values: FloatArray, period: int) -> FloatArray:
    """Simple moving average."""
    return _over_windows(values, period, _mean)


def lowest(values: FloatArray, period: int) -> FloatArray:
    """Least of the last `period` values."""
    return _over_windows(values, period, lambda parts: reduce(np.minimum, parts))


def highest(values: FloatArray, period: int) -> FloatArray:
    """Greatest of the last `period` values."""
    return _over_windows(values, period, lambda parts: reduce(np.maximum, parts))


def ema(values: FloatArray, period: int) -> FloatArray:
    """Exponential moving average: weight 2 / (period + 1), begun with the plain mean of `period` values."""
    return _smooth(values, period, (period + 1) / 2)


def wilder(values: FloatArray, period: int) -> FloatArray:
    """Wilder's average, (before × (period - 1) + new) / period, begun with the plain mean."""
    return _smooth(values, period, period)


def changes(close: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gain and loss of each close against the one before, both ≥ 0; the first entries are NaN."""
    change = np.diff(close, axis=0, prepend=np.nan) if len(close) else close
    return np.maximum(change, 0.0), np.maximum(-change, 0.0)


def rsi(close: FloatArray, period: int = 14) -> FloatArray:
    """Relative strength index, 0 to 100; first value at index `period`. 100 where the average loss is 0."""
    gains, losses = changes(close)
    return rsi_of(wilder(gains, period), wilder(losses, period))


def rsi_of(gain: FloatArray, loss: FloatArray) -> FloatArray:
    """RSI out of the average gain and loss."""
    with np.errstate(invalid="ignore"):
        return np.where(loss == 0, 100.0, 100 * gain / (gain + loss))


def stochastic(values: FloatArray, period: int) -> FloatArray:
    """Where each value stands between the lowest (0) and the highest (100) of its window; 0 in a flat one."""
    low = lowest(values, period)
    width = highest(values, period) - low
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(width < FLAT_RSI, 0.0, 100 * (values - low) / width)


def stoch_rsi(rsi_values: FloatArray) -> StochRsi:
    """StochRSI (14, 14, 3, 3) out of RSI(14), each 0 to 100; of the closes, D is first known at index 31."""
    raw = stochastic(rsi_values, 14)
    k = sma(raw, 3)
    return StochRsi(raw, k, sma(k, 3))


def macd(close: FloatArray) -> Macd:
    """MACD (12, 26, 9): its line is first known at index 25, its signal line at 33."""
    fast, slow = ema(close, 12), ema(close, 26)
    return Macd(fast, slow, fast - slow, ema(fast - slow, 9))


def bollinger(close: FloatArray, period: int = 20, width: float = 2.0) -> tuple[FloatArray, FloatArray]:
    """Upper and lower band: the mean plus and minus `width` population standard deviations."""
    middle = sma(close, period)
    deviation = np.sqrt(_over_windows(close, period, _variance))
    return middle + width * deviation, middle - width * deviation


def atr(high: FloatArray, low: FloatArray, close: FloatArray, period: int = 14) -> FloatArray:
    """Average true range, Wilder's average of the true range; first value at index `period`."""
    if not len(close):
        return close
    before = np.full_like(close, np.nan)
    before[1:] = close[:-1]
    return wilder(np.maximum(high, before) - np.minimum(low, before), period)


def vwap(open_time: IntArray, volume: FloatArray, turnover: FloatArray, step_ms: int) -> FloatArray:
    """Turnover / volume of the UTC day up to each candle, its own included; candles are `step_ms` long.

    NaN where the day is not known from midnight on without a hole, and before its first trade.
    """
    is_whole = np.ones(len(volume), dtype=np.bool_)
    spent, traded = day_sums(open_time, np.stack((turnover, volume)), is_whole, step_ms)
    found: FloatArray = spent / np.where(traded > 0, traded, np.nan)
    return found


def day_sums(open_time: IntArray, values: FloatArray, is_whole: BoolArray, step_ms: int) -> FloatArray:
    """Sums over the UTC day up to each candle, its own included; `values` and what is found: shape (k, n).

    NaN where a candle of the day until then is missing, or is not whole.
    """
    days, day = np.unique(open_time // DAY_MS, return_inverse=True)
    slot = open_time % DAY_MS // step_ms
    # A slot without a whole candle is NaN, and so is every sum behind it.
    parts = np.full((len(values), len(days), DAY_MS // step_ms), np.nan)
    parts[:, day, slot] = np.where(is_whole, values, np.nan)
    sums: FloatArray = parts.cumsum(axis=2)[:, day, slot]
    return sums


def _mean(parts: list[FloatArray]) -> FloatArray:
    return reduce(np.add, parts) / len(parts)


def _variance(parts: list[FloatArray]) -> FloatArray:
    """Population variance; the deviations are squared, so that tiny prices lose no digits."""
    mean = _mean(parts)
    return _mean([(part - mean) ** 2 for part in parts])


def _over_windows(
    values: FloatArray, period: int, over: Callable[[list[FloatArray]], FloatArray]
) -> FloatArray:
    """`over` the `period` values of each full window, given as shifted views: part k holds every k-th value.

    A window that holds a NaN gives NaN. Raises ValueError if period < 1.
    """
    if period < 1:
        raise ValueError(f"expected a period of at least 1, found {period}")
    found = np.full_like(values, np.nan)
    count = len(values) - period + 1
    if count > 0:
        found[period - 1 :] = over([values[k : k + count] for k in range(period)])
    return found


def _smooth(values: FloatArray, period: int, span: float) -> FloatArray:
    """before + (value - before) / span, begun with the mean of `period` values. Raises ValueError."""
    if period < 1:
        raise ValueError(f"expected a period of at least 1, found {period}")
    found, weight = np.full_like(values, np.nan), 1 / span
    start = int(np.isnan(values).sum(axis=0).max(initial=0))
    first = start + period - 1
    if len(values) > first:
        average, rest = _mean([*values[start : first + 1]]), values[first + 1 :]
        if values.ndim == 1:  # plain floats are faster than NumPy's
            average, rest = average.tolist(), rest.tolist()
        averages = [average]
        for value in rest:
            average = average + weight * (value - average)
            averages.append(average)
        found[first:] = averages
    return found
