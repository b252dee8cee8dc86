"""The candles that a series remembers, as compact columns: 75 bytes each, where an event takes some 400."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from math import isfinite, nan
from typing import Any

import numpy as np

from market.events import Kline
from market.indicators.arrays import BoolArray, IntArray, day_sums
from market.indicators.model import Past
from market.intervals import DAY_MS

MOST_BARS = 400
"""Bars are counted up to here: what came before has no weight left in any value."""


class Columns:
    """Closed candles in ascending order, and for each how many whole ones lead up to it without a hole.

    `day_turnover` and `day_volume`: of the UTC day up to each, NaN where it is not known from midnight on.
    """

    def __init__(self, step_ms: int) -> None:
        self.open_time = array("q")
        self.open = array("d")
        self.high = array("d")
        self.low = array("d")
        self.close = array("d")
        self.volume = array("d")
        self.turnover = array("d")
        self.is_whole = array("b")
        self.bars = array("h")
        self.day_turnover = array("d")
        self.day_volume = array("d")
        self._step_ms = step_ms
        self._before = (-1, nan, nan)
        """The open_time that continues a day of which this is known: turnover and volume until then."""

    def __len__(self) -> int:
        return len(self.open_time)

    @property
    def newest(self) -> int | None:
        """open_time of the newest candle."""
        return self.open_time[-1] if self.open_time else None

    def fill(self, past: Past) -> None:
        """Begin with candles of the past; those with a number that is none are left out. Only while empty."""
        numbers = past.open + past.high + past.low + past.close + past.volume + past.turnover
        known = np.isfinite(numbers)
        types = "qddddddb"
        for column, values, code in zip(self._columns(), past, types, strict=True):
            column.frombytes(np.ascontiguousarray(values[known], dtype=np.dtype(code)).tobytes())
        times, is_whole = past.open_time[known], past.is_whole[known]
        self.bars.frombytes(_bars(times, is_whole, self._step_ms).astype(np.int16).tobytes())
        parts = np.stack((past.turnover[known], past.volume[known]))
        turnover, volume = day_sums(times, parts, is_whole, self._step_ms)
        self.day_turnover.frombytes(turnover.tobytes())
        self.day_volume.frombytes(volume.tobytes())

    def put(self, klines: Sequence[Kline]) -> int | None:
        """Add candles, or replace those at their open_time; the first index that changed, None where none.

        A candle with a number that is none is not taken: it is a hole. A broken candle does not replace a
        whole one: it was rolled up of fewer parts.
        """
        known = [kline for kline in klines if _is_finite(kline)]
        if not known:
            return None
        first = len(self)
        times = [-1 if self.newest is None else self.newest, *[kline.open_time for kline in known]]
        if all(a < b for a, b in pairwise(times)):
            for column, values in zip(self._columns(), zip(*map(_values, known), strict=True), strict=True):
                column.extend(values)
            for column in self._counts():
                column.extend([0] * len(known))
        else:
            changed = [index for kline in known if (index := self._put(kline)) is not None]
            if not changed:
                return None
            first = min(changed)
        self._count_bars(first)
        self._add_up(first, len(self))
        return first

    def _put(self, kline: Kline) -> int | None:
        index = len(self)
        if index and kline.open_time <= self.open_time[-1]:
            index = bisect_left(self.open_time, kline.open_time)
            if self.open_time[index] == kline.open_time:
                return self._replace(index, kline)
        for column, value in zip(self._columns(), _values(kline), strict=True):
            column.insert(index, value)
        for column in self._counts():
            column.insert(index, 0)
        return index

    def _count_bars(self, start: int) -> None:
        """Count the bars from index `start` on."""
        bars = self.bars[start - 1] if start else 0
        due = self.open_time[start - 1] + self._step_ms if start else None
        for index in range(start, len(self)):
            open_time = self.open_time[index]
            before = bars if open_time == due else 0
            bars = self.bars[index] = min(before + 1, MOST_BARS) if self.is_whole[index] else 0
            due = open_time + self._step_ms

    def _add_up(self, start: int, end: int) -> None:
        """Add up the day at the indexes from `start` on that are below `end`."""
        due, turnover, volume = self._before
        if start:
            due = self.open_time[start - 1] + self._step_ms
            turnover, volume = self.day_turnover[start - 1], self.day_volume[start - 1]
        for index in range(start, end):
            open_time = self.open_time[index]
            if open_time % DAY_MS == 0:
                turnover = volume = 0.0
            elif open_time != due:
                turnover = volume = nan
            if not self.is_whole[index]:
                turnover = volume = nan
            turnover = self.day_turnover[index] = turnover + self.turnover[index]
            volume = self.day_volume[index] = volume + self.volume[index]
            due = open_time + self._step_ms

    def begin_day(self, turnover: float, volume: float) -> None:
        """Take what the UTC day had traded when the oldest candle opened."""
        self._before = (self.open_time[0], turnover, volume)
        self._add_up(0, self.midnight)

    @property
    def midnight(self) -> int:
        """Index of the first candle at or after the first midnight: what was before is not in its sums."""
        midnight = -(-self.open_time[0] // DAY_MS) * DAY_MS
        return bisect_left(self.open_time, midnight)

    def vwap(self, index: int) -> float | None:
        """Of the UTC day up to this candle; None where that is not known, or nothing was traded."""
        return _ratio(self.day_turnover[index], self.day_volume[index])

    def vwap_with(self, forming: Kline) -> float | None:
        """The same up to a candle that is newer than all."""
        if not forming.complete:
            return None
        if forming.open_time % DAY_MS == 0:
            return _ratio(forming.turnover, forming.volume)
        if self.newest is None or self.newest + self._step_ms != forming.open_time:
            return None
        return _ratio(self.day_turnover[-1] + forming.turnover, self.day_volume[-1] + forming.volume)

    def volume_mean(self, index: int, over: int = 20) -> float | None:
        """Mean volume of the `over` candles before the one at `index`; None where there are fewer."""
        return sum(self.volume[index - over : index]) / over if index >= over else None

    def drop(self, count: int) -> None:
        """Forget the oldest `count` candles; what they add to their day stays."""
        last = count - 1
        self._before = (self.open_time[last] + self._step_ms, self.day_turnover[last], self.day_volume[last])
        for column in (*self._columns(), *self._counts()):
            del column[:count]

    def _replace(self, index: int, kline: Kline) -> int | None:
        values = _values(kline)
        if self.is_whole[index] and not kline.complete:
            return None
        if tuple(column[index] for column in self._columns()) == values:
            return None
        for column, value in zip(self._columns(), values, strict=True):
            column[index] = value
        return index

    def _columns(self) -> tuple["array[Any]", ...]:
        return (
            self.open_time, self.open, self.high, self.low, self.close, self.volume, self.turnover,
            self.is_whole,
        )  # fmt: skip

    def _counts(self) -> tuple["array[Any]", ...]:
        """What follows from the columns."""
        return (self.bars, self.day_turnover, self.day_volume)


def _bars(open_time: IntArray, is_whole: BoolArray, step_ms: int) -> IntArray:
    """What `Columns._count_bars` counts, of all candles at once."""
    index = np.arange(len(open_time))
    follows = np.diff(open_time, prepend=open_time[:1]) == step_ms
    last_not_counted = np.where(~is_whole, index, np.where(follows, -1, index - 1))
    return np.minimum(index - np.maximum.accumulate(last_not_counted), MOST_BARS)


def _is_finite(kline: Kline) -> bool:
    return isfinite(kline.open + kline.high + kline.low + kline.close + kline.volume + kline.turnover)


def _values(kline: Kline) -> tuple[int | float, ...]:
    k = kline
    return (k.open_time, k.open, k.high, k.low, k.close, k.volume, k.turnover, int(k.complete))


def _ratio(turnover: float, volume: float) -> float | None:
    return turnover / volume if volume > 0 else None
