"""What one could trade at: best bid and ask at a moment, from the live book or, in a backtest, candles."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np

from market.events import Kline
from market.indicators.arrays import FloatArray, IntArray
from market.intervals import close_of
from market.measures import mid, spread_bps

Side = Literal["buy", "sell"]

GRACE_MS = 10_000
"""How long after a moment a quote may come and still be the price one could have had."""


class Quote(NamedTuple):
    """Best bid and ask in quote currency, and the venue's time in ms.

    ``is_reached``: the price came here without a jump since the quote before, so that a stop on the way was
    filled at its own price. Live quotes never claim it.
    """

    bid: float
    ask: float
    time: int
    is_reached: bool = False

    @property
    def mid(self) -> float:
        """(bid + ask) / 2."""
        return mid(self.bid, self.ask) or 0.0

    @property
    def spread_bps(self) -> float:
        """1e4 × (ask - bid) / mid."""
        return spread_bps(self.bid, self.ask) or 0.0

    def opens_at(self, side: Side) -> float:
        """The price at which a taker gets in: the ask to buy, the bid to sell."""
        return self.ask if side == "buy" else self.bid

    def closes_at(self, side: Side) -> float:
        """The price at which a taker who got in with `side` gets out: the opposite side of the book."""
        return self.bid if side == "buy" else self.ask


def quote_around(mid: float, spread_bps: float, time: int, *, is_reached: bool = False) -> Quote:
    """A book of which only the middle and the spread are known."""
    half = mid * spread_bps / 2e4
    return Quote(mid - half, mid + half, time, is_reached)


def candle_quotes(kline: Kline, spread_bps: float, *, slips: bool = False) -> Iterator[Quote]:
    """A candle as the quotes it stands for, each with the stated spread: its open, then its low and its high.

    When within the candle the extremes were reached is not known: they carry the time of its last ms, and
    whoever holds a position meets the one that hurts. The candle's close is told by the next one's open.
    Where stops are to slip to the extremes (`slips`) these do not claim that the price came there gradually.
    """
    yield quote_around(kline.open, spread_bps, kline.open_time)
    end = close_of(kline.open_time, kline.interval)
    yield quote_around(kline.low, spread_bps, end, is_reached=not slips)
    yield quote_around(kline.high, spread_bps, end, is_reached=not slips)


class CandlePrices:
    """Quotes of one instrument at moments of the past: the opens of its candles, ascending, and a spread."""

    def __init__(self, open_times: Sequence[int], opens: Sequence[float], spread_bps: float) -> None:
        self.spread_bps = spread_bps
        self._times = np.array(open_times, dtype=np.int64)
        self._opens = np.array([*opens, np.nan])

    def mids(self, times: IntArray) -> FloatArray:
        """The first open at each time or up to 10 s later; NaN where there is none."""
        index = np.searchsorted(self._times, times)
        found = np.append(self._times, np.iinfo(np.int64).max)[index]
        return np.where(found - times <= GRACE_MS, self._opens[index], np.nan)

    def at(self, time: int) -> Quote | None:
        """The same as a quote, at the time of that open; None where there is none."""
        index = int(np.searchsorted(self._times, time))
        if index == len(self._times) or self._times[index] - time > GRACE_MS:
            return None
        return quote_around(float(self._opens[index]), self.spread_bps, int(self._times[index]))
