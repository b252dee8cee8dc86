"""Frames of Server-Sent Events, and the market as a stream tells it. Pure: no store, no clock."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec
import structlog

from app.api_market import flat_row, market_json
from app.api_page import json_bytes
from app.stream.wanted import EVENT_KINDS, EventId, Wanted
from app.view import Feed, MarketView, OverviewRow
from db.hot.reader import StreamEntry

log = structlog.get_logger()

Place = tuple[str, str]
"""Venue and symbol."""
_ALWAYS = ("venue", "symbol", "age_ms")


def frame(event: str, data: bytes, event_id: str | None = None) -> bytes:
    """One event; `data` is JSON in one line."""
    head = f"id: {event_id}\n" if event_id else ""
    return b"%sevent: %s\ndata: %s\n\n" % (head.encode(), event.encode(), data)


def comment(words: str = "") -> bytes:
    """A line that clients ignore: proof that the stream lives."""
    return f": {words}\n\n".encode()


def reset(reason: str, message: str) -> bytes:
    """The event that says: what you know has a hole, or ends here; read anew what you need."""
    return frame("reset", json_bytes({"reason": reason, "message": message}))


class Event(NamedTuple):
    """One entry of `events`, ready to be sent."""

    id: EventId
    kind: str
    venue: str
    symbol: str
    frame: bytes

    def is_for(self, wanted: Wanted) -> bool:
        """Whether a stream tells of it."""
        return self.kind in wanted.kinds and wanted.has(self.venue, self.symbol)


def read_events(entries: Iterable[StreamEntry]) -> list[Event]:
    """The entries as events. What cannot be read, or is of a kind not known here, is left out and logged."""
    found = []
    for entry in entries:
        try:
            found.append(_read_event(entry))
        except (KeyError, ValueError, msgspec.DecodeError) as error:
            log.warning("stream.unreadable", entry=entry.id, error=str(error))
    return found


def _read_event(entry: StreamEntry) -> Event:
    ms, _, number = entry.id.partition("-")
    kind, venue, symbol = (entry.fields[name] for name in ("kind", "venue", "symbol"))
    if kind not in EVENT_KINDS:
        raise ValueError(f"expected a kind of {', '.join(EVENT_KINDS)}, found {kind!r}")
    data = msgspec.Raw(msgspec.json.format(entry.fields["data"], indent=-1).encode())
    told = {"kind": kind, "time": int(entry.fields["time"]), "venue": venue, "symbol": symbol, "data": data}
    sent = frame(kind, msgspec.json.encode(told), entry.id)
    return Event((int(ms), int(number)), kind, venue, symbol, sent)


class Market:
    """A view of the market, and how it differs from the one before. Each frame is made once for all."""

    def __init__(self, view: MarketView, interval: str, before: "Market | None" = None) -> None:
        self._view = view
        self._interval = interval
        self._rows = {(row.venue, row.symbol): row for row in view.rows}
        self._frames: dict[tuple[bool, Wanted], bytes] = {}
        self._common: dict[str, object] = {}
        self._changed: dict[Place, bytes] = {}
        self._follows = before is not None and before._rows.keys() == self._rows.keys()
        if before is not None and self._follows:
            self._common = _changed_common(before._view, view)
            self._changed = {
                place: self._difference(before._rows[place], row)
                for place, row in self._rows.items()
                if before._rows[place] != row
            }

    def snapshot(self, wanted: Wanted) -> bytes:
        """The event `market`: the rows that are wanted, as `/api/market` has them."""
        return self._made(wanted, self._snapshot, is_whole=True)

    def change(self, wanted: Wanted) -> bytes:
        """The event `change`: what differs in the rows that are wanted; empty where nothing does.

        A snapshot instead where there was no view before, or one of other instruments.
        """
        return self._made(wanted, self._change, is_whole=False) if self._follows else self.snapshot(wanted)

    def _made(self, wanted: Wanted, make: Callable[[Wanted], bytes], *, is_whole: bool) -> bytes:
        key = (is_whole, wanted)
        if key not in self._frames:
            self._frames[key] = make(wanted)
        return self._frames[key]

    def _snapshot(self, wanted: Wanted) -> bytes:
        rows = [row for place, row in self._rows.items() if wanted.has(*place)]
        return frame("market", market_json(self._view, rows, self._interval))

    def _change(self, wanted: Wanted) -> bytes:
        rows = [text for place, text in self._changed.items() if wanted.has(*place)]
        if not rows and not self._common:
            return b""
        head = {"now": self._view.now, "version": self._view.version, **self._common}
        return frame("change", b'%s,"rows":[%s]}' % (json_bytes(head)[:-1], b",".join(rows)))

    def _difference(self, old: OverviewRow, new: OverviewRow) -> bytes:
        """The fields that are others, beside the instrument and the age."""
        was, now = flat_row(old, self._interval, 0), flat_row(new, self._interval, self._view.now)
        kept = {name: now[name] for name in now if name in _ALWAYS or now[name] != was[name]}
        return json_bytes(kept)


def _changed_common(old: MarketView, new: MarketView) -> dict[str, object]:
    """Feeds of which something else is said in words, whole; and the notices, if one came or went."""
    found: dict[str, object] = {}
    feeds = {venue: feed for venue, feed in new.feeds.items() if _words(feed) != _words(old.feeds.get(venue))}
    if feeds:
        found["venues"] = feeds
    if old.notices != new.notices:
        found["notices"] = new.notices
    return found


def _words(feed: Feed | None) -> tuple[object, ...] | None:
    return None if feed is None else (feed["state"], feed["reason"], feed["unlisted"])
