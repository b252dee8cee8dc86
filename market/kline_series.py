"""The candles of one interval: the closed ones, and what the venue last said of those it has not closed."""

from math import isclose

import msgspec

from market.events import Kline
from market.intervals import INTERVAL_MS

KEPT = 32
"""Closed candles kept in memory per series: a rollup needs at most 6 of them; history is the database's."""

_UNCLOSED = 8
"""How many candles may wait for the venue's close before the oldest is forgotten."""

RANK = {"trades": 0, "rollup": 1, "stream": 2, "rest": 3}
"""Which source knows better; a lower one never replaces a higher one."""


class KlineSeries:
    """Closed candles of one interval by open_time, and the forming one."""

    __slots__ = ("_forgotten", "_kept", "_unclosed", "closed", "interval", "newest_open_time", "revisions")

    def __init__(self, interval: str, *, kept: int = KEPT) -> None:
        self.interval = interval
        self.closed: dict[int, Kline] = {}
        self.newest_open_time: int | None = None
        """open_time of the newest closed candle."""
        self.revisions = 0
        """How often a closed candle came to have other numbers."""
        self._kept = kept
        self._unclosed: dict[int, Kline] = {}
        self._forgotten = -1

    @property
    def forming(self) -> Kline | None:
        """The newest candle the venue speaks of, while no candle of its time or later is closed."""
        newest = max(self._unclosed, default=-1)
        is_open = newest >= 0 and (self.newest_open_time is None or newest > self.newest_open_time)
        return self._unclosed[newest] if is_open else None

    def upsert(self, kline: Kline) -> Kline | None:
        """Take a candle; returns it if it is closed and new, or differs from what was held."""
        if kline.is_closed:
            return self._close(kline)
        self._form(kline)
        return None

    def revise(self, kline: Kline) -> Kline | None:
        """Take a closed candle that was made here: it is newer than one made before, and is told so."""
        held = self.closed.get(kline.open_time)
        if held is not None and held.source == kline.source and held.recv_time >= kline.recv_time:
            kline = msgspec.structs.replace(kline, recv_time=held.recv_time + 1)
        return self._close(kline)

    def last_word(self, open_time: int) -> Kline | None:
        """What the venue last said of a candle that it has not closed."""
        return self._unclosed.get(open_time)

    def unclosed(self) -> list[int]:
        """open_times of the candles that the venue spoke of and has not closed, ascending."""
        return sorted(self._unclosed)

    def between(self, start: int, end: int) -> list[Kline]:
        """Closed candles that open in [start, end), ascending."""
        step = INTERVAL_MS[self.interval]
        return [self.closed[t] for t in range(start, end, step) if t in self.closed]

    def reaches(self, open_time: int) -> bool:
        """Whether the closed candles from `open_time` on are still kept."""
        return open_time > self._forgotten

    def _close(self, kline: Kline) -> Kline | None:
        open_time = kline.open_time
        if not self.reaches(open_time):
            return kline
        held = self.closed.get(open_time)
        if held is not None:
            if not _is_better(kline, held):
                return None
            self.revisions += not _agree(kline, held)
        self.closed[open_time] = kline
        self.newest_open_time = max(open_time, self.newest_open_time or 0)
        if is_venues_word(kline):
            self._unclosed.pop(open_time, None)
        while len(self.closed) > self._kept:
            self._forgotten = min(self.closed)
            del self.closed[self._forgotten]
        return kline

    def _form(self, kline: Kline) -> None:
        open_time = kline.open_time
        held, known = self.closed.get(open_time), self._unclosed.get(open_time)
        if held is not None and is_venues_word(held):
            return
        if known is not None and kline.event_time < known.event_time:
            return
        if self.reaches(open_time):
            self._unclosed[open_time] = kline
            if len(self._unclosed) > _UNCLOSED:
                del self._unclosed[min(self._unclosed)]


def is_venues_word(kline: Kline) -> bool:
    """Whether the venue closed it, by its stream or by REST; else it was made here."""
    return RANK[kline.source] >= RANK["stream"]


def _is_better(kline: Kline, held: Kline) -> bool:
    """Whether a candle says more than what is held: whole where that is broken, from a source that knows
    better, or later from the same. The stream's first word stands: REST corrects it, not a repeat."""
    if kline.complete != held.complete:
        return kline.complete
    if RANK[kline.source] != RANK[held.source]:
        is_news = held.source == "trades" or _adds_counts(kline, held) or not _agree(kline, held)
        return RANK[kline.source] > RANK[held.source] and is_news
    if kline.source == "stream":
        return _adds_counts(kline, held) and _agree(kline, held)
    return kline.recv_time >= held.recv_time and (_adds_counts(kline, held) or not _agree(kline, held))


def _adds_counts(kline: Kline, held: Kline) -> bool:
    pairs = ((kline.trades, held.trades), (kline.taker_buy_volume, held.taker_buy_volume))
    return any(new is not None and old is None for new, old in pairs)


def _agree(kline: Kline, held: Kline) -> bool:
    """Whether the numbers are equal but for the rounding of a sum."""
    pairs = zip(_numbers(kline), _numbers(held), strict=True)
    return all(isclose(new, old, rel_tol=1e-9) for new, old in pairs)


def _numbers(kline: Kline) -> tuple[float, ...]:
    return (kline.open, kline.high, kline.low, kline.close, kline.volume, kline.turnover)
