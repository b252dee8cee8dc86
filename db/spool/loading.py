"""Opens spool files, whatever state they are in: what is whole of a damaged one goes into a new one."""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from db.rows import Batch, GapRow
from db.spool.directory import Directory, remove_file
from db.spool.records import Record, encoded
from db.spool.salvage import Salvage, has_damaged_log, log_of, salvage
from db.spool.store import OtherLayout, Store, is_damage

_AT_ONCE = 100
_NEW = ".new"
Say = Callable[[str, str], None]
"""Takes the name of an event and what there is to say of it."""


class Loaded(NamedTuple):
    """An open store, and the gaps that damage left; they are among its records."""

    store: Store
    gaps: list[GapRow]


class Loader:
    """Opens the files of a directory. Raises OSError and sqlite3.Error where it cannot be written."""

    def __init__(self, directory: Directory, max_bytes: int, say: Say) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._say = say

    def load(self, path: Path) -> Loaded:
        """Open a file, or make it; nobody has it open, and it is ours."""
        remove_file(path.with_suffix(_NEW))  # a crash may have left half of one
        if not path.exists() and log_of(path).exists():
            aside = self._directory.set_aside(path, self._max_bytes // 4)
            self._say(
                "spool_damaged", f"only the log of {path.name} is there; it is set aside as {aside.name}"
            )
        if has_damaged_log(path):
            return self.rescue(path, "its log is damaged")
        try:
            return Loaded(Store(path, self._max_bytes), [])
        except OtherLayout as error:
            aside = self._directory.set_aside(path, self._max_bytes // 4)
            self._say("spool_damaged", f"{error}; it is set aside as {aside.name}")
            return Loaded(Store(path, self._max_bytes), [])
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            return self.rescue(path, str(error).splitlines()[-1])

    def rescue(self, path: Path, reason: str) -> Loaded:
        """Keep what is whole of a closed file in a new one under its name, and set it aside.

        A crash at any moment leaves either the damaged file or the new one in its place.
        """
        found = salvage(path)
        new = path.with_suffix(_NEW)
        remove_file(new)
        with closing(Store(new, self._max_bytes)) as store:
            self._fill(store, found, path.stem)
        aside = self._directory.set_aside(path, self._max_bytes // 4)
        new.rename(path)
        kept = sum(record.rows for record in found.records)
        lost = f", {found.lost} batches cannot be read" if found.lost else ""
        self._say("spool_damaged", f"{reason}; {kept} rows kept{lost}; the file is set aside as {aside.name}")
        return Loaded(Store(path, self._max_bytes), found.gaps)

    def _fill(self, store: Store, found: Salvage, name: str) -> None:
        store.max_bytes *= 2  # all of it was within the limit; none of it goes now
        copy(found.records, store)
        if found.gaps:
            store.append(encoded(Batch(f"damage of {name}", gaps=found.gaps)))
        store.add_losses(found.losses)


def copy(records: Iterable[Record], store: Store) -> None:
    """Append records to a store, many at once."""
    chunk: list[Record] = []
    for record in records:
        chunk.append(record)
        if len(chunk) == _AT_ONCE:
            store.append(chunk)
            chunk = []
    store.append(chunk)
