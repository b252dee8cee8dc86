"""What is asked of the ledger of gaps, and when each instrument of a venue was last heard of."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, func, literal, literal_column, or_, select, text, tuple_

from db.history.columns import moment, moment_of_us, ms, us
from db.rows import GapRow
from db.schema import gaps

_G = gaps.c
_GAP = (
    _G.venue, _G.symbol, _G.channel, ms(_G.started_at), ms(_G.ended_at), _G.cause, _G.repaired,
    _G.rows_recovered, _G.detail,
)  # fmt: skip
_ORDER = (_G.started_at, _G.id)
_ended = func.coalesce(_G.ended_at, literal_column("timestamptz 'infinity'"))
"""As the index of `gap_rows` has it."""


class GapPlace(NamedTuple):
    """Where one page of gaps ends: epoch microseconds of its last row's start, and that row's id."""

    us: int
    id: int


class StoredGap(NamedTuple):
    """A gap and its number in the ledger."""

    id: int
    row: GapRow


class GapPage(NamedTuple):
    """Some gaps, ascending by start and id, and where they end; None if there are no more."""

    rows: list[StoredGap]
    end: GapPlace | None


class GapFilter(NamedTuple):
    """Which gaps are asked for; what is None or empty leaves out none.

    `start` and `end` bound [start, end), epoch ms. A gap overlaps it that starts before `end` and lasts
    beyond `start`; one that took no time overlaps where it is.
    """

    venue: str | None = None
    symbol: str | None = None
    channels: Sequence[str] = ()
    start: int | None = None
    end: int | None = None


def open_gaps(connection: Connection, venue: str) -> list[GapRow]:
    """See `HistoryReader.open_gaps`."""
    query = select(*_GAP).where(_G.venue == venue, _G.ended_at.is_(None)).order_by(*_ORDER)
    return [GapRow(*row) for row in connection.execute(query)]


def unrepaired_gaps(connection: Connection, venue: str, since: int) -> list[GapRow]:
    """See `HistoryReader.unrepaired_gaps`."""
    query = select(*_GAP).where(
        _G.venue == venue, _G.started_at >= moment(since), _G.channel == "kline", _G.repaired == "no",
        _G.ended_at.is_not(None),
    )  # fmt: skip
    return [GapRow(*row) for row in connection.execute(query.order_by(*_ORDER))]


def page(connection: Connection, wanted: GapFilter, after: GapPlace | None, limit: int) -> GapPage:
    """See `HistoryReader.gaps`."""
    query = select(us(_G.started_at), _G.id, *_GAP).where(*_conditions(wanted))
    if wanted.start is None and after is None:
        query = query.order_by(*(c.desc() for c in _ORDER)).limit(limit)
        return GapPage([_stored(row) for row in connection.execute(query)][::-1], None)
    if after is not None:
        place = tuple_(literal(moment_of_us(after.us)), literal(after.id))
        query = query.where(tuple_(*_ORDER) > place)
    found = connection.execute(query.order_by(*_ORDER).limit(limit + 1)).all()
    end = GapPlace(*found[limit - 1][:2]) if len(found) > limit else None
    return GapPage([_stored(row) for row in found[:limit]], end)


def _stored(row: Sequence[Any]) -> StoredGap:
    return StoredGap(row[1], GapRow(*row[2:]))


def _conditions(wanted: GapFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.venue is not None:
        found.append(_G.venue == wanted.venue)
    if wanted.symbol is not None:
        found.append(_G.symbol == wanted.symbol)
    if wanted.channels:
        found.append(_G.channel.in_(wanted.channels))
    if wanted.end is not None:
        found.append(_G.started_at < moment(wanted.end))
    if wanted.start is not None:
        start = moment(wanted.start)
        # The second is the whole truth; the first, which follows from it, is what an index can answer.
        found += [_ended >= start, or_(_ended > start, _G.started_at >= start)]
    return found


def last_seen(connection: Connection, venue: str, before: int) -> dict[str, int]:
    """See `HistoryReader.last_seen`."""
    chosen = {"venue": venue, "before": moment(before)}
    return {row[0]: row[1] for row in connection.execute(_LAST_SEEN, chosen)}


_LAST_SEEN = text("""
SELECT symbol, (date_part('epoch', seen) * 1000)::bigint FROM (
    SELECT i.symbol, greatest(t.event_time, newest.ts) AS seen
    FROM instruments i LEFT JOIN ticker_rows t ON t.instrument_id = i.id AND t.event_time < :before
    LEFT JOIN LATERAL (
        SELECT ts FROM tick_rows
        WHERE venue = :venue AND symbol = i.symbol
          AND ts > coalesce(t.event_time, '-infinity') AND ts < :before
        ORDER BY ts DESC LIMIT 1
    ) AS newest ON true
    WHERE i.venue = :venue
) AS signs WHERE seen IS NOT NULL
""")
"""Only ticks newer than the ticker matter, which leaves out all partitions but the last ones."""
