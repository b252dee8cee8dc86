"""What `/api/gaps` answers, and what the other histories say of the gaps inside them."""

from collections.abc import Sequence

from app.api_page import Gaps, Page, Span, json_bytes
from app.api_query import Query, write_cursor
from app.ports import History
from db.history.ledger import GapFilter, GapPage, GapPlace
from db.rows import GapRow

GAP_COLUMNS = ("id", *GapRow._fields)
MOST_GAPS = 500
"""Gaps told beside the rows of another history."""
MOST_IN_HEADER = 40
"""Gaps in the header of a CSV: proxies refuse headers of more than some kilobytes."""
NO_GAPS = Gaps()

TOLD_COLUMNS = tuple(name for name in GapRow._fields if name not in ("venue", "symbol"))
_IN_HEADER = ("channel", "started_at", "ended_at", "cause", "repaired")


def gap_page(history: History, venue: str, symbol: str, channel: str, query: Query) -> Page:
    """The ledger's rows that overlap the range; an empty name leaves out none. Raises StoreUnavailable."""
    wanted = GapFilter(venue or None, symbol or None, (channel,) if channel else (), query.start, query.end)
    after = GapPlace(*query.cursor) if query.cursor else None
    found, end = history.gaps(wanted, after=after, limit=query.limit)
    rows = [(gap.id, *gap.row) for gap in found]
    return Page(GAP_COLUMNS, rows, write_cursor(end), Span(query.start or 0, query.end))


def gaps_of(history: History, venue: str, symbol: str, channels: Sequence[str], span: Span) -> Gaps:
    """The gaps of one instrument that overlap a span, the first MOST_GAPS. Raises StoreUnavailable."""
    wanted = GapFilter(venue, symbol, channels, span.start, span.end)
    return told_gaps(history.gaps(wanted, limit=MOST_GAPS))


def told_gaps(page: GapPage) -> Gaps:
    """Gaps as they are told beside the rows of another history."""
    found, end = page
    return Gaps([{name: getattr(gap.row, name) for name in TOLD_COLUMNS} for gap in found], end is not None)


def gaps_header(gaps: Gaps) -> str:
    """`X-Gaps`: a JSON array of [channel, started_at, ended_at, cause, repaired].

    `ended_at` is null while a gap lasts. The last element is "more" where these are not all.
    """
    told: list[object] = [[gap[name] for name in _IN_HEADER] for gap in gaps.rows[:MOST_IN_HEADER]]
    is_cut = gaps.has_more or len(gaps.rows) > MOST_IN_HEADER
    return json_bytes([*told, "more"] if is_cut else told).decode()
