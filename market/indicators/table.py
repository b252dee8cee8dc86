"""All indicators of a whole series at once: the same numbers as `step`, for warm starts and revisions."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from market.indicators import arrays
from market.indicators.arrays import FloatArray
from market.indicators.step import State, Stochastic, Values, advance

SETTLED = 34
"""Candles after which every average has begun."""


class Table(NamedTuple):
    """One array per indicator, in the order of `Values`, and the averages and windows behind them."""

    columns: tuple[FloatArray, ...]
    gain: FloatArray
    loss: FloatArray
    raw: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray

    def values(self, start: int) -> Iterator[Values]:
        """The rows from index `start` on."""
        columns = [column[start:].tolist() for column in self.columns]
        for row in zip(*columns, strict=True):
            yield Values(*[None if number != number else number for number in row])

    def of(self, number: int) -> "Table":
        """One of several series side by side."""
        columns = tuple(column[:, number] for column in self.columns)
        return Table(columns, *(part[:, number] for part in self[1:]))

    def state(self) -> State:
        """What these candles leave to the next one."""
        count = len(self.close)
        if count < SETTLED:
            return _folded(self)
        column = dict(zip(Values._fields, self.columns, strict=True))
        return State(
            count,
            float(self.close[-1]),
            float(self.gain[-1]),
            float(self.loss[-1]),
            float(column["atr"][-1]),
            float(column["ema_fast"][-1]),
            float(column["ema_slow"][-1]),
            float(column["macd_signal"][-1]),
            tuple(self.close[-20:].tolist()),
            Stochastic(
                tuple(column["rsi"][-14:].tolist()),
                tuple(self.raw[-3:].tolist()),
                tuple(column["stoch_rsi_k"][-3:].tolist()),
            ),
        )


def tabulate(high: FloatArray, low: FloatArray, close: FloatArray) -> Table:
    """Every indicator at every candle, oldest first: of one series, or of several side by side."""
    gains, losses = arrays.changes(close)
    gain, loss = arrays.wilder(gains, 14), arrays.wilder(losses, 14)
    rsi = arrays.rsi_of(gain, loss)
    stoch = arrays.stoch_rsi(rsi)
    macd = arrays.macd(close)
    upper, lower = arrays.bollinger(close)
    atr = arrays.atr(high, low, close)
    columns = (rsi, stoch.k, stoch.d, macd.fast, macd.slow, macd.line, macd.signal, upper, lower, atr)
    return Table(columns, gain, loss, stoch.raw, high, low, close)


def _folded(table: Table) -> State:
    state = State()
    for high, low, close in np.stack((table.high, table.low, table.close), axis=1).tolist():
        state, _ = advance(state, high, low, close)
    return state
