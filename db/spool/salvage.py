"""What is whole in a damaged spool file: SQLite is asked for each record by itself, from both ends."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from db.rows import GapRow, TickRow
from db.spool.losses import Instrument, Loss
from db.spool.records import DamagedRecord, Record, decoded
from db.spool.store import Store, read_losses
from db.spool.wal import mended

_FIELDS = "id, batch_id, kind, version, rows, first_ts, last_ts, body"
_AT = f"SELECT {_FIELDS} FROM records WHERE id = ?"
_ENDS = (
    f"SELECT {_FIELDS} FROM records WHERE id > ? ORDER BY id LIMIT 1",
    f"SELECT {_FIELDS} FROM records WHERE id < ? ORDER BY id DESC LIMIT 1",
)
_PAGE = 4096
_NO_END = 2**62
_LEAST = 64
"""Bytes of the smallest record: there are not more than the file has room for."""


class Salvage(NamedTuple):
    """The whole records, oldest first; the losses that were not told yet; how many records are known to be
    there and cannot be read, and the gaps that these leave.
    """

    records: list[Record]
    losses: dict[Instrument, Loss]
    lost: int
    gaps: list[GapRow]


def salvage(path: Path) -> Salvage:
    """Read what can be read of a file that nobody has open; the file stays as it is."""
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "spool.db"
        shutil.copyfile(path, copy)
        if (log := log_of(path)).exists():
            log_of(copy).write_bytes(mended(log.read_bytes()))
        found = _read(copy)
        if found is None:
            _replace_first_page(copy, Path(directory) / "fresh.db")
            found = _read(copy)
    return found or Salvage([], {}, 0, [])


def log_of(path: Path) -> Path:
    """Where SQLite keeps the log of a file."""
    return path.with_name(path.name + "-wal")


def has_damaged_log(path: Path) -> bool:
    """Whether the log of a file that nobody has open is other than it was written."""
    log = log_of(path)
    content = log.read_bytes() if log.exists() else b""
    return not content.startswith(mended(content))


def _read(path: Path) -> Salvage | None:
    """The salvage of a copy; None if SQLite does not take it for a spool at all."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA writable_schema = ON")  # reads on where the file was cut off
            connection.execute("SELECT 1 FROM records LIMIT 1").fetchall()
        except sqlite3.DatabaseError as error:
            if "malformed" not in str(error):
                return None
        found = dict(_rows(connection, path.stat().st_size // _LEAST))
        return _sorted_out(found, _losses(connection))


def _rows(connection: sqlite3.Connection, most: int) -> Iterator[tuple[int, Record | None]]:
    """Number and record of each that can be found; None for one that is there and cannot be read."""
    bounds = [0, _NO_END]
    for end, query in enumerate(_ENDS):
        while True:
            try:
                row = connection.execute(query, (bounds[end],)).fetchone()
            except sqlite3.DatabaseError:
                break
            if row is None or (end == 1 and row[0] <= bounds[0]):
                return
            if not bounds[0] < row[0] < bounds[1]:
                break  # a page that leads back to where we come from
            bounds[end] = row[0]
            yield row[0], Record(*row[1:])
    first, last = bounds
    is_bounded = last != _NO_END
    numbers = range(last - 1, max(first, last - most), -1) if is_bounded else range(first + 1, first + most)
    for number in numbers:
        try:
            row = connection.execute(_AT, (number,)).fetchone()
        except sqlite3.DatabaseError:
            if is_bounded and first:  # between two that are whole: it is there
                yield number, None
            continue
        if row is not None:
            yield number, Record(*row[1:])


def _losses(connection: sqlite3.Connection) -> dict[Instrument, Loss]:
    try:
        return read_losses(connection)
    except sqlite3.DatabaseError:
        return {}


def _sorted_out(rows: dict[int, Record | None], losses: dict[Instrument, Loss]) -> Salvage:
    whole: list[Record] = []
    gaps: list[GapRow] = []
    lost = 0
    before: list[TickRow] = []
    is_broken = False
    for number in sorted(rows):
        record = rows[number]
        try:
            ticks = decoded(record).ticks if record else None
        except DamagedRecord:
            ticks = None
        if record is None or ticks is None:
            lost += 1
            is_broken = True
            continue
        whole.append(record)
        if ticks and is_broken:
            gaps += _gaps_between(before, ticks)
            is_broken = False
        before = ticks or before
    if is_broken:
        gaps += _gaps_between(before, [])
    return Salvage(whole, losses, lost, gaps)


def _gaps_between(before: list[TickRow], after: list[TickRow]) -> list[GapRow]:
    """What may be missing between whole ticks. Whose it was cannot be read: of all instruments there."""
    if not before and not after:
        return []
    first = before[-1].ts if before else after[0].ts
    last = after[0].ts if after else before[-1].ts
    names = sorted({tick[:2] for tick in (*before, *after)})
    detail = "a spooled batch could not be read"
    return [
        GapRow(venue, symbol, "book", min(first, last), last, "crash", "no", 0, detail)
        for venue, symbol in names
    ]


def _replace_first_page(path: Path, fresh: Path) -> None:
    """Give a file with a damaged first page that of a new spool: it says where the tables begin."""
    with closing(Store(fresh, 10_000_000)):
        pass  # closed, its first page is in the file
    page = bytearray(fresh.read_bytes()[:_PAGE])
    page[92:96] = b"\xff\xff\xff\xff"  # so SQLite goes by the file's length instead of the page count here
    with path.open("r+b") as file:
        file.write(page)
