"""One instrument's order book, by each venue's rules for keeping it whole.

`SequencedBook` is Bybit's (snapshot, then deltas whose `u` rises by one), `DiffBook` Binance's (deltas
chained by `pu` onto a REST snapshot), `PartialBook` a stream whose every message is the whole top.
All of them take events in the order they came and raise `SequenceGap` when one is missing; what to do
about it is the caller's business. Floats: the venue's own decimal text is the key's source, so equal
prices are equal floats.
"""

from bisect import bisect_left, insort
from collections import deque
from typing import Protocol

from market.events import BookDelta, BookSnapshot, Levels

MAX_BUFFERED = 5_000
"""Deltas kept while a snapshot is on its way (over 8 minutes at 100 ms); the oldest go first."""


class SequenceGap(Exception):
    """An update is missing: the book can no longer be trusted and waits for a new snapshot."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"expected update {expected}, found {found}")
        self.expected = expected
        self.found = found


class SnapshotTooOld(Exception):
    """The snapshot ends before the buffered deltas begin. The buffer is kept; ask for a newer one."""


class Side:
    """The levels of one side: sizes by price, and the prices in ascending order."""

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[float, float] = {}
        self.prices: list[float] = []

    def replace(self, levels: Levels) -> None:
        """Take `levels` as the whole side."""
        self.sizes = {price: size for price, size in dict(levels).items() if size > 0}
        self.prices = sorted(self.sizes)

    def apply(self, changes: Levels, floor: float, ceiling: float) -> None:
        """Set or (size 0) delete levels; none outside [floor, ceiling] is taken in."""
        sizes, prices = self.sizes, self.prices
        for price, size in changes:
            if size > 0:
                if price in sizes:
                    sizes[price] = size
                elif floor <= price <= ceiling:
                    sizes[price] = size
                    insort(prices, price)
            elif price in sizes:
                del sizes[price]
                del prices[bisect_left(prices, price)]

    def drop(self, price: float) -> None:
        """Delete one level that is held."""
        del self.sizes[price]
        del self.prices[bisect_left(self.prices, price)]


class Book:
    """Both sides and where in the venue's sequence they stand."""

    __slots__ = ("asks", "bids", "event_time", "is_live", "recv_time", "sequence", "update_id")

    def __init__(self) -> None:
        self.bids = Side()
        self.asks = Side()
        self.update_id = 0
        self.sequence: int | None = None
        """Of the last event, where the venue has one that goes on over a restart of its service."""
        self.event_time = 0
        self.recv_time = 0
        self.is_live = False

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask, which no real book is."""
        bids, asks = self.bids.prices, self.asks.prices
        return bool(bids and asks and bids[-1] >= asks[0])

    def top(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Best bid price and size, best ask price and size; None where a side is empty."""
        bids, asks = self.bids, self.asks
        bid = bids.prices[-1] if bids.prices else None
        ask = asks.prices[0] if asks.prices else None
        return (
            bid,
            None if bid is None else bids.sizes[bid],
            ask,
            None if ask is None else asks.sizes[ask],
        )

    def best(self, count: int) -> tuple[Levels, Levels]:
        """The best `count` levels of bids and asks, best first."""
        bids, asks = self.bids, self.asks
        return (
            [(price, bids.sizes[price]) for price in reversed(bids.prices[-count:])],
            [(price, asks.sizes[price]) for price in asks.prices[:count]],
        )

    def replace(self, snapshot: BookSnapshot) -> None:
        """Take a snapshot as the whole book."""
        self.bids.replace(snapshot.bids)
        self.asks.replace(snapshot.asks)
        self._stamp(snapshot)
        self.is_live = True

    def apply(self, delta: BookDelta, floor: float = 0.0, ceiling: float = float("inf")) -> None:
        """Take the next delta; bids below `floor` and asks above `ceiling` are not ours to know."""
        self.bids.apply(delta.bids, floor, float("inf"))
        self.asks.apply(delta.asks, 0.0, ceiling)
        self._stamp(delta)

    def _stamp(self, event: BookSnapshot | BookDelta) -> None:
        self.update_id = event.update_id
        self.sequence = event.sequence
        self.event_time = event.event_time
        self.recv_time = event.recv_time


class BookRules(Protocol):
    """What the three kinds of book have in common."""

    book: Book

    def on_snapshot(self, snapshot: BookSnapshot) -> bool:
        """Take a snapshot; True if the book changed."""

    def on_delta(self, delta: BookDelta, /) -> bool:
        """Take a delta; True if the book changed. Raises SequenceGap when one before it is missing."""

    def reset(self) -> None:
        """Wait for a new snapshot: the levels stay to be shown, but nothing builds on them."""


