"""The paths of the description."""

from app.openapi.fields import Schema
from app.openapi.parts import Example, instrument, json_reply, page_of, parameters, ref, replies

_RANGE = ("from", "to", "limit", "cursor")
_INSTRUMENT = ("venue", "symbol")

_STREAM = """Server-Sent Events. `event:` is one of

- `market`: the rows wanted, as `/api/market` has them; then `change`: the fields that are others;
- `signal`, `gap`, `feed`, `candle`: something that happened. Only these carry `id:`, and a client that comes
  back with `Last-Event-ID` is told what it missed;
- `reset`: events have gone that were not told (`too_old`, `lost`), so read what you need anew, the stream
  goes on; or it ends because you read too slowly (`too_slow`).

A comment comes every 15 s. Each address may have `STREAMS_PER_ADDRESS` open. A page like this one cannot show
a reply that does not end: use `curl -N`, or `new EventSource(…)`."""


def _get(
    tag: str, summary: str, responses: Schema, given: list[Schema] | None = None, words: str = ""
) -> Schema:
    found: Schema = {"tags": [tag], "summary": summary, "responses": responses}
    if given:
        found["parameters"] = given
    if words:
        found["description"] = words
    return {"get": found}


def _series(example: Example, summary: str, row: str, *names: str, words: str = "") -> Schema:
    given = [*instrument(example, "query"), *parameters(*names, *_RANGE, "max_points", "format")]
    return _get("history", summary, replies(page_of(row), 400, 404, 429, 503), given, words)


def _found(tag: str, summary: str, row: str, *names: str, words: str = "") -> Schema:
    return _get(tag, summary, replies(page_of(row), 400, 404, 429, 503), parameters(*names, "format"), words)


def _switching() -> Schema:
    switching: Schema = {"101": {"description": "Messages follow"}}
    errors = {str(code): ref("responses", str(code)) for code in (400, 401, 403, 404, 426, 429, 503)}
    return switching | errors


def _now(example: Example) -> Schema:
    market = json_reply("The market", ref("schemas", "Market"))
    market["headers"] = {"ETag": {"description": "Weak; the version", "schema": {"type": "string"}}}
    same = {"304": {"description": "Nothing is other than in the version of `If-None-Match`"}}
    stream = {
        "description": "The stream; `data:` is one of these",
        "content": {
            "text/event-stream": {
                "schema": {"anyOf": [ref("schemas", name) for name in ("Market", "Change", "Event", "Reset")]}
            }
        },
    }
    last_id = {
        "name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}, "example": "1700000000000-0",
        "description": "Of the event that was got last",
    }  # fmt: skip
    return {
        "/api/market": _get(
            "now", "All instruments", replies(market, 400, 429) | same, parameters("interval", "venue"),
            "Every configured instrument from the first second; while Redis is away the last known.",
        ),
        "/api/book/{venue}/{symbol}": _get(
            "now", "The latest book", replies(json_reply("The book", ref("schemas", "Book")), 404, 429, 503),
            instrument(example, "path"),
            "Of a book that there is none of all values are null. While Redis does not answer: the last known"
            " best bid and ask, `stale`.",
        ),
        "/api/stream": _get(
            "now", "What happens, as it happens", replies(stream, 400, 404, 429, 503),
            [*parameters("symbols", "venues", "kinds"), last_id], _STREAM,
        ),
        "/api/ws": _get(
            "now", "The same over a WebSocket", _switching(),
            parameters("symbols", "venues", "kinds", "last_event_id"),
            'Each message is `{"event", "id", "data"}`. A browser asks with a page of this server alone.',
        ),
    }  # fmt: skip


def _history(example: Example) -> Schema:
    return {
        "/api/klines": _series(
            example, "Closed candles", "Kline", "interval", words="`max_points` joins them into longer ones."
        ),
        "/api/ticks": _series(
            example, "Changes of the best price or size", "Tick",
            words="`max_points` (at least 2) keeps the lowest and the highest mid of each stretch.",
        ),
        "/api/indicators": _series(example, "Indicators at each close", "Indicators", "interval"),
        "/api/gaps": _found(
            "history", "What was not received", "Gap", *_INSTRUMENT, "channel", *_RANGE,
            words="Gaps that overlap the range. `gaps` is empty here.",
        ),
        "/api/signals": _found(
            "track record", "Signals, and what each made", "Signal", *_INSTRUMENT, "series", "rule", *_RANGE
        ),
        "/api/paper-trades": _found(
            "track record", "Paper trades", "PaperTrade", *_INSTRUMENT, "series", "rule", *_RANGE
        ),
        "/api/scoreboard": _found(
            "track record", "Whether signals ever paid", "Score", "venue", "series", "rule",
            words="All rows: there is no range, and `next_cursor` is null.",
        ),
    }  # fmt: skip


def _itself() -> Schema:
    page = {"description": "This page", "content": {"text/html": {"schema": {"type": "string"}}}}
    document = json_reply("This description", {"type": "object"})
    return {
        "/api/openapi.json": _get("itself", "This description", replies(document, 429)),
        "/api/docs": _get("itself", "A page to read and try it", replies(page, 429)),
    }


def _health() -> Schema:
    def words(kind: str, what: str) -> Schema:
        return {"description": what, "content": {kind: {"schema": {"type": "string"}}}}

    lives = _get(
        "health", "Whether this process lives", {"200": words("text/plain", "ok")}, words="Asks no store."
    )
    lives["get"]["security"] = []
    ready = json_reply("All parts are well", ref("schemas", "Readiness"))
    unready = {"503": ready | {"description": "A part is not well; `failed` names it"}}
    metrics = words("text/plain", "Prometheus text")
    status = json_reply("Feeds, workers, stores, versions", ref("schemas", "Status"))
    return {
        "/api/status": _get("health", "How everything is doing", replies(status, 429)),
        "/healthz": lives,
        "/readyz": _get("health", "Whether it can show what it should", replies(ready) | unready),
        "/metrics": _get(
            "health", "Figures for Prometheus", replies(metrics, 403),
            words="With METRICS_TOKEN as Bearer; without one from this machine alone.",
        ),
    }  # fmt: skip


def paths(example: Example) -> Schema:
    """Path -> what may be asked there."""
    return _now(example) | _history(example) | _health() | _itself()
