"""What is known of feeds, workers and stores, and in one word each whether that part is well. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from app.health import FRESH_MS, newest_heartbeat, schema_trouble
from app.ports import Fields
from app.view import read_feed
from db.history.reader import Sizes
from db.history.status import Cells, EventCell, GapCell, Incident
from db.hot.reader import Usage

OK, WARN, BAD, UNKNOWN = "ok", "warn", "bad", "unknown"
_SILENT = "does not answer"
_PASSING = {"up", "starting", "behind"}
"""What Postgres is to a collector that will soon be rid of its rows."""


class Hot(NamedTuple):
    """What Redis told at `read_at` (epoch ms, None: never); `is_silent`: it does not answer now.

    Venue -> its feed, empty without a heartbeat; (venue, worker) -> that worker's part; id -> worker.
    """

    read_at: int | None = None
    feeds: Mapping[str, Fields] = {}
    shares: Mapping[tuple[str, str], Fields] = {}
    workers: Mapping[str, Fields] = {}
    usage: Usage | None = None
    is_silent: bool = False


class Stored(NamedTuple):
    """What Postgres told at `read_at`. Of a schema that is not ours only the versions."""

    read_at: int
    schema: str | None
    server: str
    sizes: Sizes | None = None
    oldest_tick: int | None = None
    shortened: tuple[int, str, str, str, str] | None = None
    """The last feed event that says which ticks went for HISTORY_MAX_MB."""
    cells: Cells | None = None
    gap_cells: Sequence[GapCell] = ()
    event_cells: Sequence[EventCell] = ()
    incidents: Sequence[Incident] = ()


class History24h(NamedTuple):
    """What Postgres told last, None if it never did, and whether it is silent now."""

    stored: Stored | None
    is_silent: bool


class PartState(msgspec.Struct, frozen=True):
    """Whether one part is well. ``level``: `ok`, `warn`, `bad` or `unknown`.

    ``since``: epoch ms of what is shown of it, where the browser is to say how old that is.
    """

    name: str
    level: str
    word: str
    detail: str = ""
    since: int | None = None


def parts_of(hot: Hot, history: History24h, now: int) -> list[PartState]:
    """Redis, Postgres, collector, feeds and spool: what is degraded is said plainly."""
    return [
        _redis(hot),
        _postgres(history),
        _collector(hot, now),
        _feeds(hot),
        _rows(hot),
    ]


def _redis(hot: Hot) -> PartState:
    if hot.is_silent:
        detail = "feeds and workers are shown as they were" if hot.read_at else "nothing is known of feeds"
        return PartState("Redis", BAD, _SILENT, detail, hot.read_at)
    return PartState("Redis", OK, "answers", f"version {hot.usage.version}" if hot.usage else "")


def _postgres(history: History24h) -> PartState:
    stored = history.stored
    if history.is_silent:
        detail = "sizes, strips and ledger are shown as they were" if stored else "no ledger, no sizes"
        return PartState("Postgres", BAD, _SILENT, detail, stored and stored.read_at)
    if stored is None:
        return PartState("Postgres", UNKNOWN, "not asked yet")
    if words := schema_trouble(stored.schema):
        return PartState("Postgres", BAD, "wrong schema", words)
    return PartState("Postgres", OK, "answers", f"version {stored.server}, schema {stored.schema}")


def _collector(hot: Hot, now: int) -> PartState:
    if hot.is_silent:
        return PartState("Collector", UNKNOWN, "not known", "Redis would tell")
    newest = newest_heartbeat(hot.workers)
    if newest is None:
        return PartState("Collector", BAD, "gone", "no worker gives a sign of life: nothing new comes in")
    if now - newest > FRESH_MS:
        return PartState("Collector", BAD, "silent", "last heartbeat", newest)
    return PartState("Collector", OK, "runs", _count(len(hot.workers), "worker"))


def _feeds(hot: Hot) -> PartState:
    if hot.is_silent:
        return PartState("Feeds", UNKNOWN, "not known", "Redis would tell")
    states = [str(read_feed(fields)["state"]) for fields in hot.feeds.values()]
    live = states.count("live")
    detail = f"{live} of {len(states)} venues"
    if live == len(states) and states:
        return PartState("Feeds", OK, "live", detail)
    return PartState("Feeds", WARN if live or "degraded" in states else BAD, _worst(states), f"{detail} live")


def _rows(hot: Hot) -> PartState:
    """Whether rows reach Postgres."""
    if hot.is_silent or not hot.workers:
        return PartState("Rows", UNKNOWN, "not known", "the collector would tell")
    states = {worker.get("db_state") or "not known" for worker in hot.workers.values()}
    if trouble := sorted(states - {"up"}):
        level, word = (WARN, "wait") if states <= _PASSING else (BAD, "pile up")
        return PartState("Rows", level, word, f"the collector finds Postgres {', '.join(trouble)}")
    waiting = sum_of(hot.workers.values(), "spool_rows") + sum_of(hot.workers.values(), "queue_rows")
    return PartState("Rows", OK, "are written", _count(waiting, "row") + " on their way")


def _worst(states: Sequence[str]) -> str:
    order = ("down", "blocked", "reconnecting", "degraded")
    return next((word for word in order if word in states), "not known")


def sum_of(rows: Iterable[Fields], name: str) -> int:
    """The sum of a field that holds whole numbers; what is none of them counts as 0."""
    return sum(int(text) for row in rows if (text := row.get(name, "")).isdecimal())


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
