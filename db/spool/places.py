"""Where batches wait: this worker's file, files that dead workers left, and memory where no disk helps."""

import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from db.rows import GapRow
from db.spool.directory import Directory
from db.spool.loading import Loaded, Loader, Say, copy
from db.spool.losses import Instrument, Loss
from db.spool.records import DamagedRecord, Record
from db.spool.store import Store, is_damage

MEMORY_BYTES = 32_000_000
"""What may wait in memory where no file can be written: about a million ticks."""
RETRY_S = 5.0
"""How often a disk that could not be written is tried again."""
_LEAST_SHARE = 8
"""This part of the limit is ours, however much others have in the directory."""
_LOOK_EVERY_S = 1.0
_FAILURES = (OSError, sqlite3.Error)
T = TypeVar("T")


class Places:
    """The open stores of one worker. Not thread-safe. Trouble with the disk is told and lived with."""

    def __init__(self, directory: Path, max_bytes: int, say: Say, on_gap: Callable[[GapRow], None]) -> None:
        self._own: Store | None = None
        self._adopted: list[Store] = []
        self._memory: Store | None = None
        self._max_bytes = max_bytes
        self._say = say
        self._on_gap = on_gap
        self._directory = Directory(directory)
        self._loader = Loader(self._directory, max_bytes, say)
        self._is_writable = True
        self._tried_at = self._looked_at = float("-inf")
        self._dropped_before = 0

    @property
    def all(self) -> list[Store]:
        """Those that are open; the oldest batches are in the first."""
        return [store for store in (*self._adopted, self._own, self._memory) if store is not None]

    @property
    def dropped(self) -> int:
        """Ticks that were dropped because a store was full."""
        return self._dropped_before + sum(store.dropped for store in self.all)

    @property
    def are_durable(self) -> bool:
        """Whether everything that waits is on disk."""
        return self._memory is None or not (self._memory.rows or self._memory.has_losses)

    def open(self) -> None:
        """Open our own file, and those that nobody holds."""
        try:
            self._file()
            for path in self._directory.adopt():
                self._adopt(path)
        except _FAILURES as error:
            self._give_up_disk(error)

    def append(self, records: Sequence[Record]) -> tuple[Store, list[int]]:
        """Keep records; returns where, and their numbers there."""
        return self._write(lambda store: store.append(records))

    def add_losses(self, losses: Mapping[Instrument, Loss]) -> None:
        """Keep what was lost elsewhere."""
        self._write(lambda store: store.add_losses(losses))

    def forget(self, store: Store, numbers: Collection[int]) -> None:
        """Forget records. A store that was mended meanwhile gives them once more, which changes nothing."""
        if store not in self.all:
            return
        try:
            store.delete(numbers)
        except sqlite3.DatabaseError as error:
            self.mend(store, error)
        if store in self._adopted and not store.rows and not store.has_losses and store.path:
            self._leave(store)
            self._directory.release(store.path, remove=True)

    def mend(self, store: Store, error: Exception) -> bool:
        """Put a new file with what is whole in the place of a damaged one; False where that is no help."""
        if store.path is None:
            raise error
        if not isinstance(error, DamagedRecord) and not is_damage(error):
            self._give_up_disk(error)
            return False
        place = self._leave(store)
        try:
            new = self._told(self._loader.rescue(store.path, str(error)))
        except _FAILURES as failure:
            self._directory.release(store.path, remove=False)
            self._give_up_disk(failure)
            return False
        if place is None:
            self._own = new
        else:
            self._adopted.insert(place, new)
        return True

    def close(self) -> bool:
        """Close all; whether everything that waits is on disk."""
        self._tried_at = float("-inf")
        if not self.are_durable:
            self._write(lambda store: store.bytes)
        are_durable = self.are_durable
        for store in self.all:
            self._close(store)
        self._own, self._adopted, self._memory = None, [], None
        return are_durable

    def _write(self, action: Callable[[Store], T]) -> tuple[Store, T]:
        """Do something to our file, or to memory where that does not work."""
        if self._is_writable or time.monotonic() - self._tried_at >= RETRY_S:
            for _ in range(2):  # once more where a damaged file could be mended
                try:
                    store = self._file()
                    result = action(store)
                except _FAILURES as error:
                    if self._own is None or not self.mend(self._own, error):
                        self._give_up_disk(error)
                        break
                else:
                    self._bring_to(store)
                    return store, result
        if self._memory is None:
            self._memory = Store(None, min(self._max_bytes, MEMORY_BYTES))
        return self._memory, action(self._memory)

    def _file(self) -> Store:
        """Our own file, opened, there, and with its limit."""
        if self._own is None:
            path = self._directory.take()
            self._own = self._told(self._loader.load(path))
        elif self._own.path and not self._own.path.exists():
            # SQLite goes on with a file that has no name any more. The new one must have another name.
            self._say("spool_removed", f"{self._own.path.name} is gone: what was in it is written anew")
            new = self._told(self._loader.load(self._directory.take()))
            copy((stored.record for stored in self._own.walk()), new)
            new.add_losses(self._own.losses())
            gone = self._own.path
            self._leave(self._own)
            self._directory.release(gone, remove=True)
            self._own = new
        now = time.monotonic()
        if now - self._looked_at > _LOOK_EVERY_S and self._own.path:
            beside = self._directory.bytes_beside([self._own.path])
            self._own.max_bytes = max(self._max_bytes - beside, self._max_bytes // _LEAST_SHARE)
            self._looked_at = now
        return self._own

    def _adopt(self, path: Path) -> None:
        try:
            self._adopted.append(self._told(self._loader.load(path)))
        except _FAILURES as error:
            self._directory.release(path, remove=False)
            self._say("spool_unreadable", f"{path.name}: {error}")

    def _told(self, loaded: Loaded) -> Store:
        for row in loaded.gaps:
            self._on_gap(row)
        return loaded.store

    def _leave(self, store: Store) -> int | None:
        """Close a store and forget it; its place among the adopted ones, None if it was our own."""
        self._dropped_before += store.dropped
        store.close()
        if store is self._own:
            self._own = None
            return None
        place = self._adopted.index(store)
        del self._adopted[place]
        return place

    def _bring_to(self, store: Store) -> None:
        """The disk takes batches: bring what waits in memory there."""
        memory = self._memory
        if memory is not None:
            try:
                copy((stored.record for stored in memory.walk()), store)
                store.add_losses(memory.losses())
            except sqlite3.DatabaseError as error:
                self.mend(store, error)
                return
            self._dropped_before += memory.dropped
            memory.close()
            self._memory = None
        if not self._is_writable:
            self._is_writable = True
            self._say("spool_writable", "rows wait on disk again")

    def _give_up_disk(self, error: Exception) -> None:
        self._tried_at = time.monotonic()
        if self._is_writable:
            self._is_writable = False
            self._say("spool_unwritable", f"{error}; rows wait in memory")

    def _close(self, store: Store) -> None:
        self._dropped_before += store.dropped
        is_empty = not store.rows and not store.has_losses
        store.close()
        if store.path:
            self._directory.release(store.path, remove=is_empty)
