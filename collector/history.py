"""What of the candles a venue has is missing here, so that REST is asked for no more than that."""

import itertools
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from market.intervals import INTERVAL_MS, open_of
from market.klines import Candles

WANTED = 400
"""Closed candles per interval that charts and indicators begin with."""


class Span(NamedTuple):
    """Closed candles that are missing: `length` of them from `start` on."""

    symbol: str
    interval: str
    start: int
    length: int

    @property
    def end(self) -> int:
        """Where the candle after the last one opens."""
        return self.start + self.length * INTERVAL_MS[self.interval]


class Stored(NamedTuple):
    """The whole, closed candles of one series that the database holds in the wanted span."""

    candles: int
    first_open_time: int
    last_open_time: int


def missing_spans(
    symbols: Iterable[str],
    intervals: Iterable[str],
    stored: Mapping[tuple[str, str], Stored],
    *,
    now: int,
) -> list[Span]:
    """What to ask for at a start: symbol by symbol, long intervals first so that rollups find them.

    `now` is the venue's clock, epoch ms.
    """
    found: list[Span] = []
    longest_first = sorted(intervals, key=lambda i: -INTERVAL_MS[i])
    for symbol, interval in itertools.product(symbols, longest_first):
        step = INTERVAL_MS[interval]
        running = open_of(now, interval)
        start = running - WANTED * step
        held = stored.get((symbol, interval))
        if held is not None and held.first_open_time <= start and _is_unbroken(held, step):
            start = held.last_open_time + step
        if start < running:
            found.append(Span(symbol, interval, start, (running - start) // step))
    return found


def holes(symbol: str, candles: Candles, *, now: int) -> list[Span]:
    """What is missing or incomplete among an instrument's candles in memory, the parts before what they make.

    From the oldest candle that is kept, or the last 400, up to `now`, the venue's clock, epoch ms: what is
    older than memory is the database's business. The caller holds the lock of the candles.
    """
    found: list[Span] = []
    for interval in INTERVAL_MS:
        closed = candles.series[interval].closed
        if closed:
            running = open_of(now, interval)
            first = max(min(closed), running - WANTED * INTERVAL_MS[interval])
            found += lacking(symbol, candles, interval, first, running)
    return found


def lacking(symbol: str, candles: Candles, interval: str, start: int, end: int) -> list[Span]:
    """What of the candles that open in [start, end) memory does not hold whole, ascending.

    A candle made of trades counts as lacking: only the venue's own is final.
    """
    step, closed = INTERVAL_MS[interval], candles.series[interval].closed
    found: list[Span] = []
    for time in range(start, end, step):
        kline = closed.get(time)
        if kline is not None and kline.complete and kline.source != "trades":
            continue
        if found and found[-1].end == time:
            found[-1] = found[-1]._replace(length=found[-1].length + 1)
        else:
            found.append(Span(symbol, interval, time, 1))
    return found


def _is_unbroken(held: Stored, step: int) -> bool:
    return held.candles == (held.last_open_time - held.first_open_time) // step + 1
