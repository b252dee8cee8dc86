"""HISTORY_MAX_MB: ticks are kept for less time where the database would outgrow it. Nothing else is touched.

The oldest partitions are dropped whole. Where the one that is being written is too large by itself, its
oldest quarter is deleted: that gives no room back to the disk, but to the rows that come next. How many rows
its files hold is noted in a comment on it, so every worker knows what is free in them.
"""

import re
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from db.history.columns import moment, ms_of
from db.history.engine import postgres_errors
from db.history.partitions import SPAN_MS, drop, name_of, starts

_LOCK = 7_113_304
"""Number of the advisory lock: one worker deletes at a time."""
_MB = 1_000_000
_REST_MS = 15 * 60_000
"""A partition that ended less than this ago stays, unless the database is far beyond the limit: the last ten
minutes are looked at.
"""
_FAR = 1.1
_QUARTER = 0.25
_PAGES = 1_000
"""One statement looks through so much of a table: 8 MB, below a tenth of a second."""
_SAMPLE = 2_000
"""Pages on which rows are counted: some 15 ms, right to a few percent."""
_HELD = re.compile(r"holds (\d+) rows in (\d+) bytes")


class Shortened(NamedTuple):
    """Ticks before epoch ms `until` are gone; `detail` says it to people."""

    until: int
    detail: str


class Guarded(NamedTuple):
    """Bytes of the database that are in use now, and what went for that."""

    used_bytes: int
    shortened: list[Shortened]


class _Open(NamedTuple):
    """The partition that is being written: its tables, their bytes, and how many rows once filled how many.

    Both are 0 where nothing was deleted yet.
    """

    leaves: list[str]
    size: int
    room: int
    noted_size: int


def shrink(engine: Engine, now_ms: int, max_mb: int) -> Guarded:
    """Drop or delete the oldest ticks until the database uses `max_mb` (of 1,000,000 bytes) or less.

    At most a quarter of the newest partition goes in one call, the ones before it whole. 0: no limit.
    Safe beside other workers. Raises StoreUnavailable.
    """
    shortened: list[Shortened] = []
    with postgres_errors():
        begun = [start for start in starts(engine) if start <= now_ms]
        used = _used(engine, begun)
        limit = max_mb * _MB or used
        for start in begun[:-1]:
            if used <= limit or not _may_go(start, now_ms, used / limit):
                return Guarded(used, shortened)
            detail = _say(start + SPAN_MS, used, max_mb)
            if drop(engine, start, detail) is not None:
                shortened.append(Shortened(start + SPAN_MS, detail))
            used = _used(engine, begun)
        if used > limit and begun:
            until = _trim(engine, begun[-1], now_ms)
            if until is not None:
                shortened.append(Shortened(until, _say(until, used, max_mb)))
                used = _used(engine, begun)
    return Guarded(used, shortened)


def _may_go(start: int, now_ms: int, share: float) -> bool:
    return start + SPAN_MS + _REST_MS <= now_ms or share > _FAR


def _say(until: int, used: int, max_mb: int) -> str:
    moment_ = f"{moment(until):%Y-%m-%d %H:%M:%S} UTC"
    return f"ticks before {moment_} are dropped: the database uses {used / _MB:.1f} MB, {max_mb} are allowed"


def _used(engine: Engine, begun: list[int]) -> int:
    """Bytes of the database without what is known to be free in the newest partition's files."""
    with engine.connect() as connection:
        size = int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
        return size - (_free(connection, begun[-1]) if begun else 0)


def _free(connection: Connection, start: int) -> int:
    """Bytes that deleted rows have left and new ones have not taken yet."""
    partition = _look(connection, start)
    if not partition.room:
        return 0
    missing = partition.room - sum(_rows(connection, leaf) for leaf in partition.leaves)
    return int(max(0.0, missing) * partition.noted_size / partition.room)


def _rows(connection: Connection, leaf: str) -> float:
    """How many, counted on some of the pages: what Postgres has in its statistics is wrong after a sweep."""
    percent = min(100.0, 100.0 * _SAMPLE / max(1, _pages(connection, leaf)))
    query = text(f"SELECT count(*) FROM {leaf} TABLESAMPLE SYSTEM ({percent:.6f})")
    return int(connection.scalar(query) or 0) * 100.0 / percent


def _pages(connection: Connection, leaf: str) -> int:
    size = text("SELECT pg_relation_size(to_regclass(:leaf)) / current_setting('block_size')::int")
    return int(connection.scalar(size, {"leaf": leaf}) or 0)


_LOOK = text("""
SELECT coalesce(array_agg(p.relid::regclass::text), '{}'),
       coalesce(sum(pg_total_relation_size(p.relid)), 0)::bigint,
       obj_description(to_regclass(:name), 'pg_class')
FROM pg_partition_tree(to_regclass(:name)) p WHERE p.isleaf AND p.relid <> to_regclass(:name)
""")


def _look(connection: Connection, start: int) -> _Open:
    leaves, size, comment = connection.execute(_LOOK, {"name": name_of(start)}).one()
    noted = _HELD.fullmatch(comment or "")
    return _Open(leaves, size, int(noted[1]) if noted else 0, int(noted[2]) if noted else 0)


def _trim(engine: Engine, start: int, now_ms: int) -> int | None:
    """Delete the oldest quarter of a partition; the first epoch ms that is left, None if others are at it."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            return None
        try:
            return _delete_quarter(connection, start, now_ms)
        finally:
            if not connection.invalidated:
                connection.execute(text("SELECT pg_advisory_unlock_all()"))


def _delete_quarter(connection: Connection, start: int, now_ms: int) -> int | None:
    partition, name = _look(connection, start), name_of(start)
    rows, first = connection.execute(text(f"SELECT count(*), min(ts) FROM {name}")).one()
    if not rows:
        return None
    oldest = ms_of(first)
    last = min(now_ms, start + SPAN_MS)
    until = oldest + max(1, int((last - oldest) * _QUARTER))
    for leaf in partition.leaves:
        _delete_before(connection, leaf, until)
        connection.execute(text(f"VACUUM (TRUNCATE false) {leaf}"))
    if partition.size > partition.noted_size:  # otherwise its files were not full, and hold what they held
        connection.execute(text(f"COMMENT ON TABLE {name} IS 'holds {rows} rows in {partition.size} bytes'"))
    return until


def _delete_before(connection: Connection, leaf: str, until: int) -> None:
    delete = text(
        f"DELETE FROM {leaf} WHERE ts < :until AND ctid >= CAST(:first AS tid) AND ctid < CAST(:end AS tid)"
    )
    for page in range(0, _pages(connection, leaf), _PAGES):
        span = {"first": f"({page},0)", "end": f"({page + _PAGES},0)"}
        connection.execute(delete, span | {"until": moment(until)})
