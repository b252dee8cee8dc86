"""Every indicator once more, from its definition alone: slow, plain, sharing nothing with the product."""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

Column = list[float | None]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def sma(values: Sequence[float | None], period: int) -> Column:
    found: Column = []
    for end in range(1, len(values) + 1):
        window = values[max(0, end - period) : end]
        known = [v for v in window if v is not None]
        found.append(mean(known) if len(known) == period else None)
    return found


def recursive(values: Sequence[float | None], period: int, keep: float, take: float) -> Column:
    """Begun with the mean of the first `period` known values, then before × keep + value × take."""
    found: Column = []
    known: list[float] = []
    for value in values:
        if value is None:
            found.append(None)
            continue
        known.append(value)
        if len(known) < period:
            found.append(None)
        elif len(known) == period:
            found.append(mean(known))
        else:
            found.append((found[-1] or 0.0) * keep + value * take)
    return found


def ema(values: Sequence[float | None], period: int) -> Column:
    weight = 2 / (period + 1)
    return recursive(values, period, 1 - weight, weight)


def wilder(values: Sequence[float | None], period: int) -> Column:
    return recursive(values, period, (period - 1) / period, 1 / period)


def rsi(closes: Sequence[float]) -> Column:
    gains: Column = [None]
    losses: Column = [None]
    for before, close in pairwise(closes):
        gains.append(close - before if close > before else 0.0)
        losses.append(before - close if close < before else 0.0)
    found: Column = []
    for gain, loss in zip(wilder(gains, 14), wilder(losses, 14), strict=True):
        if gain is None or loss is None:
            found.append(None)
        else:
            found.append(100.0 if loss == 0 else 100 - 100 / (1 + gain / loss))
    return found


def stoch_rsi(rsis: Sequence[float | None]) -> tuple[Column, Column]:
    raw: Column = []
    for end in range(1, len(rsis) + 1):
        window = [v for v in rsis[max(0, end - 14) : end] if v is not None]
        if len(window) < 14:
            raw.append(None)
        elif max(window) - min(window) < 1e-8:
            raw.append(0.0)
        else:
            raw.append((window[-1] - min(window)) / (max(window) - min(window)) * 100)
    k = sma(raw, 3)
    return k, sma(k, 3)


def macd(closes: Sequence[float]) -> tuple[Column, Column, Column, Column]:
    fast, slow = ema(closes, 12), ema(closes, 26)
    line = [None if f is None or s is None else f - s for f, s in zip(fast, slow, strict=True)]
    return fast, slow, line, ema(line, 9)


def bollinger(closes: Sequence[float]) -> tuple[Column, Column]:
    upper: Column = []
    lower: Column = []
    for end in range(1, len(closes) + 1):
        window = closes[max(0, end - 20) : end]
        if len(window) < 20:
            upper.append(None)
            lower.append(None)
            continue
        middle = mean(window)
        deviation = sqrt(mean([(v - middle) ** 2 for v in window]))
        upper.append(middle + 2 * deviation)
        lower.append(middle - 2 * deviation)
    return upper, lower


def atr(highs: Sequence[float], lows: Sequence[float], closes: Sequence[float]) -> Column:
    ranges: Column = [None]
    for high, low, before in zip(highs[1:], lows[1:], closes, strict=False):
        ranges.append(max(high - low, abs(high - before), abs(low - before)))
    return wilder(ranges, 14)


def rows(
    highs: Sequence[float], lows: Sequence[float], closes: Sequence[float]
) -> list[tuple[float | None, ...]]:
    """The ten indicators at each candle, in the order of `Values`."""
    strength = rsi(closes)
    columns = (strength, *stoch_rsi(strength), *macd(closes), *bollinger(closes), atr(highs, lows, closes))
    return list(zip(*columns, strict=True))
