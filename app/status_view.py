"""The Status page in two parts, as plain values: what changes each second, and what the history tells."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.ports import Fields
from app.status_parts import History24h, Hot, Stored, sum_of
from app.view import Feed, read_feed, unknown_feed
from db.history.status import EventCell, GapCell
from db.hot.keys import FEED_FIELDS, WORKER_FIELDS
from db.rows import CHANNELS
from db.settings import Settings

TOLD_EVENTS = (
    "disconnected", "silent", "alarm", "rejected", "refused", "resync", "fallback", "rest", "rotation failed",
)  # fmt: skip
"""Events of a feed that its strip shows: what went wrong, not what went well."""
_WORKER_TEXT = ("host", "version", "db_state")
_ONE_PART = ("state", "reason", "message_rate", "last_message_time")

Values = dict[str, Any]


def hot_content(hot: Hot) -> Values:
    """Feeds and workers in their order; Redis itself. Times are epoch ms, missing is None."""
    return {
        "is_silent": hot.is_silent,
        "feeds": [{"venue": venue, **feed} for venue, feed in feeds_of(hot).items()],
        "workers": [{"id": name, **worker} for name, worker in workers_of(hot.workers).items()],
        "redis": hot.usage._asdict() if hot.usage else None,
    }


def feeds_of(hot: Hot) -> dict[str, Values]:
    """Venue -> the fields of its feed, and under `workers` those of each worker's part.

    While Redis is silent the numbers are the last ones, and the state is not known.
    """
    found: dict[str, Values] = {}
    for venue, fields in hot.feeds.items():
        feed: Feed = read_feed(fields) if hot.read_at is not None else unknown_feed()
        if hot.is_silent:
            feed |= {"state": None, "reason": None}
        shares = {worker: read_feed(part) for (of, worker), part in hot.shares.items() if of == venue}
        parts = {worker: {name: part[name] for name in _ONE_PART} for worker, part in shares.items()}
        found[venue] = {name: feed[name] for name in FEED_FIELDS} | {"workers": parts}
    return found


def workers_of(workers: Mapping[str, Fields]) -> dict[str, Values]:
    """Id -> the fields of a worker, and its `share` of all instruments, 0 to 1."""
    total = sum_of(workers.values(), "symbols")
    found: dict[str, Values] = {}
    for name, fields in workers.items():
        worker: Values = {
            field: fields.get(field) or None if field in _WORKER_TEXT else _whole(fields, field)
            for field in WORKER_FIELDS
        }
        worker["share"] = (worker["symbols"] or 0) / total if total else None
        found[name] = worker
    return found


def history_content(history: History24h, settings: Settings, venues: Sequence[str]) -> Values:
    """Sizes and limits, the strips of these venues, the ledger. `stored` is None before Postgres told."""
    stored = history.stored
    return {
        "is_silent": history.is_silent,
        "database": database_of(stored),
        "limits": {
            "retention_days": settings.tick_retention_days,
            "history_max_mb": settings.history_max_mb,
            "spool_max_mb": settings.spool_max_mb,
        },
        "strips": strips_of(stored, venues) if stored and stored.cells else None,
        "ledger": [i._asdict() for i in stored.incidents if i.venue in venues] if stored else None,
    }


def database_of(stored: Stored | None) -> Values | None:
    """What Postgres holds; None before it told."""
    if stored is None:
        return None
    found: Values = {"server": stored.server, "schema": stored.schema, "oldest_tick": stored.oldest_tick}
    found |= {"sizes": stored.sizes._asdict() if stored.sizes else None}
    shortened = stored.shortened
    return found | {"shortened": {"time": shortened[0], "detail": shortened[4]} if shortened else None}


def strips_of(stored: Stored, venues: Sequence[str]) -> Values:
    """24 hours in cells: for each venue a lane of its connections and one of each channel.

    A lane holds only the cells in which something happened, as [cell, level, instruments or times, words].
    `level`: `open`, `no`, `partly` or `yes`, which is how far the gaps of that cell are repaired, or `event`.
    """
    assert stored.cells is not None
    lanes = {
        venue: [
            _event_lane([cell for cell in stored.event_cells if cell.venue == venue]),
            *(
                _gap_lane(channel, [c for c in stored.gap_cells if (c.venue, c.channel) == (venue, channel)])
                for channel in CHANNELS
            ),
        ]
        for venue in venues
    }
    start, step_ms, length = stored.cells
    return {"start": start, "step_ms": step_ms, "length": length, "lanes": lanes}


def _gap_lane(channel: str, cells: Iterable[GapCell]) -> Values:
    lane: Values = {"name": channel, "cells": [], "gaps": 0, "open": 0, "whole": 0}
    for cell in cells:
        if cell.cell is None:
            lane |= {"gaps": cell.gaps, "open": cell.open, "whole": cell.whole}
        else:
            level = "open" if cell.open else cell.repaired
            lane["cells"].append([cell.cell, level, cell.instruments, ", ".join(cell.causes)])
    return lane


def _event_lane(cells: Iterable[EventCell]) -> Values:
    times: dict[int, dict[str, int]] = {}
    totals: dict[str, int] = {}
    for cell in cells:
        if cell.event in TOLD_EVENTS:
            times.setdefault(cell.cell, {})[cell.event] = cell.times
            totals[cell.event] = totals.get(cell.event, 0) + cell.times
    told = [
        [at, "event", sum(events.values()), ", ".join(f"{n} × {name}" for name, n in events.items())]
        for at, events in sorted(times.items())
    ]
    return {"name": "feed", "cells": told, "events": totals}


def _whole(fields: Fields, name: str) -> int | None:
    text = fields.get(name, "")
    return int(text) if text.isdecimal() else None
