"""Each venue's rules for keeping a book whole.

`SequencedBook` is Bybit's (snapshot, then deltas whose `u` rises by one), `DiffBook` Binance's (deltas
chained by `pu` onto a REST snapshot), `PartialBook` a stream whose every message is the whole top.
All of them take events in the order they came and raise `SequenceGap` when one is missing; what to do
about it is the caller's business.

A repeat is dropped by its id. Ids that go on lower are no repeats: the venue counts anew, which its times
tell.
"""

from collections import deque
from math import inf
from typing import Protocol

from market.book import Book
from market.events import BookDelta, BookSnapshot, Levels

MAX_BUFFERED = 5_000
"""Deltas kept while a snapshot is on its way (over 8 minutes at 100 ms); the oldest go first."""
ANEW_MS = 2_000
"""An id that is not newer, of a time that is so much newer than that of the last: the venue counts anew."""


class SequenceGap(Exception):
    """An update is missing: the book can no longer be trusted and waits for a new snapshot."""

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"expected update {expected}, found {found}")
        self.expected = expected
        self.found = found


class SnapshotTooOld(Exception):
    """The snapshot ends before the deltas at hand begin. They are kept; ask for a newer one."""


class RangeLeft(Exception):
    """Nothing is missing, but the market has left what a snapshot proved: the book waits for a new one."""


def counts_anew(event_time: int, last_event_time: int) -> bool:
    """Whether an event whose id is not newer is no repeat. Times: the venue's, epoch ms."""
    return event_time - last_event_time > ANEW_MS


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
        """Take the next delta; repeats and those before the first snapshot are dropped."""
        book = self.book
        if delta.update_id == 1:
            times = (delta.event_time, delta.recv_time)
            return self.on_snapshot(
                BookSnapshot(delta.symbol, delta.bids, delta.asks, 1, *times, delta.sequence)
            )
        if not book.is_live:
            return False
        if delta.update_id <= book.update_id and not counts_anew(delta.event_time, book.event_time):
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
    and up to the last ask of its snapshot (unless that held the whole side): none beyond is taken in. So a
    new snapshot is wanted when half of a side is used up, while the book goes on (`renew`); with fewer than
    `least` levels a side it is given up.
    Source: Binance USDⓈ-M futures, "How to manage a local order book correctly".
    """

    def __init__(self, snapshot_limit: int, least: int) -> None:
        self.book = Book()
        self.is_renewing = False
        """Whether a live book takes a snapshot."""
        self._limit, self._least = snapshot_limit, least
        self._buffer: deque[BookDelta] = deque(maxlen=MAX_BUFFERED)
        self._is_chained = False
        self._floor = 0.0
        self._ceiling = inf

    def on_snapshot(self, snapshot: BookSnapshot) -> bool:
        """Build on a REST snapshot. Raises SnapshotTooOld when the deltas at hand begin after it."""
        while self._buffer and self._buffer[0].update_id < snapshot.update_id:
            self._buffer.popleft()
        if self._buffer and not _follows(self._buffer[0], snapshot.update_id):
            raise SnapshotTooOld(f"snapshot {snapshot.update_id}, deltas from {self._buffer[0].update_id}")
        if self.book.is_live and not self._buffer and snapshot.update_id < self.book.update_id:
            raise SnapshotTooOld(f"snapshot {snapshot.update_id}, book {self.book.update_id}")
        self.book.replace(snapshot)
        self.is_renewing = self._is_chained = False
        self._floor = min((p for p, _ in snapshot.bids), default=0.0) if self._is_cut(snapshot.bids) else 0.0
        self._ceiling = max(p for p, _ in snapshot.asks) if self._is_cut(snapshot.asks) else inf
        waiting, self._buffer = self._buffer, deque(maxlen=MAX_BUFFERED)
        try:
            while waiting:
                self.on_delta(waiting.popleft())
        except (SequenceGap, RangeLeft):
            self._buffer.extend(waiting)
            raise
        return True

    def on_delta(self, delta: BookDelta) -> bool:
        """Take the next delta, or buffer it while the book waits for a snapshot. Raises RangeLeft, too."""
        book = self.book
        if not book.is_live:
            self._buffer.append(delta)
            return False
        is_old = delta.update_id < book.update_id or (self._is_chained and delta.update_id == book.update_id)
        if is_old and not counts_anew(delta.event_time, book.event_time):
            return False
        if self._is_chained:
            is_next = not is_old and delta.previous_update_id == book.update_id
        else:
            is_next = not is_old and _follows(delta, book.update_id)
        if not is_next:
            expected = book.update_id
            self.forget()
            self._buffer.append(delta)
            raise SequenceGap(expected, delta.previous_update_id or 0)
        book.apply(delta, self._floor, self._ceiling)
        self._is_chained = True
        if self.is_renewing:
            self._buffer.append(delta)
        if self._has_fewer(self._least):
            self.reset()
            raise RangeLeft("too few proven levels")
        return True

    def renew(self) -> None:
        """Take a snapshot while the book goes on: deltas are kept from now on."""
        self.is_renewing = True

    def reset(self) -> None:
        """Wait for a new snapshot; what is buffered stays."""
        self.book.is_live = self.is_renewing = self._is_chained = False

    @property
    def has_buffered(self) -> bool:
        """Whether deltas wait for a snapshot."""
        return bool(self._buffer)

    @property
    def is_low(self) -> bool:
        """Whether half of what the snapshot proved of a side is used up: time for a new one."""
        return self.book.is_live and self._has_fewer(self._limit // 2)

    def forget(self) -> None:
        """Drop the buffer too: a new connection begins a new chain."""
        self.reset()
        self._buffer.clear()

    def _has_fewer(self, levels: int) -> bool:
        """Whether a side that goes on beyond what is proven has fewer levels."""
        bids, asks = self.book.bids.prices, self.book.asks.prices
        return (self._floor > 0 and len(bids) < levels) or (self._ceiling != inf and len(asks) < levels)

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
        """Take a message unless a newer one came before it. Raises SequenceGap where ids begin anew."""
        book = self.book
        if book.is_live and snapshot.update_id < book.update_id:
            if not counts_anew(snapshot.event_time, book.event_time):
                return False
            book.is_live = False
            raise SequenceGap(book.update_id, snapshot.update_id)
        book.replace(snapshot)
        return True

    def on_delta(self, _delta: BookDelta) -> bool:
        """Such a stream has no deltas; one that still comes is of a stream that this one replaced."""
        return False

    def reset(self) -> None:
        """Wait for the next message."""
        self.book.is_live = False
