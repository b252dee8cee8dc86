"""Batches that wait on disk until Postgres takes them: kept across restarts, bounded, given back in order."""

import sqlite3
import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from db.batches import halves, merged
from db.history.screening import dead_letter, screened
from db.rows import KINDS, Batch, GapRow
from db.spool.loading import Say
from db.spool.losses import Instrument, Loss, gaps_of
from db.spool.places import Places
from db.spool.records import DamagedRecord, Record, decoded, encoded
from db.spool.store import Store

CALM_S = 5.0
"""Losses are told when none came for this long,"""
TELL_AT_LEAST_S = 60.0
"""and when they go on, this long after the first."""
_OPEN_WITHIN_S = 2.0
_NEWEST = 40
"""Records from whose ticks it is told when an instrument gave its last sign."""


class Kept(NamedTuple):
    """A batch in the spool, and where."""

    batch: Batch
    store: Store
    numbers: tuple[int, ...]


class Spool:
    """Thread-safe. Trouble with the disk never reaches the caller: what it does not take waits in memory."""

    def __init__(self, directory: Path, max_mb: int) -> None:
        self._directory, self._max_bytes = directory, max_mb * 1_000_000
        self._lock = threading.RLock()
        self._places: Places | None = None
        self._is_open = threading.Event()
        self._dropped = 0
        self._lossy: tuple[float, float] | None = None
        """When the first and the last untold loss came, monotonic."""
        self._say: Say = lambda _event, _detail: None
        self._on_gap: Callable[[GapRow], None] = lambda _row: None

    def open(self, say: Say, on_gap: Callable[[GapRow], None]) -> None:
        """Find what earlier runs left, and be ready.

        `say(event, detail)` takes what people should know, `on_gap` each row that the spool adds to the
        ledger by itself.
        """
        self._say, self._on_gap = say, on_gap
        with self._lock:
            self._places = Places(self._directory, self._max_bytes, say, on_gap)
            self._places.open()
            if any(store.has_losses for store in self._places.all):
                self._lossy = (float("-inf"), float("-inf"))
        self._is_open.set()

    @property
    def rows(self) -> int:
        """Rows that wait."""
        return sum(store.rows for store in self._stores)

    @property
    def bytes(self) -> int:
        """Bytes that they take."""
        return sum(store.bytes for store in self._stores if store.rows)

    @property
    def dropped(self) -> int:
        """Ticks that were dropped because the spool was full."""
        places = self._places
        return places.dropped if places else self._dropped

    @property
    def is_durable(self) -> bool:
        """Whether everything that waits is on disk."""
        places = self._places
        return places is None or places.are_durable

    def append(self, batch: Batch) -> Kept | None:
        """Keep a batch, safe against a crash when this returns if a disk can be written.

        None if the spool is not open: nothing is kept then.
        """
        records = _records_of(batch)
        with self._lock:
            if (places := self._places) is None:
                return None
            dropped = places.dropped
            store, numbers = places.append(records)
            if places.dropped > dropped:
                self._note_loss()
        return Kept(batch, store, tuple(numbers))

    def oldest(self, most_rows: int, *, but: Collection[str] = ()) -> list[Kept]:
        """The batches that wait longest, up to `most_rows` rows or one batch, none named in `but`.

        They are not dropped for want of room until the next call.
        """
        with self._lock:
            for store in self._stores:
                store.pinned = frozenset()
            for _ in range(2):  # once more where a damaged file was mended
                for store in self._stores:
                    try:
                        found = _oldest_of(store, most_rows, but)
                    except (sqlite3.DatabaseError, DamagedRecord) as error:
                        if self._places and self._places.mend(store, error):
                            break
                        continue
                    if found:
                        store.pinned = frozenset(number for kept in found for number in kept.numbers)
                        return found
        return []

    def acknowledge(self, kept: Iterable[Kept]) -> None:
        """Forget batches: they are committed."""
        with self._lock:
            for each in kept:
                if self._places:
                    self._places.forget(each.store, each.numbers)

    def add_losses(self, losses: Mapping[Instrument, Loss]) -> None:
        """Keep what was lost before it came here, to be told to the ledger."""
        with self._lock:
            if losses and self._places:
                self._places.add_losses(losses)
                self._note_loss()

    def tell_losses(self) -> None:
        """Have the ledger's rows written of what is lost, once that is over or has gone on for long."""
        if self._lossy is None:
            return
        now, (first, last) = time.monotonic(), self._lossy
        if now - last < CALM_S and now - first < TELL_AT_LEAST_S:
            return
        with self._lock:
            for store in [store for store in self._stores if store.has_losses]:
                try:
                    gaps = gaps_of(store.losses())
                    store.tell_losses(encoded(Batch(uuid.uuid4().hex, gaps=gaps)))
                except sqlite3.DatabaseError as error:
                    if self._places:
                        self._places.mend(store, error)
                    return
                for row in gaps:
                    self._on_gap(row)
            self._lossy = None

    def left(self, venue: str, before: int) -> tuple[list[GapRow], dict[str, int]]:
        """What waits of a venue's ledger, oldest first; symbol -> epoch ms of the last sign of it that waits.

        Of the signs those `before` an epoch ms count. Waits itself until the spool is open, for a moment
        at most.
        """
        self._is_open.wait(_OPEN_WITHIN_S)
        gaps: list[GapRow] = []
        seen: dict[str, int] = {}
        with self._lock:
            for store in self._stores:
                try:
                    batches = [decoded(record) for record in store.telling(_NEWEST)]
                except (sqlite3.DatabaseError, DamagedRecord):
                    continue  # it is mended when it is read to be written
                for batch in batches:
                    gaps += [row for row in batch.gaps if row.venue == venue]
                    signs = [(row.symbol, row.ts) for row in batch.ticks if row.venue == venue]
                    signs += [
                        (row.symbol, row.event_time or 0) for row in batch.tickers if row.venue == venue
                    ]
                    for symbol, ts in (sign for sign in signs if sign[1] < before):
                        seen[symbol] = max(ts, seen.get(symbol, 0))
        return gaps, seen

    def waiting(self, kinds: Collection[str]) -> list[Batch]:
        """What waits of some kinds of rows, oldest first. Waits itself as `left` does."""
        self._is_open.wait(_OPEN_WITHIN_S)
        found: list[Batch] = []
        with self._lock:
            for store in self._stores:
                try:
                    found += [decoded(record) for record in store.of_kinds(kinds)]
                except (sqlite3.DatabaseError, DamagedRecord):
                    continue  # it is mended when it is read to be written
        return found

    def close(self) -> bool:
        """Close the files; whether everything that waits is in them."""
        with self._lock:
            places, self._places = self._places, None
            if places is None:
                return True
            is_durable = places.close()
            self._dropped = places.dropped
            return is_durable

    @property
    def _stores(self) -> list[Store]:
        places = self._places
        return places.all if places else []

    def _note_loss(self) -> None:
        now = time.monotonic()
        if self._lossy is None:
            self._say("spool_full", "the oldest ticks are dropped; the ledger will tell which")
        self._lossy = (self._lossy[0] if self._lossy else now, now)


def _records_of(batch: Batch) -> list[Record]:
    """The records of a batch. A row that no table would take, or no record, becomes a dead letter here."""
    good = screened(batch)
    try:
        return encoded(good)
    except (ValueError, TypeError, OverflowError) as error:
        if good.size > 1:
            return [record for half in halves(good) for record in _records_of(half)]
        ((kind, row),) = [(kind, row) for kind in KINDS for row in getattr(good, kind)]
        return encoded(Batch(batch.batch_id, dead_letters=[dead_letter(kind, row, str(error))]))


def _oldest_of(store: Store, most_rows: int, but: Collection[str]) -> list[Kept]:
    found: list[Kept] = []
    rows = 0
    for number, record in store.walk():
        if record.batch_id in but:
            continue
        is_same = bool(found) and found[-1].batch.batch_id == record.batch_id
        if not is_same and found and rows + record.rows > most_rows:
            break
        part = decoded(record)
        rows += record.rows
        if is_same:
            whole = merged([found[-1].batch, part])
            batch = msgspec.structs.replace(whole, batch_id=record.batch_id)
            found[-1] = Kept(batch, store, (*found[-1].numbers, number))
        else:
            found.append(Kept(part, store, (number,)))
    return found
