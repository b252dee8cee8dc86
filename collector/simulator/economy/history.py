"""Closed candles of the past, made from the price path: all intervals, and all agreeing with one another.

The nearer past is made of finer candles: 1m for the last hours, then 5m, 15m, 1h, 4h and 1d. Each region ends
on a candle of the next coarser interval, and a coarser candle inside a finer region is its rollup.

A candle is a row of ten numbers (see the columns), prices in ticks, volumes in lots, turnover in ticks times
lots: whole numbers, so sums are exact.
"""

from dataclasses import dataclass

import numpy as np

from collector.simulator.economy.coins import Coin, Listing
from collector.simulator.economy.noise import FloatArray, keys_of, uniform
from collector.simulator.economy.path import Path
from market.intervals import DAY_MS, INTERVAL_MS

OPEN_TIME, OPEN, HIGH, LOW, CLOSE, VOLUME, TURNOVER, TRADES, BUY_VOLUME, BUY_TURNOVER = range(10)
COLUMNS = 10
_SUMS = (VOLUME, TURNOVER, TRADES, BUY_VOLUME, BUY_TURNOVER)

INTERVALS = tuple(INTERVAL_MS)
KEPT = 410
"""Closed candles that every interval has at the start, at least."""

_DRAWS = 5


@dataclass(slots=True)
class History:
    """Per interval: closed candles, oldest first, and what is over of the candle that is running."""

    closed: dict[str, FloatArray]
    begun: dict[str, FloatArray]


@dataclass(slots=True)
class Source:
    """What history is made from: one coin on one venue, and the path its prices follow."""

    path: Path
    coin: Coin
    listing: Listing
    venue: str

    def history(self, minute: int) -> History:
        """Everything before `minute` (the open time of the running 1m candle)."""
        starts = _starts(minute)
        closed: dict[str, FloatArray] = {}
        begun: dict[str, FloatArray] = {}
        finer = np.empty((0, COLUMNS))
        end = minute
        for interval, step in INTERVAL_MS.items():
            own = self._candles(interval, starts[interval], end)
            rows = np.vstack([own, rollup(finer, step)])
            done = rows[:, OPEN_TIME] + step <= minute
            closed[interval], begun[interval] = rows[done], rows[~done]
            finer, end = rows, starts[interval]
        return History(closed, begun)

    def running(self, minute: int, now: float) -> FloatArray:
        """The running 1m candle from `minute` to `now`, a row: (10,)."""
        step = max(1, int(now) - minute)
        row: FloatArray = self._rows("1m", (minute, 1, step))[0]
        row[OPEN_TIME] = minute
        return row

    def _candles(self, interval: str, start: int, end: int) -> FloatArray:
        step = INTERVAL_MS[interval]
        return self._rows(interval, (start, (end - start) // step, step))

    def _rows(self, interval: str, times: tuple[int, int, int]) -> FloatArray:
        """`count` candles of `step` ms from `start` on, each opening where the one before closed."""
        start, count, step = times
        if count <= 0:
            return np.empty((0, COLUMNS))
        price, mood = self.path.grid(self.coin.rank - 1, self.venue, (start, count + 1, step))
        mood = mood[1:]
        ticks = np.maximum(1.0, np.rint(price / self.listing.tick_size))
        opens, closes = ticks[:-1], ticks[1:]
        key = keys_of(
            self.path.seed, [f"{self.venue}/{self.coin.symbol}/{interval}/{i}" for i in range(_DRAWS)]
        )
        index = (start + step * np.arange(count, dtype=np.int64)) // INTERVAL_MS[interval]
        draws = uniform(key[:, None], index[None, :])
        spread = self.coin.daily_volatility * np.sqrt(step / DAY_MS) * mood
        wicks = np.rint(-np.log(draws[:2]) * 0.35 * spread * opens)
        rows = np.empty((count, COLUMNS))
        rows[:, OPEN_TIME] = start + step * np.arange(count)
        rows[:, OPEN], rows[:, CLOSE] = opens, closes
        rows[:, HIGH] = np.maximum(opens, closes) + wicks[0]
        rows[:, LOW] = np.maximum(1.0, np.minimum(opens, closes) - wicks[1])
        move = (closes - opens) / np.maximum(spread * opens, 1e-12)
        activity = mood * (0.6 + 0.5 * np.abs(move)) * (0.5 + draws[2])
        even_flow = self.coin.daily_turnover(self.venue) * step / DAY_MS
        self._fill_volumes(rows, even_flow * activity, draws[3:])
        return rows

    def _fill_volumes(self, rows: FloatArray, quote: FloatArray, draws: FloatArray) -> None:
        """Volumes in whole lots, trades and the taker's buys, for a turnover of about `quote` each."""
        lot_value = rows[:, CLOSE] * self.listing.tick_size * self.listing.lot_size
        rows[:, VOLUME] = np.maximum(1.0, np.rint(quote / lot_value))
        average = rows[:, LOW] + (rows[:, HIGH] - rows[:, LOW]) * (0.25 + 0.5 * draws[0])
        rows[:, TURNOVER] = np.rint(rows[:, VOLUME] * average)
        per_trade = trade_value(self.coin, self.venue)
        rows[:, TRADES] = np.maximum(1.0, np.rint(quote / per_trade))
        share = np.clip(0.5 + 0.2 * np.sign(rows[:, CLOSE] - rows[:, OPEN]) * draws[1], 0.1, 0.9)
        rows[:, BUY_VOLUME] = np.rint(rows[:, VOLUME] * share)
        rows[:, BUY_TURNOVER] = np.minimum(rows[:, TURNOVER], np.rint(rows[:, BUY_VOLUME] * average))


def steps_per_second(coin: Coin) -> float:
    """How often the book of a coin moves."""
    return 9.0 / (1.0 + 0.12 * (coin.rank - 1))


def trade_value(coin: Coin, venue: str) -> float:
    """Mean value of one trade in quote currency: one in two moves of the book makes the day's turnover."""
    return coin.daily_turnover(venue) / 86_400.0 / (0.5 * steps_per_second(coin))


def rollup(rows: FloatArray, step: int) -> FloatArray:
    """Finer candles (n, 10), oldest first, folded into candles of `step` ms; the last may be unfinished."""
    if len(rows) == 0:
        return np.empty((0, COLUMNS))
    bucket = rows[:, OPEN_TIME] // step
    first = np.flatnonzero(np.r_[True, bucket[1:] != bucket[:-1]])
    last = np.r_[first[1:], len(rows)] - 1
    folded: FloatArray = np.empty((len(first), COLUMNS))
    folded[:, OPEN_TIME] = bucket[first] * step
    folded[:, OPEN], folded[:, CLOSE] = rows[first, OPEN], rows[last, CLOSE]
    folded[:, HIGH] = np.maximum.reduceat(rows[:, HIGH], first)
    folded[:, LOW] = np.minimum.reduceat(rows[:, LOW], first)
    for column in _SUMS:
        folded[:, column] = np.add.reduceat(rows[:, column], first)
    return folded


def _starts(minute: int) -> dict[str, int]:
    """Where each interval's own region begins; aligned to 4h, and from 4h on to the day."""
    starts = {}
    for interval, step in INTERVAL_MS.items():
        border = DAY_MS if step >= INTERVAL_MS["4h"] else INTERVAL_MS["4h"]
        starts[interval] = (minute - (KEPT + 1) * step) // border * border
    return starts
