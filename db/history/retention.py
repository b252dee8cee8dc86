"""How long rows are kept that no partition takes away whole: deleted a few at a time, in nobody's way.

For 100 instruments a day of 1m candles takes 19 MB, one of 1m indicators 30 MB. Candles of higher intervals,
signals and paper trades are kept for ever, ticks for TICK_RETENTION_DAYS (`db/history/partitions.py`).
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine, text

from db.errors import StoreBusy
from db.history.columns import moment
from db.history.engine import postgres_errors
from market.intervals import DAY_MS

SMALL_MB = 2_000
"""A database that may not have as much keeps 1m candles for a shorter time."""
BATCH = 5_000
"""Rows that one statement deletes: some tens of ms."""
_LOCK = 7_113_306
"""Number of the advisory lock: one worker deletes at a time."""
_REST_S = 0.05
_STATEMENT_MS = 5_000
_LOCK_MS = 200


class Rule(NamedTuple):
    """Rows of `relation` whose `time` is more than `days` ago and that meet `condition` go.

    By instrument: the key begins with the instrument and the interval, and finds them however many there are.
    """

    relation: str
    time: str
    days: float
    condition: str = "true"
    is_by_instrument: bool = False


def rules(max_mb: int) -> list[Rule]:
    """What goes when, in a database that may have `max_mb`; 0: as much as it likes."""
    is_small = 0 < max_mb < SMALL_MB
    return [
        # The scoreboard compares with random minutes of thirty days, or of as many as there are.
        Rule("kline_rows", "open_time", 7 if is_small else 31, "interval = '1m'", is_by_instrument=True),
        Rule("indicator_rows", "open_time", 3, "interval = '1m'", is_by_instrument=True),
        Rule("outcome_rows", "open_time", 180),
        Rule("gap_rows", "started_at", 365, "ended_at IS NOT NULL"),
        Rule("feed_events", "ts", 30),
        Rule("dead_letters", "ts", 30),
    ]


class Expired(NamedTuple):
    """Rows that were deleted, and by which rule."""

    rule: Rule
    rows: int


def expire(
    engine: Engine, now_ms: int, chosen: Sequence[Rule], *, within_s: float = 20.0, batch: int = BATCH
) -> list[Expired]:
    """Delete what these rules let go, for so long at most; what is left waits for the next call.

    Relations that do not exist are passed over; one that is locked too. Raises StoreUnavailable.
    """
    end = time.monotonic() + within_s
    found: list[Expired] = []
    for rule in _existing(engine, chosen):
        rows = _apply(engine, rule, now_ms, end, batch)
        if rows:
            found.append(Expired(rule, rows))
    return found


def _existing(engine: Engine, chosen: Sequence[Rule]) -> list[Rule]:
    query = text("SELECT to_regclass(:relation) IS NOT NULL")
    with postgres_errors(), engine.connect() as connection:
        return [rule for rule in chosen if connection.scalar(query, {"relation": rule.relation})]


def _apply(engine: Engine, rule: Rule, now_ms: int, end: float, batch: int) -> int:
    before = moment(int(now_ms - rule.days * DAY_MS))
    total = 0
    while time.monotonic() < end:
        try:
            with postgres_errors(), engine.begin() as connection:
                rows = _delete_some(connection, rule, {"before": before, "most": batch})
        except StoreBusy:
            break
        total += rows
        if rows < batch:
            break
        time.sleep(_REST_S)
    return total


def _delete_some(connection: Connection, rule: Rule, values: dict[str, object]) -> int:
    connection.execute(text(f"SET LOCAL statement_timeout = {_STATEMENT_MS}"))
    connection.execute(text(f"SET LOCAL lock_timeout = {_LOCK_MS}"))
    if not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}):
        return 0
    return connection.execute(text(_statement(rule)), values).rowcount


def _statement(rule: Rule) -> str:
    chosen = f"SELECT ctid FROM {rule.relation} WHERE {rule.condition} AND {rule.time} < :before"
    if rule.is_by_instrument:
        chosen = (
            "SELECT old.ctid FROM instruments i CROSS JOIN LATERAL ("
            f"{chosen} AND instrument_id = i.id ORDER BY {rule.time} LIMIT :most) AS old"
        )
    return f"DELETE FROM {rule.relation} WHERE ctid = ANY (ARRAY({chosen} LIMIT :most))"
