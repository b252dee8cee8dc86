"""Where ticks live: a partition per four hours UTC, in it one per venue, made before they are needed.

`tick_rows_20261120_20` holds 20:00 to 24:00 of that day, `tick_rows_20261120_20_sim_bybit` the part of one
venue. Old partitions are dropped whole, which frees their space at once.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from db.history.engine import postgres_errors

SPAN_MS = 4 * 3_600_000
AHEAD = 2
"""How many partitions after the current one are kept ready."""
_LOCK = 7_113_307
"""Number of the advisory lock under which partitions are made and dropped."""
_PARENT = "tick_rows"
_NAME = re.compile(rf"{_PARENT}_(\d{{8}}_\d\d)")
_LOCK_MS = 200
"""So long one that is made or dropped waits for others: whoever comes meanwhile waits behind it."""


class Slot(NamedTuple):
    """The partition of one venue: `start` is its first epoch ms, a multiple of SPAN_MS."""

    start: int
    venue: str


class Dropped(NamedTuple):
    """A partition that was dropped, with all its venues: its name, its first epoch ms, and why."""

    name: str
    start: int
    reason: str


def slot_of(ts: int, venue: str) -> Slot:
    """The slot that holds epoch ms `ts`."""
    return Slot(ts - ts % SPAN_MS, venue)


def start_of(name: str) -> int:
    """First epoch ms of a partition, or of a venue's part of it, by its name."""
    if not (found := _NAME.match(name)):
        raise ValueError(f"expected the name of a partition of {_PARENT}, found {name}")
    return int(datetime.strptime(found[1], "%Y%m%d_%H").replace(tzinfo=UTC).timestamp()) * 1000


def ensure(engine: Engine, slots: Iterable[Slot]) -> None:
    """Make the partitions that are missing. Safe beside other workers. Raises StoreUnavailable."""
    with postgres_errors():
        for slot in sorted(set(slots)):
            with engine.begin() as connection:
                _lock(connection)
                connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MS}"))
                _ensure(connection, slot)


def ensure_ahead(engine: Engine, now_ms: int, venues: Sequence[str]) -> list[Slot]:
    """Make the current partition and the next ones; returns their slots. Raises StoreUnavailable."""
    slots = [slot_of(now_ms + n * SPAN_MS, venue) for n in range(AHEAD + 1) for venue in venues]
    ensure(engine, slots)
    return slots


def drop_expired(engine: Engine, now_ms: int, retention_days: float) -> list[Dropped]:
    """Drop partitions that ended more than `retention_days` ago; 0 keeps all. Raises StoreUnavailable."""
    if not retention_days:
        return []
    with postgres_errors():
        ended_before = now_ms - retention_days * 86_400_000
        old = [start for start in starts(engine) if start + SPAN_MS <= ended_before]
        dropped = [drop(engine, start, f"older than {retention_days:g} days") for start in old]
        return [partition for partition in dropped if partition is not None]


def _ensure(connection: Connection, slot: Slot) -> None:
    """Make a table and then attach it: unlike CREATE … PARTITION OF, that lets readers and writers go on."""
    range_name, leaf_name = name_of(slot.start), _leaf_name(slot)
    if not _exists(connection, range_name):
        connection.execute(text(f"CREATE TABLE {range_name} (LIKE {_PARENT}) PARTITION BY LIST (venue)"))
        connection.execute(
            text(f"ALTER TABLE {_PARENT} ATTACH PARTITION {range_name} FOR VALUES FROM (:first) TO (:end)"),
            {"first": _moment(slot.start), "end": _moment(slot.start + SPAN_MS)},
        )
    if not _exists(connection, leaf_name):
        connection.execute(text(f"CREATE TABLE {leaf_name} (LIKE {_PARENT})"))
        connection.execute(
            text(f"CREATE UNIQUE INDEX {leaf_name}_key ON {leaf_name} (symbol, ts, update_id)")
        )
        connection.execute(
            text(f"ALTER TABLE {range_name} ATTACH PARTITION {leaf_name} FOR VALUES IN (:venue)"),
            {"venue": slot.venue},
        )


def drop(engine: Engine, start: int, reason: str) -> Dropped | None:
    """Drop a partition with all its venues; None if another worker has.

    Raises the driver's errors: one that is in use stays.
    """
    name = name_of(start)
    with engine.begin() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MS}"))
        _lock(connection)
        if not _exists(connection, name):
            return None
        connection.execute(text(f"DROP TABLE {name}"))
    return Dropped(name, start, reason)


def starts(engine: Engine) -> list[int]:
    """First epoch ms of every partition, ascending."""
    query = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(:parent)")
    with engine.connect() as connection:
        names = connection.scalars(query, {"parent": _PARENT}).all()
    return sorted(start_of(name) for name in names)


def _lock(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def _exists(connection: Connection, name: str) -> bool:
    return connection.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is not None


def name_of(start: int) -> str:
    """Name of the partition that begins at epoch ms `start`."""
    return f"{_PARENT}_{_moment(start):%Y%m%d_%H}"


def _leaf_name(slot: Slot) -> str:
    return f"{name_of(slot.start)}_{slot.venue.replace('-', '_')}"


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
