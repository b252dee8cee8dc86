"""The same indicators candle by candle: a small immutable state, advanced by one close at a time.

Advancing costs a few µs whatever the history, and leaves the old state whole, so the forming candle is shown
by advancing and throwing the result away. `arrays` has the definitions; a test holds the two together.
"""

from math import sqrt
from typing import NamedTuple

from market.indicators.arrays import FLAT_RSI


class Stochastic(NamedTuple):
    """The windows that StochRSI slides along: the last 14 RSI, 3 raw values and 3 K."""

    rsis: tuple[float, ...] = ()
    raws: tuple[float, ...] = ()
    ks: tuple[float, ...] = ()


class State(NamedTuple):
    """What the past of one series leaves to the next candle. An average is a sum until its period is full."""

    number: int = 0
    close: float = 0.0
    gain: float = 0.0
    loss: float = 0.0
    true_range: float = 0.0
    fast: float = 0.0
    slow: float = 0.0
    signal: float = 0.0
    closes: tuple[float, ...] = ()
    """The last 20."""
    stochastic: Stochastic = Stochastic()


class Values(NamedTuple):
    """The indicators at one candle; None while there are too few candles."""

    rsi: float | None
    stoch_rsi_k: float | None
    stoch_rsi_d: float | None
    ema_fast: float | None
    ema_slow: float | None
    macd: float | None
    macd_signal: float | None
    bb_upper: float | None
    bb_lower: float | None
    atr: float | None


def advance(state: State, high: float, low: float, close: float) -> tuple[State, Values]:
    """The state after one more candle, and the indicators at it."""
    count = state.number + 1
    gain, loss, true_range = state.gain, state.loss, state.true_range
    if count > 1:
        change = close - state.close
        gain = _average(gain, max(change, 0.0), count - 1, 14, 1 / 14)
        loss = _average(loss, max(-change, 0.0), count - 1, 14, 1 / 14)
        span = max(high, state.close) - min(low, state.close)
        true_range = _average(true_range, span, count - 1, 14, 1 / 14)
    fast = _average(state.fast, close, count, 12, 2 / 13)
    slow = _average(state.slow, close, count, 26, 2 / 27)
    signal = _average(state.signal, fast - slow, count - 25, 9, 2 / 10) if count > 25 else 0.0
    closes = (*state.closes[-19:], close)
    if count < 15:
        rsi, stochastic = None, state.stochastic
    else:
        rsi = 100.0 if loss == 0 else 100 * gain / (gain + loss)
        stochastic = _stochastic(state.stochastic, rsi)
    upper, lower = _bands(closes) if count >= 20 else (None, None)
    values = Values(
        rsi,
        stochastic.ks[-1] if count >= 30 else None,
        sum(stochastic.ks) / 3 if count >= 32 else None,
        fast if count >= 12 else None,
        slow if count >= 26 else None,
        fast - slow if count >= 26 else None,
        signal if count >= 34 else None,
        upper,
        lower,
        true_range if count >= 15 else None,
    )
    return State(count, close, gain, loss, true_range, fast, slow, signal, closes, stochastic), values


def _stochastic(before: Stochastic, rsi: float) -> Stochastic:
    """The windows after one more RSI."""
    rsis = (*before.rsis[-13:], rsi)
    if len(rsis) < 14:
        return Stochastic(rsis)
    least = min(rsis)
    width = max(rsis) - least
    raws = (*before.raws[-2:], 0.0 if width < FLAT_RSI else 100 * (rsi - least) / width)
    ks = before.ks if len(raws) < 3 else (*before.ks[-2:], sum(raws) / 3)
    return Stochastic(rsis, raws, ks)


def _average(before: float, value: float, number: int, period: int, weight: float) -> float:
    """Take in the `number`-th value, from 1: a sum, at `period` their mean, then an average that moves."""
    if number > period:
        return before + weight * (value - before)
    return before + value if number < period else (before + value) / period


def _bands(closes: tuple[float, ...]) -> tuple[float, float]:
    """Upper and lower Bollinger band over exactly these closes."""
    count = len(closes)
    mean = sum(closes) / count
    width = 2 * sqrt(sum([(close - mean) ** 2 for close in closes]) / count)
    return mean + width, mean - width
