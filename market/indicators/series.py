"""The indicators of one series: at each close, after a revision, and for the forming candle."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from msgspec.structs import replace

from market.events import Kline
from market.indicators.columns import MOST_BARS, Columns
from market.indicators.model import CandleClose, ClosedIndicators, Past, ProvisionalIndicators
from market.indicators.step import State, Values, advance
from market.indicators.table import Table, tabulate
from market.intervals import INTERVAL_MS

WARM_BARS = 150
"""A series shorter than this is ``warming``: how its averages began still shows."""
HOLE_BARS = 200
"""A hole among this many newest candles is told."""
KEPT = 448
"""Candles that a live series remembers, to compute anew what a revision changes."""
SLACK = 64
"""How many more it gathers before it forgets some."""
SIDE_BY_SIDE = 100
"""Series that are computed at once at a start: enough to cost little each, few enough for the caches."""
RUN_UP = 250
"""Candles before a revised one that make its values equal to those of the whole history to about 1e-8."""


class IndicatorSeries:
    """Takes closed candles of one instrument and interval, in any order, and says what indicators they make.

    A new close costs some 10 µs. A candle that is revised, or comes late, computes everything after it anew.
    A candle that is missing is not made up: averages go on across it and say so (`reason`).
    """

    def __init__(self, interval: str, kept: int = KEPT) -> None:
        self.interval = interval
        self.newest: CandleClose | None = None
        """What was said at the newest close."""
        self.begins = True
        """Whether the series begins with the oldest candle that it remembers, as far as is known. Where it
        does not, closes behind too few candles are not told: they would be told as those of a beginning.
        """
        self.is_behind = False
        """Whether something changed on which closes rest that could not be told anew."""
        self._step_ms = INTERVAL_MS[interval]
        self._kept = kept
        self._candles = Columns(self._step_ms)
        self._forgotten = 0
        self._state = State()

    def warm(self, klines: Sequence[Kline]) -> CandleClose | None:
        """Take history; what it makes of the newest close. Much faster than `take` for many candles."""
        if self._absorb(klines) is not None:
            self._refresh(len(self._candles) - 1)
        return self.newest

    @staticmethod
    def fill(begun: Iterable[tuple["IndicatorSeries", Past]]) -> None:
        """Begin series with history as columns; `newest` tells what it makes of each.

        The fastest start there is: those of one length are computed side by side. Raises ValueError for a
        series that has begun already.
        """
        by_length: dict[int, list[IndicatorSeries]] = {}
        for one, past in begun:
            if len(one._candles):
                raise ValueError("the series has begun already")
            one._candles.fill(past)
            by_length.setdefault(len(one._candles), []).append(one)
        by_length.pop(0, None)
        for length, alike in by_length.items():
            for start in range(0, len(alike), SIDE_BY_SIDE):
                group = alike[start : start + SIDE_BY_SIDE]
                table = _side_by_side([one._candles for one in group])
                for number, one in enumerate(group):
                    one._conclude(table.of(number), length - 1)

    def take(self, klines: Sequence[Kline]) -> list[CandleClose]:
        """Take closed candles; every close whose indicators are new or changed by them, ascending.

        A live series answers for revisions up to about 200 candles back; of older ones it says that it
        `is_behind`. Raises ValueError for a candle that is not closed, or of another interval.
        """
        last = self._candles.newest
        if len(klines) == 1 and last is not None and klines[0].open_time > last:
            return self._append(klines[0])
        first = self._absorb(klines)
        return [] if first is None else self._refresh(first)

    @property
    def oldest(self) -> int | None:
        """open_time of the oldest candle that is remembered."""
        return self._candles.open_time[0] if len(self._candles) else None

    def begin_day(self, turnover: float, volume: float) -> list[int]:
        """Take what the UTC day traded before the oldest candle; open times of the closes that changes."""
        candles, newest = self._candles, self.newest
        if newest is None:
            return []
        said = [candles.vwap(index) for index in range(candles.midnight)]
        candles.begin_day(turnover, volume)
        changed = [n for n, before in enumerate(said) if before != candles.vwap(n)]
        last = len(candles) - 1
        indicators = replace(newest.indicators, vwap=candles.vwap(last))
        before = newest.before and replace(newest.before, vwap=candles.vwap(last - 1))
        self.newest = replace(newest, indicators=indicators, before=before)
        return [candles.open_time[index] for index in changed]

    def provisional(self, forming: Kline) -> ProvisionalIndicators | None:
        """The indicators if `forming` closed as it stands; None if that candle has closed already.

        Raises ValueError for a closed candle, or one of another interval.
        """
        self._check(forming, is_closed=False)
        candles, last = self._candles, self._candles.newest
        if last is not None and forming.open_time <= last:
            return None
        _, values = advance(self._state, forming.high, forming.low, forming.close)
        follows = last is None or forming.open_time - last == self._step_ms
        before = candles.bars[-1] if candles and follows else 0
        bars = min(before + 1, MOST_BARS) if forming.complete else 0
        reason = _reason(bars, self._forgotten + len(candles) + 1)
        return ProvisionalIndicators(*values, forming.open_time, bars, reason, candles.vwap_with(forming))

    def _append(self, kline: Kline) -> list[CandleClose]:
        """The usual case: one candle, newer than all."""
        self._check(kline, is_closed=True)
        index = self._candles.put([kline])
        if index is None:
            return []
        self._state, values = advance(self._state, kline.high, kline.low, kline.close)
        before = self.newest.indicators if self.newest else None
        self.newest = self._close(index, values, before)
        self._forget()
        return [self.newest]

    def _absorb(self, klines: Sequence[Kline]) -> int | None:
        """Take candles without computing; the index of the first that changed."""
        for kline in klines:
            self._check(kline, is_closed=True)
        known = klines
        if not self.begins and len(self._candles) > RUN_UP:
            oldest = self._candles.open_time[0]
            known = [kline for kline in klines if kline.open_time >= oldest]
        self.is_behind = self.is_behind or len(known) < len(klines)
        return self._candles.put(known)

    def _refresh(self, first: int) -> list[CandleClose]:
        """Compute anew; the closes from index `first` on, as far back as they can be told."""
        self.is_behind = self.is_behind or first < self._first_told()
        return self._conclude(self._table(), first)

    def _conclude(self, table: Table, first: int) -> list[CandleClose]:
        """Go on from a table of all candles; the closes from index `first` on."""
        self._state = table.state()
        closes = self._closes(table, first)
        self.newest = closes[-1]
        self._forget()
        return closes

    def since(self, open_time: int) -> list[CandleClose]:
        """What is said at the closes from `open_time` on, as far back as it can be told; changes nothing."""
        first = bisect_left(self._candles.open_time, open_time)
        return self._closes(self._table(), first) if first < len(self._candles) else []

    def has_run_up(self, open_time: int) -> bool:
        """Whether it remembers enough before this close to say what the whole history says."""
        return len(self._candles) > RUN_UP and open_time >= self._candles.open_time[RUN_UP]

    def _first_told(self) -> int:
        """Index of the first close that can be told."""
        return 0 if self.begins else RUN_UP

    def _table(self) -> Table:
        candles = self._candles
        return tabulate(np.array(candles.high), np.array(candles.low), np.array(candles.close))

    def _closes(self, table: Table, first: int) -> list[CandleClose]:
        first = max(first, min(self._first_told(), len(self._candles) - 1))
        start = max(first - 1, 0)
        closes: list[CandleClose] = []
        before: ClosedIndicators | None = None
        for index, values in enumerate(table.values(start), start):
            close = self._close(index, values, before)
            before = close.indicators
            if index >= first:
                closes.append(close)
        return closes

    def _close(self, index: int, values: Values, before: ClosedIndicators | None) -> CandleClose:
        candles = self._candles
        bars = candles.bars[index]
        reason = _reason(bars, self._forgotten + index + 1)
        return CandleClose(
            ClosedIndicators(*values, candles.open_time[index], bars, reason, candles.vwap(index)),
            before,
            candles.open[index],
            candles.high[index],
            candles.low[index],
            candles.close[index],
            candles.close[index - 1] if index else None,
            candles.volume[index],
            candles.volume_mean(index),
        )

    def _forget(self) -> None:
        """Drop the oldest candles, some at a time."""
        excess = len(self._candles) - self._kept
        if excess > SLACK:
            self._candles.drop(excess)
            self._forgotten += excess
            self.begins = False

    def _check(self, kline: Kline, *, is_closed: bool) -> None:
        if kline.is_closed != is_closed or kline.interval != self.interval:
            wanted = "closed" if is_closed else "forming"
            found = "closed" if kline.is_closed else "forming"
            raise ValueError(f"expected a {wanted} {self.interval} candle, found a {found} {kline.interval}")


def closes(klines: Sequence[Kline]) -> list[CandleClose]:
    """What a series says at each of these closed candles of one interval: the batch form, for any length."""
    if not klines:
        return []
    return IndicatorSeries(klines[0].interval, kept=len(klines)).take(klines)


def _side_by_side(candles: Sequence[Columns]) -> Table:
    """The table of series of one length."""
    prices = ((c.high for c in candles), (c.low for c in candles), (c.close for c in candles))
    return tabulate(*(np.stack([np.asarray(column) for column in each], axis=1) for each in prices))


def _reason(bars: int, known: int) -> str:
    """Why values are not to be relied on. `known`: candles that the series has had, this one included."""
    if known < WARM_BARS:
        return "warming"
    return "hole" if bars < min(known, HOLE_BARS) else ""
