"""A page of stored rows, as JSON and as CSV: what every history endpoint of `/api` answers with."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from typing import Any, NamedTuple

import msgspec

from app.api_query import Query
from market.decimals import plain, plain_json

_LINES_PER_PIECE = 500
_encode = msgspec.json.Encoder().encode

Row = tuple[Any, ...]


class Span(NamedTuple):
    """The time that rows tell about: [start, end), epoch ms; without an end, all that came since."""

    start: int
    end: int | None


class Page(NamedTuple):
    """Rows in the order of `columns`, times in epoch ms; `next_cursor` is None where nothing follows."""

    columns: Sequence[str]
    rows: list[Row]
    next_cursor: str | None
    span: Span


class Gaps(NamedTuple):
    """Known gaps inside a page's span, as JSON has them; `has_more` where they are not all."""

    rows: Sequence[dict[str, object]] = ()
    has_more: bool = False


def span_of(query: Query, since: int | None, rows: tuple[int, int] | None, *, has_more: bool) -> Span:
    """What a page tells about: from `since` or its first row on, to its last row or where the query ends.

    `rows`: the time of the first row and the one just behind the last; None without rows.
    """
    if since is None:
        since = rows[0] if rows else 0
    return Span(since, rows[1] if rows and has_more else query.end)


def as_json(page: Page, gaps: Gaps, now: int) -> bytes:
    """The body of a JSON reply; every number plain."""
    rows = [dict(zip(page.columns, row, strict=True)) for row in page.rows]
    body = {"now": now, "rows": rows, "next_cursor": page.next_cursor, "gaps": gaps.rows}
    return json_bytes(body | {"more_gaps": True} if gaps.has_more else body)


def json_bytes(content: object) -> bytes:
    """Compact JSON without exponents: 0.0000001, not 1e-7."""
    return plain_json(_encode(content).decode()).encode()


def as_csv(page: Page) -> Iterator[str]:
    """A CSV in pieces: a header row, then the rows; quotes only where a text needs them."""
    yield _lines([page.columns])
    for begin in range(0, len(page.rows), _LINES_PER_PIECE):
        yield _lines([_cell(value) for value in row] for row in page.rows[begin : begin + _LINES_PER_PIECE])


def _lines(rows: Iterable[Sequence[str]]) -> str:
    piece = StringIO()
    csv.writer(piece, lineterminator="\r\n").writerows(rows)
    return piece.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json_bytes(value).decode()
    return plain(value) if isinstance(value, int | float | None) else str(value)
