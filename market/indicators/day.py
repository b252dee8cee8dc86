"""What adds up over the UTC day of one instrument: VWAP, and volume bought less volume sold by takers."""

from typing import NamedTuple

import numpy as np

from market.events import Kline
from market.indicators.arrays import BoolArray, FloatArray, IntArray
from market.intervals import DAY_MS, MINUTE_MS

MINUTES = DAY_MS // MINUTE_MS


class Minutes(NamedTuple):
    """Closed 1m candles as columns; times epoch ms, NaN where it is not known what takers bought."""

    open_time: IntArray
    turnover: FloatArray
    volume: FloatArray
    bought: FloatArray
    is_whole: BoolArray


class DayTotals:
    """Sums since midnight UTC out of closed 1m candles, which may come late or be revised.

    A figure is None while a minute of the day is missing or incomplete: it is not the day's then.
    """

    __slots__ = ("_day", "_minutes", "_parts")

    def __init__(self) -> None:
        self._day = -1
        self._minutes = 0
        self._parts = np.full((3, MINUTES), np.nan)

    def take(self, kline: Kline) -> None:
        """Take a candle of the newest day, or of a newer one; one of an older day changes nothing.

        Raises ValueError for a candle that is not closed or not of 1m.
        """
        if not kline.is_closed or kline.interval != "1m":
            raise ValueError(
                f"expected a closed 1m candle, found {kline.interval}, closed: {kline.is_closed}"
            )
        day, time = divmod(kline.open_time, DAY_MS)
        if day < self._day:
            return
        if day > self._day:
            self._day, self._minutes = day, 0
            self._parts.fill(np.nan)
        minute = time // MINUTE_MS
        self._minutes = max(self._minutes, minute + 1)
        volume, bought = kline.volume, kline.taker_buy_volume
        delta = np.nan if bought is None else 2 * bought - volume
        self._parts[:, minute] = (kline.turnover, volume, delta) if kline.complete else np.nan

    def fill(self, past: Minutes) -> None:
        """Take stored candles; those of a day that is over, and those known already, change nothing."""
        if not len(past.open_time):
            return
        day = max(self._day, int(past.open_time.max()) // DAY_MS)
        if day > self._day:
            self._day, self._minutes = day, 0
            self._parts.fill(np.nan)
        days, times = np.divmod(past.open_time, DAY_MS)
        minutes = times // MINUTE_MS
        is_new = (days == day) & np.isnan(self._parts[1, minutes]) & past.is_whole
        columns = np.stack((past.turnover, past.volume, 2 * past.bought - past.volume))
        self._parts[:, minutes[is_new]] = columns[:, is_new]
        self._minutes = max(self._minutes, int(minutes[days == day].max(initial=-1)) + 1)

    @property
    def vwap(self) -> float | None:
        """Turnover / volume, in quote currency; None before the day's first trade, too."""
        turnover, volume, _ = self._sums()
        return turnover / volume if volume > 0 else None

    def before(self, open_time: int) -> tuple[float, float] | None:
        """Turnover and volume of the newest day up to a minute of it; None where that is not known."""
        day, time = divmod(open_time, DAY_MS)
        turnover, volume = self._parts[:2, : time // MINUTE_MS].sum(axis=1).tolist()
        return (turnover, volume) if day == self._day and not np.isnan(volume) else None

    @property
    def cvd(self) -> float | None:
        """Cumulative volume delta: Σ (volume whose taker bought - volume whose taker sold), in base."""
        delta = self._sums()[2]
        return None if not self._minutes or np.isnan(delta) else delta

    def _sums(self) -> tuple[float, float, float]:
        turnover, volume, delta = self._parts[:, : self._minutes].sum(axis=1).tolist()
        return turnover, volume, delta
