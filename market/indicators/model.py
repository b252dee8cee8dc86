"""What is said about one candle of one series.

`ClosedIndicators` and `ProvisionalIndicators` are unrelated to whoever reads them: rules take a
`CandleClose`, which only holds the former, and nothing turns one into the other.
"""

from typing import ClassVar, NamedTuple

import msgspec

from market.indicators.arrays import BoolArray, FloatArray, IntArray


class _Indicators(msgspec.Struct, frozen=True, gc=False):
    """RSI(14), StochRSI(14, 14, 3, 3) and so on (docs/signals.md); None while there are too few candles.

    `bars`: whole candles without a hole up to this one, counted up to 400. `reason` is empty where the values
    may be relied on, ``warming`` while the series is short, ``hole`` while one of its last 200 is missing.
    `vwap`: of the UTC day up to this candle's end; None where the day is not known from midnight on.
    """

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
    open_time: int
    bars: int
    reason: str
    vwap: float | None = None


class ClosedIndicators(_Indicators, frozen=True, gc=False):
    """The indicators at a close: what is stored, and all that a rule may read."""

    is_provisional: ClassVar[bool] = False


class ProvisionalIndicators(_Indicators, frozen=True, gc=False):
    """The indicators as they would be if the forming candle closed now: shown, never stored, never judged."""

    is_provisional: ClassVar[bool] = True


class Past(NamedTuple):
    """Closed candles as columns of shape (n,), oldest first: prices, volumes, and whether each is whole."""

    open_time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    turnover: FloatArray
    is_whole: BoolArray


class CandleClose(msgspec.Struct, frozen=True):
    """A closed candle with its indicators and those of the candle before: what candle rules read.

    `volume_mean` is the mean volume of the 20 candles before this one. Raises TypeError for indicators that
    are not of a closed candle.
    """

    indicators: ClosedIndicators
    before: ClosedIndicators | None
    open: float
    high: float
    low: float
    close: float
    close_before: float | None
    volume: float
    volume_mean: float | None

    def __post_init__(self) -> None:
        for part in (self.indicators, self.before):
            if part is not None and type(part) is not ClosedIndicators:
                raise TypeError(f"expected indicators of a closed candle, found {type(part).__name__}")
