"""How the history itself is doing: versions, the oldest tick, the ledger as incidents, a span in cells.

All of it costs the same however much is stored: a page asks again and again.
"""

from typing import NamedTuple

from sqlalchemy import Engine, TextClause, text

from db.history.columns import moment, ms_of
from db.history.engine import postgres_errors
from db.history.partitions import SPAN_MS, starts
from db.migrate import schema_version

_NEWEST_GAPS = 20_000
"""Rows of the ledger that incidents are made of."""
_PARTITIONS = 4
"""Partitions that may be empty before the one with the oldest tick."""


class Cells(NamedTuple):
    """A span in equal parts: from epoch ms `start` on, `length` of `step_ms` each."""

    start: int
    step_ms: int
    length: int

    @property
    def end(self) -> int:
        """The first epoch ms behind it."""
        return self.start + self.length * self.step_ms


class GapCell(NamedTuple):
    """The gaps of a channel that overlap one cell, or the whole span where `cell` is None.

    `open` of them last, `whole` were repaired; `repaired`: that of the worst of them. `causes`: by alphabet.
    """

    venue: str
    channel: str
    cell: int | None
    instruments: int
    gaps: int
    open: int
    whole: int
    repaired: str
    causes: list[str]


class EventCell(NamedTuple):
    """How often something happened to a feed in one cell."""

    venue: str
    event: str
    cell: int
    times: int


class Incident(NamedTuple):
    """Gaps of one venue and cause that overlap one another: what one fault took, over all instruments.

    Times are epoch ms, `ended_at` None while one of them lasts. `symbol` and `detail` are those of one of
    them; `open`, `whole` and `partly` count those that last and those that were repaired.
    """

    venue: str
    cause: str
    started_at: int
    ended_at: int | None
    channels: list[str]
    instruments: int
    symbol: str
    gaps: int
    open: int
    whole: int
    partly: int
    rows_recovered: int
    detail: str


class StatusReader:
    """Reads, on a reading engine. Every method raises StoreUnavailable."""

    _engine: Engine

    def schema_version(self) -> str | None:
        """The version of the schema, like "0006"; None where there is none."""
        return schema_version(self._engine)

    def server_version(self) -> str:
        """The version of the database server, like "16.4"."""
        with postgres_errors(), self._engine.connect() as connection:
            return str(connection.scalar(text("SHOW server_version"))).partition(" ")[0]

    def oldest_tick(self) -> int | None:
        """Epoch ms of the oldest tick stored, None if there is none."""
        with postgres_errors():
            for start in starts(self._engine)[:_PARTITIONS]:
                span = {"start": moment(start), "end": moment(start + SPAN_MS)}
                with self._engine.connect() as connection:
                    found = connection.scalar(_OLDEST, span)
                if found is not None:
                    return ms_of(found)
        return None

    def gap_cells(self, cells: Cells) -> list[GapCell]:
        """The gaps that overlap a span, by venue, channel and cell; also for the whole of it."""
        with postgres_errors(), self._engine.connect() as connection:
            return [GapCell(*row) for row in connection.execute(_GAP_CELLS, _span(cells))]

    def event_cells(self, cells: Cells) -> list[EventCell]:
        """What happened to each feed in a span, by event and cell."""
        with postgres_errors(), self._engine.connect() as connection:
            return [EventCell(*row) for row in connection.execute(_EVENT_CELLS, _span(cells))]

    def incidents(self, limit: int = 50) -> list[Incident]:
        """What the newest gaps of the ledger were, newest first."""
        with postgres_errors(), self._engine.connect() as connection:
            found = connection.execute(_INCIDENTS, {"most": _NEWEST_GAPS, "limit": limit})
            return [Incident(*row) for row in found]


def _span(cells: Cells) -> dict[str, object]:
    start, end = moment(cells.start), moment(cells.end)
    return {"start": start, "end": end, "step": cells.step_ms / 1000, "last": cells.length - 1}


def _ms(column: str) -> str:
    return f"(date_part('epoch', {column}) * 1000)::bigint"


_OLDEST: TextClause = text("""
SELECT min(first.ts) FROM instruments i CROSS JOIN LATERAL (
    SELECT ts FROM tick_rows
    WHERE venue = i.venue AND symbol = i.symbol AND ts >= :start AND ts < :end
    ORDER BY ts LIMIT 1
) AS first
""")
"""An index gives each instrument's first tick; ticks alone have no index on the time."""

_GAP_CELLS: TextClause = text("""
WITH chosen AS (
    SELECT id, venue, symbol, channel, started_at, ended_at, cause, repaired FROM gap_rows
    WHERE started_at >= :start AND started_at < :end
    UNION ALL
    SELECT g.id, g.venue, g.symbol, g.channel, g.started_at, g.ended_at, g.cause, g.repaired
    FROM instruments i JOIN gap_rows g ON g.venue = i.venue AND g.symbol = i.symbol
    WHERE coalesce(g.ended_at, timestamptz 'infinity') >= :start AND g.started_at < :start
)
SELECT venue, channel, cell, count(DISTINCT symbol), count(DISTINCT id),
       count(DISTINCT id) FILTER (WHERE ended_at IS NULL),
       count(DISTINCT id) FILTER (WHERE repaired = 'yes'), min(repaired), array_agg(DISTINCT cause)
FROM chosen CROSS JOIN LATERAL generate_series(
    greatest(0, floor(date_part('epoch', started_at - :start) / :step)::int),
    least(:last, floor(date_part('epoch', coalesce(ended_at, :end) - :start) / :step)::int)
) AS cell
GROUP BY GROUPING SETS ((venue, channel, cell), (venue, channel))
ORDER BY venue, channel, cell
""")
"""What began earlier and reaches into the span is found by instrument: the index of ends begins with that."""

_EVENT_CELLS: TextClause = text("""
SELECT venue, event, floor(date_part('epoch', ts - :start) / :step)::int AS cell, count(*)
FROM feed_events WHERE ts >= :start AND ts < :end AND venue <> ''
GROUP BY venue, event, cell ORDER BY venue, event, cell
""")

_INCIDENTS: TextClause = text(f"""
WITH newest AS (
    SELECT * FROM gap_rows ORDER BY started_at DESC, id DESC LIMIT :most
), marked AS (
    SELECT *, started_at > max(coalesce(ended_at, started_at + interval '1 minute')) OVER (
        PARTITION BY venue, cause ORDER BY started_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) + interval '1 second' AS begins
    FROM newest
), numbered AS (
    SELECT *, count(*) FILTER (WHERE begins) OVER (
        PARTITION BY venue, cause ORDER BY started_at, id
    ) AS number
    FROM marked
)
SELECT venue, cause, {_ms("min(started_at)")},
       CASE WHEN count(*) = count(ended_at) THEN {_ms("max(ended_at)")} END,
       array_agg(DISTINCT channel), count(DISTINCT symbol), min(symbol), count(*),
       count(*) - count(ended_at), count(*) FILTER (WHERE repaired = 'yes'),
       count(*) FILTER (WHERE repaired = 'partly'), sum(rows_recovered)::bigint, max(detail)
FROM numbered GROUP BY venue, cause, number ORDER BY min(started_at) DESC, venue, cause LIMIT :limit
""")
"""One that lasts takes in what begins within its first minute: until it ends nobody knows how long it is."""
