"""Gives back the room that the indexes of finished tick partitions waste.

Ticks arrive at the end of each symbol's stretch, in the middle of the index, and leave its pages half empty:
measured, 77 bytes a row of index as they come and 42 once it is built anew, with 102 of table.
"""

from sqlalchemy import Connection, Engine, text

from db.history.engine import postgres_errors
from db.history.partitions import SPAN_MS, start_of

_LOCK = 7_113_303
"""Number of the advisory lock: one worker packs at a time."""
_REST_MS = 15 * 60_000
"""A partition is packed this long after its end, when late rows have come."""
_PACKED = "packed"

_UNPACKED = text("""
SELECT relid::regclass::text FROM pg_partition_tree('tick_rows')
WHERE isleaf AND obj_description(relid, 'pg_class') IS DISTINCT FROM :packed ORDER BY 1
""")
_LEFT_OVER = text("""
SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = to_regclass(:leaf) AND NOT indisvalid
""")


def pack(engine: Engine, now_ms: int, *, timeout_s: float = 60) -> str | None:
    """Rebuild the index of the oldest finished partition that was not packed yet; returns its name, or None.

    Others go on meanwhile. About a second per million rows: not for a thread that data waits for.
    Raises StoreUnavailable, after `timeout_s` too; calling again begins anew.
    """
    with (
        postgres_errors(),
        engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
    ):
        try:
            return _pack_oldest(connection, now_ms, timeout_s)
        finally:
            if not connection.invalidated:
                connection.execute(text("SELECT pg_advisory_unlock_all()"))
                connection.execute(text("RESET statement_timeout"))


def _pack_oldest(connection: Connection, now_ms: int, timeout_s: float) -> str | None:
    limit = {"limit": f"{timeout_s:.0f}s"}
    connection.execute(text("SELECT set_config('statement_timeout', :limit, false)"), limit)
    if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
        return None
    for leaf in connection.scalars(_UNPACKED, {"packed": _PACKED}).all():
        if start_of(leaf) + SPAN_MS + _REST_MS > now_ms:
            continue
        for index in connection.scalars(_LEFT_OVER, {"leaf": leaf}).all():
            connection.execute(text(f"DROP INDEX {index}"))
        connection.execute(text(f"REINDEX TABLE CONCURRENTLY {leaf}"))
        connection.execute(text(f"COMMENT ON TABLE {leaf} IS '{_PACKED}'"))
        return str(leaf)
    return None
