"""What the pages and the API read: one view of the market, built at most every 300 ms for everybody.

Redis is asked by the request that finds the view old; whoever comes meanwhile gets the one before.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import structlog

from app.last_known import newest, overlay, refilled
from app.ports import Clock, Fields, HotReader
from app.shared import Shared
from app.view import (
    NO_HEARTBEAT,
    Feed,
    MarketView,
    Notice,
    OverviewRow,
    blank_row,
    build_view,
    notices_of,
    read_feed,
    read_rows,
    unknown_feed,
    unlisted_of,
)
from app.watch import HistoryWatch
from db.errors import StoreUnavailable
from db.rows import TickerRow
from db.settings import Settings
from market.instruments import symbols_for
from market.unlisted import Unlisted, unlisted_text

MAX_AGE_S = 0.3
"""A view this old is built anew when somebody asks."""

WORKERS_EVERY_S = 2.0
"""How often the collectors' heartbeats are looked up: that walks all of Redis's keys."""

BEGINS_MS = 20_000
"""So long a collector is new: with `FEEDS=auto` it waits 15 s for the venues before others stand in."""

NONE_UNLISTED: Mapping[str, str] = MappingProxyType({})

REDIS_IS_SILENT = Notice("old", "Redis does not answer · these are the last known values")
POSTGRES_IS_SILENT = Notice("old", "Postgres does not answer · the history is missing, live numbers go on")
POSTGRES_IS_SILENT_TOO = Notice("old", "Postgres does not answer either · the history is missing")
HISTORY_IS_DELAYED = Notice("old", "The history is delayed · the collector cannot write to Postgres now")
HISTORY_CATCHES_UP = Notice("old", "The history catches up · rows that waited are still being written")
_BEGINS = "The collector has just started · these are the last known values"
_NO_COLLECTOR = "The collector is gone · nothing new comes in"
_DELAYED = ("down", "refused", "schema")
"""States in which none of a collector's rows is written."""

log = structlog.get_logger()


