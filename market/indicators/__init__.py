"""RSI, StochRSI, EMA, MACD, Bollinger bands, ATR and VWAP, of closed candles and of the forming one.

`arrays` defines them, `step` computes them candle by candle, `series` knows what a series is worth, `day`
adds up a day.
"""

from market.indicators.day import DayTotals
from market.indicators.model import CandleClose, ClosedIndicators, Past, ProvisionalIndicators
from market.indicators.series import IndicatorSeries, closes

__all__ = [
    "CandleClose",
    "ClosedIndicators",
    "DayTotals",
    "IndicatorSeries",
    "Past",
    "ProvisionalIndicators",
    "closes",
]