class SequencedBook:
    """Bybit: a snapshot replaces, also unasked; each delta's `u` is the last one's plus one.

    A delta with `u` = 1 follows a restart of the venue's service and is a snapshot in all but name. Level 1
    sends snapshots only, and repeats the last one with an equal `u` as a sign of life.
    """

    def __init__(self, depth: int) -> None:
        self.book = Book()
        self._depth = depth

    def on_snapshot(self, snapshot: BookSnapshot) -> bool:
        """Take a snapshot; always the whole truth."""
        self.book.replace(snapshot)
        return True

    def on_delta(self, delta: BookDelta) -> bool:
        """Take the next delta; older ones and those before the first snapshot are dropped."""
        book = self.book
        if delta.update_id == 1:
            times = (delta.event_time, delta.recv_time)
            return self.on_snapshot(
                BookSnapshot(delta.symbol, delta.bids, delta.asks, 1, *times, delta.sequence)
            )
        if not book.is_live or delta.update_id <= book.update_id:
            return False
        if delta.update_id != book.update_id + 1:
            book.is_live = False
            raise SequenceGap(book.update_id + 1, delta.update_id)
        book.apply(delta)
        self._trim()
        return True

    def reset(self) -> None:
        """Wait for a new snapshot."""
        self.book.is_live = False

    def _trim(self) -> None:
        """Drop what lies beyond the subscribed depth; the venue normally deletes it itself."""
        bids, asks = self.book.bids, self.book.asks
        while len(bids.prices) > self._depth:
            bids.drop(bids.prices[0])
        while len(asks.prices) > self._depth:
            asks.drop(asks.prices[-1])


class DiffBook:
    """Binance: deltas chained by `pu`, built on a REST snapshot.

    Until a snapshot fits, deltas are buffered, across attempts. The book is proven only down to the last bid
    and up to the last ask of its snapshot (unless that held the whole side): none beyond is taken in.
    Source: Binance USDⓈ-M futures, "How to manage a local order book correctly".
    """

    def __init__(self, snapshot_limit: int) -> None:
        self.book = Book()
        self._limit = snapshot_limit
        self._buffer: deque[BookDelta] = deque(maxlen=MAX_BUFFERED)
        self._is_chained = False
        self._floor = 0.0
        self._ceiling = float("inf")

    def on_snapshot(self, snapshot: BookSnapshot) -> bool:
        """Build on a REST snapshot. Raises SnapshotTooOld when the buffered deltas begin after it."""
        while self._buffer and self._buffer[0].update_id < snapshot.update_id:
            self._buffer.popleft()
        if self._buffer and not _follows(self._buffer[0], snapshot.update_id):
            raise SnapshotTooOld(f"snapshot {snapshot.update_id}, deltas from {self._buffer[0].update_id}")
        self.book.replace(snapshot)
        self._is_chained = False
        self._floor = min((p for p, _ in snapshot.bids), default=0.0) if self._is_cut(snapshot.bids) else 0.0
        self._ceiling = max(p for p, _ in snapshot.asks) if self._is_cut(snapshot.asks) else float("inf")
        waiting, self._buffer = self._buffer, deque(maxlen=MAX_BUFFERED)
        try:
            while waiting:
                self.on_delta(waiting.popleft())
        except SequenceGap:
            self._buffer.extend(waiting)
            raise
        return True

    def on_delta(self, delta: BookDelta) -> bool:
        """Take the next delta, or buffer it while the book waits for a snapshot."""
        book = self.book
        if not book.is_live:
            self._buffer.append(delta)
            return False
        if delta.update_id < book.update_id or (self._is_chained and delta.update_id == book.update_id):
            return False
        if self._is_chained:
            is_next = delta.previous_update_id == book.update_id
        else:
            is_next = _follows(delta, book.update_id)
        if not is_next:
            expected = book.update_id
            self.reset()
            self._buffer.append(delta)
            raise SequenceGap(expected, delta.previous_update_id or 0)
        book.apply(delta, self._floor, self._ceiling)
        self._is_chained = True
        return True

    def reset(self) -> None:
        """Wait for a new snapshot; what is buffered stays."""
        self.book.is_live = False
        self._is_chained = False

    @property
    def has_buffered(self) -> bool:
        """Whether deltas wait for a snapshot."""
        return bool(self._buffer)

    def is_thin(self, levels: int) -> bool:
        """Whether the proven part of a side has shrunk below `levels`: time for a new snapshot."""
        book = self.book
        bids_thin = self._floor > 0 and len(book.bids.prices) < levels
        asks_thin = self._ceiling != float("inf") and len(book.asks.prices) < levels
        return book.is_live and (bids_thin or asks_thin)

    def forget(self) -> None:
        """Drop the buffer too: a new connection begins a new chain."""
        self.reset()
        self._buffer.clear()

    def _is_cut(self, levels: Levels) -> bool:
        return len(levels) >= self._limit


def _follows(delta: BookDelta, update_id: int) -> bool:
    """Whether `delta` is the one that holds, or directly follows, a snapshot's `update_id`.

    The documented rule is U <= id <= u. Between `pu` and `U` nothing happened to this symbol, so a snapshot
    taken there is followed without a loss as well.
    """
    previous = delta.previous_update_id if delta.previous_update_id is not None else delta.first_update_id
    return previous is not None and previous <= update_id <= delta.update_id


class PartialBook:
    """A stream whose every message is the whole top of the book; only older messages are dropped."""

    def __init__(self) -> None:
        self.book = Book()

    def on_snapshot(self, snapshot: BookSnapshot) -> bool:
        """Take a message unless a newer one came before it."""
        if self.book.is_live and snapshot.update_id < self.book.update_id:
            return False
        self.book.replace(snapshot)
        return True

    def on_delta(self, _delta: BookDelta) -> bool:
        """Such a stream has no deltas; one that still comes is of a stream that this one replaced."""
        return False

    def reset(self) -> None:
        """Wait for the next message."""
        self.book.is_live = False