class Venues(NamedTuple):
    """Which venues there are to show. With `FEEDS=auto` the simulated ones stand in while they exist."""

    live: tuple[str, ...]
    simulated: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Every name that may be asked for."""
        return self.live + self.simulated


class _Read(NamedTuple):
    feeds: dict[str, Feed]
    waiting: dict[str, Feed]
    rows: list[OverviewRow]
    unreadable: list[str]
    workers: Mapping[str, Fields] | None = None
    """None: not known."""


def venues_of(settings: Settings) -> Venues:
    """The venues that these settings can show."""
    live = tuple(settings.venue_names.values())
    simulated = tuple(f"sim-{venue}" for venue in settings.venues)
    return Venues(() if settings.feeds == "sim" else live, () if settings.feeds == "live" else simulated)


class ReadModel:
    """The market as of now, or, while Redis does not answer, as it was last."""

    def __init__(
        self, settings: Settings, reader: HotReader, clock: Clock, watch: HistoryWatch | None = None
    ) -> None:
        """Without a `watch` nothing is known or said of the history."""
        self.venues = venues_of(settings)
        self.intervals = tuple(settings.intervals)
        self.interval = "5m" if "5m" in self.intervals else self.intervals[0]
        self._wanted = settings.symbols
        self._reader = reader
        self._clock = clock
        self._watch = watch
        self._unlisted: dict[str, Unlisted] = {}
        """What each venue's feed said last of what is not listed."""
        self._workers: dict[str, Fields] = {}
        self._workers_at = float("-inf")
        self._last_read: _Read | None = None
        self._view = Shared[MarketView](clock.monotonic, MAX_AGE_S)
        self._silent = False

    def market(self) -> MarketView:
        """The view; never raises StoreUnavailable, but says in a notice that it is old."""
        return self._view.get(self._build)

    def blank(self) -> MarketView:
        """The configured instruments without a value: what there is before any store is asked."""
        read = self._blank()
        return self._view_of(read, self._notices(read))

    def symbols(
        self, venue: str, stored: Iterable[str] = (), unlisted: Mapping[str, str] = NONE_UNLISTED
    ) -> list[str]:
        """The symbols that have a row: the configured ones; with `auto:N` those `stored`.

        In place of one that the venue lists by another name, which `unlisted` has, stands that name.
        """
        if self._wanted and self._wanted[0].startswith("auto:"):
            return sorted(stored)
        return list(dict.fromkeys(unlisted.get(s) or s for s in symbols_for(venue, self._wanted)))

    def last_ticker(self, venue: str, symbol: str) -> TickerRow | None:
        """What Postgres last knew of an instrument; None if nothing, or if it does not answer."""
        tickers = self._watch.last_known()[0] if self._watch else []
        return next((found for found in tickers if (found.venue, found.symbol) == (venue, symbol)), None)

    def _build(self) -> MarketView:
        try:
            read = self._last_read = self._read()
            notices = self._notices(read)
            if self._silent:
                self._silent = False
                log.info("redis.back")
        except StoreUnavailable as error:
            if not self._silent:  # once, not with every view
                self._silent = True
                log.warning("redis.unavailable", error=str(error))
            read = self._last_known()
            notices = [REDIS_IS_SILENT, *self._notices(read)]
        if self._watch and self._watch.is_silent:
            notices.append(POSTGRES_IS_SILENT_TOO if self._silent else POSTGRES_IS_SILENT)
        return self._view_of(read, notices)

    def _view_of(self, read: _Read, notices: Sequence[Notice]) -> MarketView:
        now = self._clock.now_ms()
        return build_view(now, read.rows, read.feeds, notices)

    def _notices(self, read: _Read) -> list[Notice]:
        simulated = any(venue in self.venues.simulated for venue in read.feeds)
        feeds, gone, begins = read.feeds, read.workers == {}, self._begins(read)
        if gone or begins:  # one sentence, not one more for each venue
            feeds = {venue: feed for venue, feed in feeds.items() if feed["reason"] != NO_HEARTBEAT}
        notices = notices_of(feeds, simulated=simulated, waiting=read.waiting)
        last = max((row.recv_time for row in read.rows if row.recv_time is not None), default=None)
        if gone:
            notices.append(Notice("trouble", _NO_COLLECTOR, last))
        elif begins and last and len(feeds) < len(read.feeds):
            notices.append(Notice("old", _BEGINS, last))
        else:
            notices += _said_of_history((read.workers or {}).values())
        if read.unreadable:
            notices.append(Notice("trouble", f"unreadable rows: {', '.join(read.unreadable)}"))
        return notices

    def _begins(self, read: _Read) -> bool:
        """Whether a collector has just started, so that not every feed has said how it is doing."""
        times = [worker.get("started_at", "") for worker in (read.workers or {}).values()]
        newest = max((int(time) for time in times if time.isdecimal()), default=0)
        return self._clock.now_ms() - newest < BEGINS_MS

    def _blank(self, venues: Sequence[str] = ()) -> _Read:
        venues = venues or self.venues.live or self.venues.simulated
        rows = [row for venue in venues for row in read_rows(venue, {}, self.symbols(venue))[0]]
        return _Read({venue: unknown_feed() for venue in venues}, {}, rows, [])

    def _last_known(self) -> _Read:
        """What Redis had last, or what Postgres has if that is newer.

        Of the feeds nothing is known but what their venues do not list, as the rows are made with that.
        """
        tickers, instruments = self._watch.last_known() if self._watch else ([], [])
        read = self._last_read or self._blank(self._stored_venues(tickers))
        listed = {row.venue for row in read.rows}
        rows = read.rows + [
            blank_row(ticker.venue, ticker.symbol)
            for ticker in tickers
            if ticker.venue in read.feeds and ticker.venue not in listed
        ]
        feeds = {venue: unknown_feed() | {"unlisted": f["unlisted"]} for venue, f in read.feeds.items()}
        return _Read(feeds, {}, overlay(rows, tickers, instruments), [])

    def _stored_venues(self, tickers: Sequence[TickerRow]) -> tuple[str, ...]:
        """The simulated venues where they were shown last, otherwise the live ones."""
        live, simulated = self.venues
        return simulated if newest(tickers, simulated) > newest(tickers, live) else live or simulated

    def _read_workers(self) -> dict[str, Fields]:
        now = self._clock.monotonic()
        if now - self._workers_at >= WORKERS_EVERY_S:
            self._workers, self._workers_at = self._reader.workers(), now
        return self._workers

    def _read(self) -> _Read:
        stored = self._reader.feeds(self.venues.all)
        shown, markets = self._shown(stored)
        rows: list[OverviewRow] = []
        unreadable: list[str] = []
        feeds = {venue: read_feed(stored.get(venue, {})) for venue in self.venues.all}
        for venue in shown:
            if stored.get(venue):  # a collector that is gone has the rows of then
                self._unlisted[venue] = unlisted_of(feeds[venue])
            # One worker's list may be an hour older than another's: what has a row is collected.
            told = self._unlisted.get(venue, NONE_UNLISTED)
            unlisted = {asked: name for asked, name in told.items() if asked not in markets[venue]}
            feeds[venue]["unlisted"] = unlisted_text(unlisted) or None
            some, wrong = read_rows(venue, markets[venue], self.symbols(venue, markets[venue], unlisted))
            rows += some
            unreadable += (f"{venue} {symbol}" for symbol in wrong)
        waiting = {venue: feeds[venue] for venue in self.venues.live if venue not in shown}
        shown_feeds = {venue: feeds[venue] for venue in shown}
        return _Read(shown_feeds, waiting, self._refill(rows), unreadable, self._read_workers())

    def _refill(self, rows: list[OverviewRow]) -> list[OverviewRow]:
        """What was known last of those of which Redis has nothing: its keys end two minutes after a feed."""
        lacking = [row for row in rows if row.recv_time is None]
        if not lacking:
            return rows
        held = self._last_read.rows if self._last_read else []
        known = self._watch.last_known() if self._watch else ([], [])
        filled = {(row.venue, row.symbol): row for row in overlay(refilled(lacking, held), *known)}
        return [filled.get((row.venue, row.symbol), row) for row in rows]

    def _shown(
        self, feeds: Mapping[str, Mapping[str, str]]
    ) -> tuple[tuple[str, ...], dict[str, dict[str, bytes]]]:
        """The venues to show and their rows: the simulated ones while any of their keys exists.

        Where there is no key of any, those that were shown last.
        """
        live, simulated = self.venues
        stood_in = {venue: self._reader.market(venue) for venue in simulated}
        if not live or any(feeds.get(v) or stood_in[v] for v in simulated):
            return simulated, stood_in
        markets = {venue: self._reader.market(venue) for venue in live}
        was_simulated = self._last_read is not None and tuple(self._last_read.feeds) == simulated
        if was_simulated and not any(feeds.get(v) or markets[v] for v in live):
            return simulated, stood_in
        return live, markets


def _said_of_history(workers: Iterable[Fields]) -> list[Notice]:
    """At most one sentence for all workers, of the worst."""
    states = {worker.get("db_state") for worker in workers}
    if states.intersection(_DELAYED):
        return [HISTORY_IS_DELAYED]
    return [HISTORY_CATCHES_UP] if "behind" in states else []
