"""Trades whose ids say nothing of order, and what an unbroken subscription proves (market.received)."""

from collections.abc import Iterator, Sequence
from itertools import count

from market.events import Trade

REMEMBERED = 1024
"""Ids that are remembered at least: more than Bybit's REST repeats (the newest 1000)."""

_HOLE = 1 << 32
"""More trades than any hole has."""


class NamedTrades:
    """Trades whose ids say nothing of order (Bybit's UUIDs): what one unbroken subscription brings is whole,
    and what comes after an interruption is not known to join it."""

    def __init__(self) -> None:
        self.live_since: int | None = None
        self._until = self._last_time = -1
        self._stretches: list[tuple[int, int]] = []
        self._count, self._first = _HOLE, 0
        self._holes: list[tuple[int, Iterator[int]]] = []
        """Time of the first trade after each hole, and the ranks of those that fill it."""
        self._filling = count(0)
        # Hashes instead of ids: a third of the memory, and 64 bits of a UUID do not meet by chance.
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._old_until = self._horizon = -1

    def misses_before(self, trade: Trade) -> bool:  # noqa: ARG002  (its id tells nothing)
        return False

    def take(self, trade: Trade) -> int:
        key, time = hash(trade.trade_id), trade.event_time
        if time > self._last_time and self.live_since is not None:
            self._until = self._last_time = time
        else:
            is_known = key in self._young or key in self._old
            if self.live_since is None:
                self._resume(key, time, is_known=is_known)
            if is_known or time <= self._horizon:
                return -1
            self._until = max(self._until, time)
            self._last_time = max(self._last_time, time)
        self._young.add(key)
        self._count += 1
        return self._count

    def take_old(self, trade: Trade) -> int:
        key = hash(trade.trade_id)
        if key in self._young or key in self._old or trade.event_time <= self._horizon:
            return -1
        self._young.add(key)
        self._last_time = max(self._last_time, trade.event_time)
        for until, ranks in self._holes:
            if trade.event_time <= until:
                return next(ranks)
        self._count += 1
        return self._count if self.live_since is not None else next(self._filling)

    def cover(self, trades: Sequence[Trade], start: int, until: int) -> None:
        self._stretches.append((start, until))
        for trade in trades:
            if self.live_since == trade.event_time + 1 and hash(trade.trade_id) == self._first:
                # What the stream did not see of the ms it began in is in the list, if that has all of it.
                self.live_since -= start <= trade.event_time

    def interrupt(self) -> None:
        if self.live_since is not None:
            self._stretches.append((self.live_since, self._until))
        self.live_since = None
        # Trades that fill the hole rank between those before it and those that follow it.
        self._filling = count(self._count + 1)
        self._count += _HOLE

    def covers(self, start: int, until: int) -> bool:
        live = [(self.live_since, self._until)] if self.live_since is not None else []
        for first, last in sorted([*self._stretches, *live]):
            if first <= start < last:
                start = last
        return start >= until

    def forget(self, before: int) -> None:
        """Drop the older half of the ids once the younger alone is more than can be repeated."""
        self._stretches = [(start, until) for start, until in self._stretches if until >= before]
        self._holes = [(until, ranks) for until, ranks in self._holes if until >= before]
        if len(self._young) >= REMEMBERED:
            self._horizon, self._old_until = self._old_until, self._last_time
            self._old, self._young = self._young, set()

    def _resume(self, key: int, time: int, *, is_known: bool) -> None:
        self._holes.append((time, self._filling))
        # A repeat of what a stretch ends with joins it.
        is_met = is_known and any(start <= time <= until for start, until in self._stretches)
        self.live_since = time if is_met else time + 1
        self._first, self._until = key, -1
