"""What the Status page, `/api/status` and `/metrics` read: how feeds, workers and stores are doing.

Redis is asked by the request that finds what is known old; Postgres aside, and less often.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from app.part import Part, part_of
from app.ports import Clock, Fields, History, HotReader
from app.read_model import ReadModel
from app.shared import Shared
from app.status_parts import History24h, Hot, Stored, parts_of
from app.status_view import history_content, hot_content
from app.view import MarketView, feed_words
from app.watch import FIRST_WAIT_S, Job, Watched, in_thread
from db.errors import StoreUnavailable
from db.history.status import Cells
from db.migrate import required_version
from db.settings import Settings

MAX_AGE_S = 0.9
"""Collectors say how they are once a second."""
HISTORY_EVERY_S = 10.0
CELL_MS = 15 * 60_000
CELLS = 96
"""The strips: 24 hours in quarters of an hour."""
INCIDENTS = 50
SHORTENED = "history_shortened"

_encode = msgspec.json.Encoder().encode


class Asked(msgspec.Struct, frozen=True):
    """Which versions of the two parts a browser has."""

    hot: str | None = None
    history: str | None = None


class Reply(NamedTuple):
    """What is new to a browser, None if nothing is; replies of one name are the same text."""

    now: int
    name: str
    text: str | None


class Look(NamedTuple):
    """Everything that is known, as of `now`."""

    now: int
    hot: Hot
    history: History24h
    market: MarketView


class _View(NamedTuple):
    now: int
    hot: Part
    history: Part


class StatusModel:
    """How everything is doing. Never raises StoreUnavailable: what does not answer is said to be silent."""

    def __init__(
        self,
        settings: Settings,
        read_model: ReadModel,
        reader: HotReader,
        history: History,
        clock: Clock,
        spawn: Callable[[Job], None] = in_thread,
    ) -> None:
        self.settings = settings
        self._read_model = read_model
        self._reader = reader
        self._history = history
        self._clock = clock
        self._hot = Hot()
        self._stored = Watched(self._fetch, clock.monotonic, spawn, every_s=HISTORY_EVERY_S)
        self._looks = Shared[Look](clock.monotonic, MAX_AGE_S)
        self._views = Shared[_View](clock.monotonic, MAX_AGE_S / 2)

    def look(self) -> Look:
        """Everything, at most a second old."""
        return self._looks.get(self._make_look)

    def reply(self, asked: Asked) -> Reply:
        """What this browser does not have."""
        view = self._views.get(self._make_view)
        new = [
            (name, part)
            for name, part, held in (("hot", view.hot, asked.hot), ("history", view.history, asked.history))
            if part.version != held
        ]
        if not new:
            return Reply(view.now, "", None)
        content = {name: {"version": part.version, "content": part.content} for name, part in new}
        # The time stands beside the text in the reply, so it is part of the name.
        named = ":".join(("status", str(view.now), *(part.version for _, part in new)))
        return Reply(view.now, named, _encode(content).decode())

    def _make_look(self) -> Look:
        market = self._read_model.market()
        hot = self._hot = self._read_hot(market)
        stored = self._stored.look(FIRST_WAIT_S)
        history = History24h(stored, self._stored.is_silent)
        return Look(self._clock.now_ms(), hot, history, market)

    def _make_view(self) -> _View:
        look = self.look()
        shell = {
            "feeds": feed_words(look.market.feeds),
            "notices": look.market.notices,
            "newest": max((row.recv_time for row in look.market.rows if row.recv_time), default=None),
        }
        parts = {"parts": parts_of(look.hot, look.history, look.now)}
        hot = part_of(hot_content(look.hot) | parts | {"shell": shell})
        return _View(
            look.now, hot, part_of(history_content(look.history, self.settings, list(look.hot.feeds)))
        )

    def _read_hot(self, market: MarketView) -> Hot:
        venues = self._read_model.venues.all
        try:
            feeds, workers = self._reader.feeds(venues), self._reader.workers()
            shares = self._reader.feed_parts(venues, workers)
            usage = self._reader.usage()
        except StoreUnavailable:  # logged, and told in a notice, by the read model
            return self._hot._replace(is_silent=True, feeds=self._hot.feeds or _none(market))
        shown = {venue: feeds.get(venue, {}) for venue in venues if venue in market.feeds or venue in feeds}
        return Hot(self._clock.now_ms(), shown, shares, workers, usage)

    def _fetch(self) -> Stored:
        history, now = self._history, self._clock.now_ms()
        schema, server = history.schema_version(), history.server_version()
        if schema != required_version():  # other tables may be asked for in vain
            return Stored(now, schema, server)
        cells = Cells(now - now % CELL_MS - (CELLS - 1) * CELL_MS, CELL_MS, CELLS)
        shortened = history.last_feed_events(1, event=SHORTENED)
        return Stored(
            now,
            schema,
            server,
            history.sizes(),
            history.oldest_tick(),
            shortened[0] if shortened else None,
            cells,
            history.gap_cells(cells),
            history.event_cells(cells),
            history.incidents(INCIDENTS),
        )


def _none(market: MarketView) -> dict[str, Fields]:
    return {venue: {} for venue in market.feeds}
