"""The last 24 hours of a price as a line of text, one character for each quarter of an hour. Pure."""

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from db.history.packed import WIDTH
from market.intervals import DAY_MS, INTERVAL_MS

FINEST_MS = 900_000
"""Shorter candles are joined to this: more points than pixels help nobody."""
LEVELS = 44
"""Heights of a line; finer than its pixels, and no character needs an escape in JSON."""
GAP = " "
_LOWEST = ord("0")
_CLOSE = 4
_CANDLES = struct.Struct(f">{WIDTH}d")


class Grid(NamedTuple):
    """The slots of a day: each `step_ms` long, the last one ends at `until` (epoch ms)."""

    step_ms: int
    until: int

    @property
    def slots(self) -> int:
        """How many."""
        return DAY_MS // self.step_ms


class Spark(NamedTuple):
    """One line: a character for each slot, the space where nothing is known; lowest and highest close."""

    heights: str
    low: float
    high: float


def interval_for(intervals: Sequence[str]) -> str:
    """The interval to draw of: a quarter of an hour, else the next longer, else the longest there is."""
    by_length = sorted(intervals, key=INTERVAL_MS.__getitem__)
    return next((i for i in by_length if INTERVAL_MS[i] >= FINEST_MS), by_length[-1])


def grid_at(now_ms: int, interval: str) -> Grid:
    """The slots of the 24 hours that end with the newest candle that may be closed."""
    step = max(FINEST_MS, INTERVAL_MS[interval])
    return Grid(step, now_ms - now_ms % step)


def candles_of(packed: bytes) -> Iterable[tuple[int, float]]:
    """(open time in ms, close) of packed candles, ascending."""
    return ((round(row[0] * 1000), row[_CLOSE]) for row in _CANDLES.iter_unpack(packed))


def spark_of(closes: Iterable[tuple[int, float]], grid: Grid) -> Spark | None:
    """The line of these (open time, close), ascending; None where none of them is inside the day."""
    begin = grid.until - DAY_MS
    values: list[float | None] = [None] * grid.slots
    for open_time, close in closes:
        if begin <= open_time < grid.until:
            values[(open_time - begin) // grid.step_ms] = close  # of several in a slot the last
    known = [value for value in values if value is not None]
    if not known:
        return None
    low, high = min(known), max(known)
    scale = (LEVELS - 1) / (high - low) if high > low else 0.0
    middle = 0 if scale else LEVELS // 2
    heights = (
        GAP if value is None else chr(_LOWEST + middle + round((value - low) * scale)) for value in values
    )
    return Spark("".join(heights), low, high)
