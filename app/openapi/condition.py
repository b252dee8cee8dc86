"""The schemas of what tells how everything is doing: `/readyz` and `/api/status`."""

from app.openapi.fields import Schema
from app.openapi.parts import FEED_STATES, NOW, feed_fields, ref
from app.stored_metrics import DB_STATES
from db.history.reader import Sizes
from db.hot.keys import FEED_FIELDS, WORKER_FIELDS
from db.hot.reader import Usage

READY_PARTS = ("redis", "collector", "postgres", "schema")
_COUNT: Schema = {"type": "integer"}
_COUNT_OR_NULL: Schema = {"type": ["integer", "null"]}
_TEXT: Schema = {"type": "string"}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_FLAG: Schema = {"type": "boolean"}
_TIME: Schema = {"type": ["integer", "null"], "description": "Epoch ms UTC"}
_WORKER_TEXTS = ("host", "version", "db_state")


def readiness() -> Schema:
    """Of `/readyz`, whatever its status."""
    part = _exactly({"ok": _FLAG, "detail": _TEXT | {"description": "Empty while it is well"}})
    return _exactly(
        {
            "ready": _FLAG,
            "now": NOW,
            "failed": {"type": "array", "items": {"type": "string", "enum": list(READY_PARTS)}},
            "parts": _exactly(dict.fromkeys(READY_PARTS, part)),
        }
    )


def status() -> Schema:
    """Of `/api/status`."""
    return _exactly(
        {
            "now": NOW,
            "parts": {
                "type": "array",
                "items": _part(),
                "description": "In one word each whether it is well",
            },
            "notices": {"type": "array", "items": ref("schemas", "Notice")},
            "feeds": _by("By venue", _feed()),
            "workers": _by("By the worker's id", _worker()),
            "stores": _exactly({"redis": _redis(), "postgres": _postgres()}),
            "versions": _versions(),
        }
    )


def _part() -> Schema:
    return _exactly(
        {
            "name": _TEXT,
            "level": {"type": "string", "enum": ["ok", "warn", "bad", "unknown"]},
            "word": _TEXT,
            "detail": _TEXT,
            "since": _TIME,
        }
    )


def _feed() -> Schema:
    share = _exactly(
        {
            # A worker whose instruments others have is idle; no feed as a whole is so.
            "state": {"type": ["string", "null"], "enum": [*FEED_STATES, "idle", None]},
            "reason": _TEXT_OR_NULL,
            "message_rate": {"type": ["number", "null"]},
            "last_message_time": _TIME,
        }
    )
    return _exactly(feed_fields(FEED_FIELDS)["properties"] | {"workers": _by("By the worker's id", share)})


def _worker() -> Schema:
    fields = {name: _TEXT_OR_NULL if name in _WORKER_TEXTS else _COUNT_OR_NULL for name in WORKER_FIELDS}
    state = {"type": ["string", "null"], "enum": [*DB_STATES, None]}
    share = {"type": ["number", "null"], "description": "Of all instruments, 0 to 1"}
    return _exactly(fields | {"db_state": state, "share": share})


def _redis() -> Schema:
    told = {name: _TEXT if name == "version" else _COUNT for name in Usage._fields}
    return _exactly({"is_silent": _FLAG, "read_at": _TIME}, told)


def _postgres() -> Schema:
    sizes = _exactly(dict.fromkeys(Sizes._fields, _COUNT_OR_NULL))
    shortened = _exactly({"time": _TIME, "detail": _TEXT})
    limits: Schema = {"retention_days": {"type": "number"}, "history_max_mb": {"type": "number"}}
    told: Schema = {
        "server": _TEXT,
        "schema": _TEXT_OR_NULL,
        "oldest_tick": _TIME,
        "sizes": {"anyOf": [sizes, {"type": "null"}]},
        "shortened": {
            "anyOf": [shortened, {"type": "null"}],
            "description": "By HISTORY_MAX_MB, the last time",
        },
    }
    return _exactly({"is_silent": _FLAG, "read_at": _TIME} | limits, told)


def _versions() -> Schema:
    return _exactly(
        {
            "tickdeck": _TEXT,
            "workers": _by("By the worker's id", _TEXT_OR_NULL),
            "schema": _TEXT_OR_NULL,
            "schema_needed": _TEXT,
            "postgres": _TEXT_OR_NULL,
            "redis": _TEXT_OR_NULL,
        }
    )


def _by(words: str, schema: Schema) -> Schema:
    return {"type": "object", "description": words, "additionalProperties": schema}


def _exactly(needed: Schema, once_known: Schema | None = None) -> Schema:
    """An object of these names; `once_known` are there once the store has told."""
    return {
        "type": "object",
        "properties": needed | (once_known or {}),
        "required": list(needed),
        "additionalProperties": False,
    }
