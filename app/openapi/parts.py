"""What paths of the description are made of: parameters, replies, errors."""

from typing import NamedTuple

from app.api_query import DEFAULT_LIMIT, MOST
from app.openapi.fields import Schema
from db.rows import CHANNELS
from market.intervals import BOOK, INTERVAL_MS

_TIME = {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "string", "format": "date-time"}]}


class Example(NamedTuple):
    """An instrument to try things with."""

    venue: str
    symbol: str


def _parameter(name: str, words: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": words, "schema": schema}


def _list(name: str, words: str, item: Schema) -> Schema:
    return _parameter(name, words, {"type": "array", "items": item}) | {"style": "form", "explode": False}


_TEXT: Schema = {"type": "string"}

PARAMETERS: dict[str, Schema] = {
    "venue": _parameter("venue", "The exchange", _TEXT),
    "symbol": _parameter("symbol", "The venue's spelling", _TEXT),
    "interval": _parameter("interval", "Of candles", {"type": "string", "enum": list(INTERVAL_MS)}),
    "series": _parameter(
        "interval", "Of candles; `book`: of the book", {"type": "string", "enum": [*INTERVAL_MS, BOOK]}
    ),
    "rule": _parameter("rule", "Of signals", _TEXT),
    "channel": _parameter("channel", "What has the gap", {"type": "string", "enum": list(CHANNELS)}),
    "from": _parameter("from", "Begin of [from, to): epoch ms or ISO-8601 with zone; else the newest", _TIME),
    "to": _parameter("to", "End of [from, to)", _TIME),
    "limit": _parameter(
        "limit", "Most rows", {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}
    ),
    "cursor": _parameter("cursor", "`next_cursor` of the page before; all else as there", _TEXT),
    "max_points": _parameter(
        "max_points",
        "Thin the whole range to so many rows at most; not beside `cursor`",
        {"type": "integer", "minimum": 1, "maximum": MOST},
    ),
    "format": _parameter("format", "CSV has a header row and the same ms",
                         {"type": "string", "enum": ["json", "csv"], "default": "json"}),
    "last_event_id": _parameter("last_event_id", "Of the event that was got last", _TEXT),
    "symbols": _list("symbols", "Of all venues; without it all", _TEXT),
    "venues": _list("venues", "Without it all", _TEXT),
    "kinds": _list(
        "kinds",
        "`market` or `change`: a snapshot, then changes. `reset` comes in any case. Without it all",
        {"type": "string", "enum": ["market", "change", "signal", "gap", "feed", "candle", "reset"]},
    ),
}  # fmt: skip

ERROR: Schema = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "field"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "field": {"type": ["string", "null"], "description": "The parameter that is wrong"},
            },
        }
    },
}
_RETRY = {"Retry-After": {"description": "Seconds", "schema": {"type": "integer"}}}
_ERRORS = {
    "400": ("A value cannot be used; `field` names it", {}),
    "401": ("`LOGIN_USERS` is set, and this is no name and password of them", {}),
    "403": ("Not for whoever asks", {}),
    "404": ("There is no such thing; `field` names it", {}),
    "426": ("This path is for WebSockets", {}),
    "429": ("Too many requests, or too many streams, from this address", _RETRY),
    "503": ("A store does not answer", _RETRY),
}


def parameters(*names: str) -> list[Schema]:
    """References to parameters that may be given."""
    return [ref("parameters", name) for name in names]


def instrument(example: Example, place: str) -> list[Schema]:
    """Venue and symbol where both must be given: in the `query` or in the `path`."""
    return [
        PARAMETERS[name] | {"in": place, "required": True, "example": value}
        for name, value in example._asdict().items()
    ]


def ref(kind: str, name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def json_reply(words: str, schema: Schema) -> Schema:
    """A reply of 200."""
    return {"description": words, "content": {"application/json": {"schema": schema}}}


def replies(good: Schema, *errors: int) -> Schema:
    """All replies of a path: a good one, and these errors."""
    return {"200": good} | {str(code): ref("responses", str(code)) for code in (*errors, 401)}


def error_responses() -> Schema:
    """The components for `replies`."""
    return {
        code: json_reply(words, ref("schemas", "Error")) | ({"headers": headers} if headers else {})
        for code, (words, headers) in _ERRORS.items()
    }


def page_of(row: str) -> Schema:
    """A page of rows: JSON, or the same as CSV."""
    gaps = {"type": "array", "items": ref("schemas", "GapBeside"), "description": "Known gaps in these rows"}
    body = {
        "type": "object",
        "required": ["now", "rows", "next_cursor", "gaps"],
        "properties": {
            "now": {"type": "integer", "description": "Our clock; epoch ms UTC"},
            "rows": {"type": "array", "items": ref("schemas", row), "description": "Ascending in time"},
            "next_cursor": {"type": ["string", "null"], "description": "Null where nothing follows"},
            "gaps": gaps,
            "more_gaps": {"type": "boolean", "description": "There, and true, where `gaps` are not all"},
        },
    }
    header = {"schema": {"type": "string"}}
    return {
        "description": "Rows",
        "content": {"application/json": {"schema": body}, "text/csv": {"schema": {"type": "string"}}},
        "headers": {
            "X-Gaps": {
                "description": "Of a CSV: a JSON array of [channel, started_at, ended_at, cause, repaired]"
            }
            | header,
            "X-Next-Cursor": {"description": "Of a CSV"} | header,
        },
    }


def feed_fields(names: tuple[str, ...]) -> Schema:
    """The schema of one feed: words, and numbers."""
    words = {
        "state": {"type": ["string", "null"], "enum": [*FEED_STATES, None]},
        "reason": {"type": ["string", "null"]},
        "unlisted": {
            "type": ["string", "null"],
            "description": "What SYMBOLS asks for and the venue does not list by that name, "
            "like FOOUSDT, SHIBUSDT as SHIB1000USDT; null where there is none, or it is not known",
        },
    }
    numbers = {name: {"type": ["number", "null"]} for name in names if name not in words}
    return {"type": "object", "properties": words | numbers, "required": list(names)}


FEED_STATES = ("live", "degraded", "reconnecting", "blocked", "down")
NOW = {"type": "integer", "description": "Our clock; epoch ms UTC"}
