"""The parameters of the read API, checked: each bad one is a BadValue that names it."""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from app.errors import BadValue

DEFAULT_LIMIT = 500
MOST = 5000
"""Rows of one reply, and points of one downsampled range."""
FIRST_MS = 0
LAST_MS = 4_102_444_800_000
"""2100-01-01: times beyond are mistakes, seconds or microseconds taken for milliseconds among them."""

_WHOLE = re.compile(r"-?[0-9]{1,18}")
_PLACE = re.compile(r"-?[0-9]{1,19}")
_BIGGEST = 2**63 - 1
"""What the database holds in an id."""
_TIME = "epoch ms or ISO-8601 with zone, between 1970 and 2100"
_EPOCH = datetime.fromtimestamp(0, UTC)


class Query(NamedTuple):
    """What is asked of one series. ``start`` and ``end`` bound [start, end); None is no bound."""

    start: int | None
    end: int | None
    limit: int
    cursor: tuple[int, ...] | None
    max_points: int | None
    is_csv: bool


def read_query(given: Mapping[str, str], *, cursor_length: int, least_points: int | None) -> Query:
    """The query in these parameters. Raises BadValue. `least_points`: None where rows are never thinned."""
    start, end = read_time("from", given.get("from")), read_time("to", given.get("to"))
    if start is not None and end is not None and start > end:
        raise BadValue("to", "a time that is not before from", given["to"])
    query = Query(
        start,
        end,
        read_whole("limit", given.get("limit"), 1, MOST) or DEFAULT_LIMIT,
        read_cursor(given.get("cursor"), cursor_length),
        None
        if least_points is None
        else read_whole("max_points", given.get("max_points"), least_points, MOST),
        one_of("format", given.get("format"), ("json", "csv")) == "csv",
    )
    if query.cursor and query.max_points:
        raise BadValue("cursor", "no cursor beside max_points, which covers the whole range", given["cursor"])
    return query


def one_of(field: str, value: str | None, allowed: Sequence[str]) -> str:
    """The value if it is allowed, the first one allowed if there is none."""
    if not value:
        return allowed[0]
    if value not in allowed:
        raise BadValue(field, f"one of {', '.join(allowed)}", value)
    return value


def read_time(field: str, value: str | None) -> int | None:
    """Epoch ms of a time that a person or a program wrote; None if there is none."""
    if not value:
        return None
    found = int(value) if _WHOLE.fullmatch(value) else _iso_ms(field, value)
    if not FIRST_MS <= found <= LAST_MS:
        raise BadValue(field, _TIME, value)
    return found


def _iso_ms(field: str, value: str) -> int:
    # In an address "+" means a space; nobody writes one before a zone.
    text = value.replace(" ", "+") if re.search(r" \d\d:?\d\d$", value) and "T" in value else value
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadValue(field, _TIME, value) from None
    if moment.tzinfo is None:
        raise BadValue(field, _TIME, value)
    # Rounded up, as [from, to) of finer times would have it.
    return -((_EPOCH - moment) // timedelta(milliseconds=1))


def read_whole(field: str, value: str | None, least: int, most: int) -> int | None:
    """A whole number within bounds; None if there is none."""
    if not value:
        return None
    if not _WHOLE.fullmatch(value) or not least <= int(value) <= most:
        raise BadValue(field, f"a whole number from {least} to {most}", value)
    return int(value)


def write_cursor(place: Sequence[int] | None) -> str | None:
    """Where a page ended, as a word without meaning to others."""
    if place is None:
        return None
    text = ".".join(str(number) for number in place)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(value: str | None, length: int) -> tuple[int, ...] | None:
    """The numbers of a cursor; None if there is none."""
    if not value:
        return None
    try:
        text = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    parts = text.split(".")
    if len(parts) != length or not all(map(_PLACE.fullmatch, parts)) or not _is_place(parts):
        raise BadValue("cursor", "the next_cursor of the page before", value)
    return tuple(int(part) for part in parts)


def _is_place(parts: Sequence[str]) -> bool:
    """Whether a cursor can be this: a time in ms alone, or one in microseconds and an id."""
    time, *ids = map(int, parts)
    is_time = 0 <= time <= LAST_MS * (1 if len(parts) == 1 else 1000)
    return is_time and all(-_BIGGEST <= number <= _BIGGEST for number in ids)
