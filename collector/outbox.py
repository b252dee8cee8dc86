"""Batches on their way to Postgres: first in memory, and on disk when the database keeps them waiting.

A batch that is not committed one flush interval after it was formed is kept in the spool as well, so that no
crash takes more than that. It still goes out in its turn, as long as it is fresh; after that only the spool
has it.
"""

import threading
import time
from collections import deque

from db.rows import Batch
from db.spool import Kept, Spool

FRESH_S = 1.0
"""A batch that waited this long is no longer sent before those that wait in the spool."""


class Outgoing:
    """A batch on its way. `kept`: where the spool has it."""

    __slots__ = ("batch", "formed_at", "is_done", "kept")

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.formed_at = time.monotonic()
        self.is_done = False
        self.kept: Kept | None = None


class Outbox:
    """Stands between the thread that forms batches and the one that sends them. Thread-safe.

    The lock is never held while the disk is written: a slow disk does not stop the sender.
    """

    def __init__(self, spool: Spool) -> None:
        self.wake = threading.Event()
        """Set when there is something to send."""
        self._spool = spool
        self._lock = threading.Lock()
        self._keeping = threading.Lock()
        self._waiting: deque[Outgoing] = deque()
        self._at_work: Outgoing | None = None
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether batches are sent from memory; else all of them go to the spool."""
        return self._is_open

    @property
    def rows(self) -> int:
        """Rows that are in memory and nowhere else."""
        with self._lock:
            return sum(each.batch.size for each in self._all() if each.kept is None)

    @property
    def kept_rows(self) -> int:
        """Rows that are sent from here and are in the spool as well."""
        with self._lock:
            return sum(each.batch.size for each in self._all() if each.kept)

    @property
    def names(self) -> set[str]:
        """Batches that are sent from here, whether the spool has them or not."""
        with self._lock:
            return {each.batch.batch_id for each in self._all()}

    def put(self, batch: Batch) -> None:
        """Have a batch sent."""
        with self._lock:
            is_open = self._is_open
            if is_open:
                self._waiting.append(Outgoing(batch))
        if is_open:
            self.wake.set()
        else:
            self._spool.append(batch)

    def take(self) -> Outgoing | None:
        """The next batch to send; `done` or `failed` must follow."""
        with self._lock:
            self._at_work = self._waiting.popleft() if self._waiting else None
            return self._at_work

    def done(self, outgoing: Outgoing) -> None:
        """The batch is committed."""
        with self._lock:
            outgoing.is_done, self._at_work = True, None
            kept = outgoing.kept
        if kept:
            self._spool.acknowledge([kept])

    def failed(self, outgoing: Outgoing) -> None:
        """The batch is not committed, as far as is known: it goes on from the spool."""
        self._keep(outgoing)
        with self._lock:
            self._at_work = None

    def keep_older(self, seconds: float) -> None:
        """Keep in the spool what was formed longer ago; what is not fresh any more goes on from there."""
        now = time.monotonic()
        with self._lock:
            late = [each for each in self._all() if now - each.formed_at >= seconds]
        for each in late:
            self._keep(each)
        with self._lock:
            while self._waiting and now - self._waiting[0].formed_at >= FRESH_S and self._waiting[0].kept:
                self._waiting.popleft()

    def open(self) -> None:
        """Send batches from memory again."""
        self._is_open = True

    def close(self) -> None:
        """Have the spool keep everything, now and from now on."""
        with self._lock:
            self._is_open = False
            everything = self._all()
            self._waiting.clear()
        for each in everything:
            self._keep(each)

    def _all(self) -> list[Outgoing]:
        return [*([self._at_work] if self._at_work else []), *self._waiting]

    def _keep(self, outgoing: Outgoing) -> None:
        with self._keeping:
            if outgoing.kept or outgoing.is_done:
                return
            kept = self._spool.append(outgoing.batch)
            with self._lock:
                outgoing.kept = kept
                is_done = outgoing.is_done
        if kept and is_done:
            self._spool.acknowledge([kept])
