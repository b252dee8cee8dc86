"""One SQLite database of records, oldest first: a file, or memory where no file can be written."""

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from db.spool.losses import Instrument, Loss, losses_of
from db.spool.records import DamagedRecord, Record, decoded

LAYOUT = 1
"""Of the tables below."""
_TABLES = """
CREATE TABLE records (
    id INTEGER PRIMARY KEY, batch_id TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL,
    rows INTEGER NOT NULL, first_ts INTEGER NOT NULL, last_ts INTEGER NOT NULL, body BLOB NOT NULL
);
CREATE INDEX droppable ON records (id) WHERE kind IN ('ticks', 'tickers');
CREATE TABLE losses (
    venue TEXT, symbol TEXT, first_ts INTEGER NOT NULL, last_ts INTEGER NOT NULL, rows INTEGER NOT NULL,
    PRIMARY KEY (venue, symbol)
) WITHOUT ROWID;
"""
_ADD = "INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_LOSS = """
INSERT INTO losses VALUES (?, ?, ?, ?, ?) ON CONFLICT (venue, symbol) DO UPDATE SET
    first_ts = min(first_ts, excluded.first_ts), last_ts = max(last_ts, excluded.last_ts),
    rows = rows + excluded.rows
"""
_DELETE = "DELETE FROM records WHERE id = ?"
_ROWS_OF = "SELECT rows FROM records WHERE id = ?"
_OLDEST_DROPPABLE = "SELECT * FROM records WHERE kind IN ('ticks', 'tickers') ORDER BY id LIMIT ?"
_AFTER = "SELECT * FROM records WHERE id > ? ORDER BY id LIMIT ?"
_TELLING = "SELECT * FROM records WHERE kind IN ('gaps', 'tickers') OR kind = 'ticks' AND id >= ? ORDER BY id"
_PAGE = 4096
_AT_ONCE = 16
_LEFT_FREE = 8_000_000
"""Bytes of free pages above which an empty file is made small again."""


class OtherLayout(Exception):
    """The file is of another version of this program, or not a spool. Says which."""


class Stored(NamedTuple):
    """A record and its number; older records have lower ones."""

    id: int
    record: Record


class Store:
    """Not thread-safe. What goes wrong with the file comes as sqlite3.DatabaseError, nothing half done."""

    def __init__(self, path: Path | None, max_bytes: int) -> None:
        """Open or make it. Raises OtherLayout, and sqlite3.DatabaseError for a damaged file too.

        What is on disk stays below `max_bytes` as long as there are ticks to drop; the log that SQLite
        writes first counts.
        """
        self.path = path
        self.max_bytes = max_bytes
        self.rows = 0
        self.dropped = 0
        """Ticks that were dropped to keep below the limit."""
        self.bytes = 0
        """Of the pages in use."""
        self.has_losses = False
        self.pinned: frozenset[int] = frozenset()
        """Records that are not dropped: they are just being written."""
        self._gone: set[int] = set()
        is_new = path is None or not path.exists() or path.stat().st_size == 0
        self._connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=1.0
        )
        try:
            self._set_up(is_new=is_new)
        except BaseException:
            self._connection.close()
            raise

    def append(self, records: Sequence[Record]) -> list[int]:
        """Keep records, all or none of them; what must go for it is counted in the losses.

        Safe on the disk when this returns.
        """
        with self._transaction() as sql:
            gone = self._make_room(sum(len(record.body) + _PAGE for record in records))
            numbers = self._insert(sql, records)
        self.dropped += sum(record.rows for record in gone if record.kind == "ticks")
        self.rows += sum(record.rows for record in records) - sum(record.rows for record in gone)
        self.has_losses |= any(record.kind == "ticks" for record in gone)
        self.bytes = self._used()
        return numbers

    def walk(self) -> Iterator[Stored]:
        """The records, oldest first."""
        number = 0
        while found := self._connection.execute(_AFTER, (number, _AT_ONCE)).fetchall():
            for row in found:
                if row[0] <= number:
                    raise sqlite3.DatabaseError("its records are out of order")
                number = row[0]
                if number not in self._gone:
                    yield Stored(number, Record(*row[1:]))

    def telling(self, newest: int) -> list[Record]:
        """Records of gaps and tickers, and the newest ones of ticks; oldest first."""
        found = self._connection.execute(_TELLING, (self._next - newest,)).fetchall()
        return [Record(*row[1:]) for row in found if row[0] not in self._gone]

    def of_kinds(self, kinds: Collection[str]) -> list[Record]:
        """Records of some kinds of rows, oldest first."""
        marks = ", ".join("?" * len(kinds))
        query = f"SELECT * FROM records WHERE kind IN ({marks}) ORDER BY id"
        found = self._connection.execute(query, tuple(kinds)).fetchall()
        return [Record(*row[1:]) for row in found if row[0] not in self._gone]

    def delete(self, numbers: Collection[int]) -> None:
        """Forget records; those that are gone already do no harm.

        They are not given again even if this fails, and the next call tries to forget them too. The disk is
        not waited for: after a power cut they may be there once more, which changes nothing.
        """
        sql = self._connection
        for number in set(numbers) - self._gone:
            found = sql.execute(_ROWS_OF, (number,)).fetchone()
            if found:
                self.rows -= found[0]
                self._gone.add(number)
        sql.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._transaction():
                sql.executemany(_DELETE, [(number,) for number in self._gone])
        finally:
            sql.execute("PRAGMA synchronous = FULL")
        self._gone.clear()
        if not self.rows and self._pragma("freelist_count") * _PAGE > _LEFT_FREE:
            sql.execute("VACUUM")
        self.bytes = self._used()

    def add_losses(self, losses: Mapping[Instrument, Loss]) -> None:
        """Keep what was lost elsewhere."""
        if losses:
            with self._transaction():
                self._add_losses(losses)
            self.has_losses = True

    def losses(self) -> dict[Instrument, Loss]:
        """What is lost and not told yet."""
        return read_losses(self._connection)

    def tell_losses(self, records: Sequence[Record]) -> None:
        """Put records that tell of the losses in their place."""
        with self._transaction() as sql:
            sql.execute("DELETE FROM losses")
            self._insert(sql, records)
        self.rows += sum(record.rows for record in records)
        self.has_losses = False

    def close(self) -> None:
        """Close it; what SQLite had in its log is in the file then."""
        self._connection.close()

    def _set_up(self, *, is_new: bool) -> None:
        sql = self._connection
        self._log_bytes = log_bytes = min(2_000_000, self.max_bytes // 4)
        sql.execute("PRAGMA journal_mode = WAL")
        sql.execute("PRAGMA synchronous = FULL")
        sql.execute(f"PRAGMA wal_autocheckpoint = {log_bytes // 2 // _PAGE}")
        sql.execute(f"PRAGMA journal_size_limit = {log_bytes}")
        layout = self._pragma("user_version")
        if is_new or (not layout and not self._pragma("schema_version")):
            sql.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {LAYOUT}; COMMIT;")
        elif layout != LAYOUT:
            raise OtherLayout(f"it has layout {layout}, {LAYOUT} is known here")
        elif (word := sql.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(str(word))
        self.rows = int(sql.execute("SELECT coalesce(sum(rows), 0) FROM records").fetchone()[0])
        self._next = int(sql.execute("SELECT coalesce(max(id), 0) + 1 FROM records").fetchone()[0])
        self.has_losses = bool(self.losses())
        self.bytes = self._used()

    def _used(self) -> int:
        return (self._pragma("page_count") - self._pragma("freelist_count")) * _PAGE

    def _pragma(self, name: str) -> int:
        return int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _insert(self, sql: sqlite3.Connection, records: Sequence[Record]) -> list[int]:
        """Numbers are not used twice: an old one must not lead to a new record."""
        numbers = list(range(self._next, self._next + len(records)))
        self._next += len(records)
        sql.executemany(_ADD, [(number, *record) for number, record in zip(numbers, records, strict=True)])
        return numbers

    def _make_room(self, needed: int) -> list[Record]:
        """Drop the oldest ticks, and tickers that newer ones replace anyway, until there is room.

        Returns what was dropped.
        """
        gone: list[Record] = []
        limit = self.max_bytes - min(self._log_bytes, self.max_bytes // 4)
        while self._used() + needed > limit:
            droppable = self._connection.execute(_OLDEST_DROPPABLE, (len(self.pinned) + 1,))
            found = next((row for row in droppable.fetchall() if row[0] not in self.pinned), None)
            if found is None:
                break
            self._connection.execute(_DELETE, found[:1])
            gone.append(Record(*found[1:]))
            try:
                self._add_losses(losses_of(decoded(gone[-1]).ticks))
            except DamagedRecord:
                continue  # it is counted; whose ticks they were cannot be told
        return gone

    def _add_losses(self, losses: Mapping[Instrument, Loss]) -> None:
        self._connection.executemany(_ADD_LOSS, [(*instrument, *loss) for instrument, loss in losses.items()])


def read_losses(connection: sqlite3.Connection) -> dict[Instrument, Loss]:
    """The losses in a database."""
    rows = connection.execute("SELECT venue, symbol, first_ts, last_ts, rows FROM losses")
    return {(row[0], row[1]): Loss(*row[2:]) for row in rows}


def is_damage(error: Exception) -> bool:
    """Whether the file is at fault, not the disk or the right to write."""
    if type(error) is sqlite3.DatabaseError and not hasattr(error, "sqlite_errorcode"):
        return True  # what a check found
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
