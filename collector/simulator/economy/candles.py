"""The candles of one instrument: history, then the exact fold of the trades that happened.

Every candle opens at the close of the one before, on both venues; a minute without a trade is flat.
"""

from typing import NamedTuple

import numpy as np

from collector.simulator.economy.history import (
    BUY_TURNOVER,
    BUY_VOLUME,
    CLOSE,
    COLUMNS,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    TRADES,
    TURNOVER,
    VOLUME,
    Source,
    rollup,
)
from collector.simulator.economy.noise import FloatArray
from market.intervals import INTERVAL_MS, MINUTE_MS, open_of

_KEPT = 3000
"""Closed candles kept per interval: of 1m that is 50 hours."""
_LOOSE = 240
_RECENT = 10


class Trade(NamedTuple):
    """One fill: price in ticks, size in lots. `sequence` is shared by the fills of one order."""

    trade_id: int
    time: int
    ticks: int
    lots: int
    is_buy: bool
    sequence: int


class Day(NamedTuple):
    """The last 24 hours, to within the five minutes that are running: prices in ticks, volume in lots."""

    open_time: int
    open: float
    hour_ago: float
    high: float
    low: float
    volume: float
    turnover: float
    trades: float


class Candles:
    """Closed and running candles of every interval. `roll` before adding the trades of a later minute."""

    def __init__(self, source: Source, now: float) -> None:
        self.minute = int(now) // MINUTE_MS * MINUTE_MS
        history = source.history(self.minute)
        self._closed = history.closed
        self._loose: dict[str, list[FloatArray]] = {interval: [] for interval in INTERVAL_MS}
        self._begun = {
            interval: rollup(rows, INTERVAL_MS[interval])[0] if len(rows) else None
            for interval, rows in history.begun.items()
        }
        self._row = source.running(self.minute, now).tolist()
        self._day: Day | None = None

    @property
    def last_price(self) -> int:
        """Price of the last trade, in ticks."""
        return int(self._row[CLOSE])

    def add(self, trade: Trade) -> None:
        """Fold one trade into the running candles."""
        row, ticks, lots = self._row, trade.ticks, trade.lots
        if ticks > row[HIGH]:
            row[HIGH] = ticks
        if ticks < row[LOW]:
            row[LOW] = ticks
        row[CLOSE] = ticks
        row[VOLUME] += lots
        row[TURNOVER] += ticks * lots
        row[TRADES] += 1
        if trade.is_buy:
            row[BUY_VOLUME] += lots
            row[BUY_TURNOVER] += ticks * lots

    def roll(self, now: float) -> bool:
        """Close every minute that has ended by `now`, and the longer candles with it; False if none had."""
        if now < self.minute + MINUTE_MS:
            return False
        while now >= self.minute + MINUTE_MS:
            row = np.array(self._row)
            end = self.minute + MINUTE_MS
            for interval, step in INTERVAL_MS.items():
                whole = self._with_begun(interval, row)
                if end % step == 0:
                    self._append(interval, whole)
                    self._begun[interval] = None
                else:
                    self._begun[interval] = whole
            self.minute = end
            price = row[CLOSE]
            self._row = [float(end), price, price, price, price, 0.0, 0.0, 0.0, 0.0, 0.0]
        return True

    def revise(self, open_time: int, ticks: int, lots: int) -> bool:
        """Correct a closed 1m candle and every longer one that holds it: the high rises, and the volume.

        False if no such candle is kept.
        """
        if not any(row[OPEN_TIME] == open_time for row in self.closed("1m")):
            return False
        change = np.zeros(COLUMNS)
        change[HIGH], change[VOLUME] = ticks, lots
        for interval in INTERVAL_MS:
            start = open_of(open_time, interval)
            rows = self._closed[interval]
            rows[rows[:, OPEN_TIME] == start] += change
            loose = self._loose[interval]
            loose[:] = [row + change if row[OPEN_TIME] == start else row for row in loose]
            begun = self._begun[interval]
            if begun is not None and begun[OPEN_TIME] == start:
                self._begun[interval] = begun + change
        return True

    def refine_tick(self) -> None:
        """Tell all prices in ticks of a tenth."""
        scale = np.ones(COLUMNS)
        scale[[OPEN, HIGH, LOW, CLOSE, TURNOVER, BUY_TURNOVER]] = 10.0
        for interval in INTERVAL_MS:
            self._closed[interval] = self._closed[interval] * scale
            self._loose[interval] = [row * scale for row in self._loose[interval]]
            begun = self._begun[interval]
            self._begun[interval] = None if begun is None else begun * scale
        self._row = (np.array(self._row) * scale).tolist()
        self._day = None

    def running(self, interval: str) -> FloatArray:
        """The candle that is not closed yet, a row (10,)."""
        return self._with_begun(interval, np.array(self._row))

    def closed(self, interval: str) -> FloatArray:
        """All closed candles that are kept, oldest first: (n, 10)."""
        return np.vstack([self._closed[interval], *self._loose[interval]])

    def closed_since(self, interval: str, open_time: int) -> list[FloatArray]:
        """The closed candles that opened at `open_time` or later, among those closed while this ran."""
        return [row for row in self._loose[interval][-_RECENT:] if row[OPEN_TIME] >= open_time]

    def all(self, interval: str) -> FloatArray:
        """Closed candles and the running one, oldest first: (n, 10)."""
        return np.vstack([self.closed(interval), self.running(interval)])

    def day(self) -> Day:
        """What happened in the last 24 hours."""
        base, running = self._day_before_5m(), self.running("5m")
        return base._replace(
            high=max(base.high, float(running[HIGH])),
            low=min(base.low, float(running[LOW])),
            volume=base.volume + float(running[VOLUME]),
            turnover=base.turnover + float(running[TURNOVER]),
            trades=base.trades + float(running[TRADES]),
        )

    def _day_before_5m(self) -> Day:
        """The last 288 closed 5m candles; added up once in five minutes."""
        running_open = open_of(self.minute, "5m")
        if self._day is None or self._day.open_time != running_open - INTERVAL_MS["1d"]:
            rows = self.closed("5m")[-INTERVAL_MS["1d"] // INTERVAL_MS["5m"] :]
            volume, turnover, trades = rows[:, [VOLUME, TURNOVER, TRADES]].sum(axis=0).tolist()
            high, low = float(rows[:, HIGH].max()), float(rows[:, LOW].min())
            hour_ago = float(rows[-INTERVAL_MS["1h"] // INTERVAL_MS["5m"], OPEN])
            self._day = Day(
                int(rows[0, OPEN_TIME]), float(rows[0, OPEN]), hour_ago, high, low, volume, turnover, trades
            )
        return self._day

    def _with_begun(self, interval: str, row: FloatArray) -> FloatArray:
        begun = self._begun[interval]
        if begun is None:
            return row
        whole: FloatArray = begun.copy()
        whole[HIGH], whole[LOW] = max(whole[HIGH], row[HIGH]), min(whole[LOW], row[LOW])
        whole[CLOSE] = row[CLOSE]
        whole[VOLUME:] += row[VOLUME:]
        return whole

    def _append(self, interval: str, row: FloatArray) -> None:
        """Rows gather in a list and move to the array in larger lots."""
        loose = self._loose[interval]
        loose.append(row)
        if len(loose) >= _LOOSE:
            self._closed[interval] = np.vstack([self._closed[interval], *loose[:-_RECENT]])[-_KEPT:]
            del loose[:-_RECENT]
