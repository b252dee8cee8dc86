"""The schemas of the description, made of the columns that the replies are made of."""

from typing import Any

from app.api_gaps import GAP_COLUMNS, TOLD_COLUMNS
from app.api_series import KLINE_COLUMNS, TICK_COLUMNS
from app.api_track import INDICATOR_COLUMNS, SCORE_COLUMNS, SIGNAL_COLUMNS, TRADE_COLUMNS
from app.openapi import condition
from app.openapi.fields import FIELDS, Schema, row_of
from app.openapi.parts import ERROR, NOW, feed_fields, ref
from app.view import IndicatorValues, OverviewRow
from db.hot.keys import BOOK_FIELDS, FEED_FIELDS

MARKET_COLUMNS = (
    *(name for name in OverviewRow.__struct_fields__ if name != "indicators"),
    *IndicatorValues.__struct_fields__,
    "age_ms",
)
_LEVELS: Schema = {
    "type": "array",
    "description": "[price, size], best first",
    "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
}
_NOTICE: Schema = {
    "type": "object",
    "description": "What stands above the pages",
    "required": ["kind", "text"],
    "properties": {
        "kind": {"type": "string", "enum": ["simulated", "old", "trouble"]},
        "text": {"type": "string"},
        "since": {"type": ["integer", "null"], "description": "The newest datum; epoch ms UTC"},
    },
}
_FEEDS: Schema = {
    "type": "object",
    "description": "By venue",
    "additionalProperties": ref("schemas", "Feed"),
}
_NOTICES: Schema = {"type": "array", "items": ref("schemas", "Notice")}
_VERSION: Schema = {"type": "string", "description": "Another one where anything is another; the `ETag`"}


def _market() -> Schema:
    properties = {
        "now": NOW,
        "version": _VERSION,
        "interval": {"type": "string", "description": "Of the indicators"},
        "venues": _FEEDS,
        "notices": _NOTICES,
        "rows": {"type": "array", "items": ref("schemas", "MarketRow")},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def _change() -> Schema:
    changed = {name: FIELDS[name] for name in MARKET_COLUMNS}
    row = {"type": "object", "properties": changed, "required": ["venue", "symbol", "age_ms"]}
    properties = {
        "now": NOW,
        "version": _VERSION,
        "venues": _FEEDS | {"description": "Feeds whose state, reason or unlisted is another"},
        "notices": _NOTICES,
        "rows": {"type": "array", "items": row, "description": "The fields that are others"},
    }
    return {"type": "object", "properties": properties, "required": ["now", "version", "rows"]}


def _event() -> Schema:
    properties: dict[str, Any] = {
        "kind": {"type": "string", "enum": ["signal", "gap", "feed", "candle"]},
        "time": {"type": "integer", "description": "When it was told; epoch ms UTC"},
        "venue": FIELDS["venue"],
        "symbol": {"type": "string", "description": "Empty where it is of the whole venue"},
        "data": {"type": "object", "description": "The row of that kind, without venue and symbol"},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def schemas() -> Schema:
    """Name -> schema."""
    book = row_of(("now", "venue", "symbol", *BOOK_FIELDS, "age_ms"), now=NOW, bids=_LEVELS, asks=_LEVELS)
    reset = {
        "reason": {"type": "string", "enum": ["too_old", "lost", "too_slow"]},
        "message": {"type": "string"},
    }
    return {
        "Error": ERROR,
        "Notice": _NOTICE,
        "Feed": feed_fields(FEED_FIELDS),
        "Market": _market(),
        "MarketRow": row_of(MARKET_COLUMNS),
        "Change": _change(),
        "Event": _event(),
        "Reset": {"type": "object", "properties": reset, "required": list(reset)},
        "Readiness": condition.readiness(),
        "Status": condition.status(),
        "Book": book,
        "Kline": row_of(KLINE_COLUMNS),
        "Tick": row_of(TICK_COLUMNS),
        "Indicators": row_of(INDICATOR_COLUMNS),
        "Signal": row_of(SIGNAL_COLUMNS),
        "PaperTrade": row_of(TRADE_COLUMNS),
        "Score": row_of(SCORE_COLUMNS),
        "Gap": row_of(GAP_COLUMNS),
        "GapBeside": row_of(TOLD_COLUMNS),
    }
