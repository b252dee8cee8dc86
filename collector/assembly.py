"""Puts one venue together: instruments, pipeline, connections, REST, and what the database remembers."""

import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from collector.audit import Audit
from collector.backfill import Backfill, Budget, RestClient, RestUnavailable, Screen
from collector.clock import CLOCK
from collector.feed import Feed
from collector.heritage import Heritage, Memory
from collector.history import missing_spans
from collector.leases import GapGate, Leases, Share
from collector.ledger import Ledger
from collector.pairs import Verdict
from collector.pipeline import Pipeline
from collector.proxy import proxy_for
from collector.repair import Repair
from collector.resync import Resync
from collector.signals import Terms, VenueSignals
from collector.universe import Outlets, Universe
from collector.venues import Plan, RestError, Venue, venue_for
from collector.writer import Writer
from db.errors import StoreUnavailable
from db.hot.budget import SharedBudget
from db.hot.connect import Client
from db.hot.viewed import Viewed
from db.hot.writer import HotWriter
from db.rows import GapRow
from db.settings import Settings
from market.events import Kline, Trade
from market.intervals import INTERVAL_MS
from market.measures import mid
from market.unlisted import unlisted_text

log = structlog.get_logger()

READ_WITHIN_S = 2.0
"""The sockets wait this long at most for what the database knows of an earlier run."""
SHOWN_WITHIN_S = 1.0
"""And they and the candles for the indicators of what is stored, which are seen first."""
KEEP_EVERY_S = 1.0
SWEEP_EVERY_S = 60.0
FRESH_MS = 60_000
"""A price that is older says nothing about other venues."""


class Address(NamedTuple):
    """Where a venue is, and what it is called here."""

    name: str
    ws_urls: Sequence[str]
    rest_url: str


class VenueRun:
    """One venue that runs. `start` returns at once; everything that waits does so in a thread."""

    def __init__(
        self,
        address: Address,
        settings: Settings,
        writer: Writer,
        memory: Memory,
        hot: Client,
        leases: Leases,
    ) -> None:
        """`hot`: a client of Redis, which may be slow or gone."""
        self.name = address.name
        self._memory = memory
        self._hot = hot
        self._record = writer.record
        self._leases = leases
        self._stopping = threading.Event()
        venue = venue_for(address.name)
        uses_rest = settings.backfill == "auto"
        plan = Plan(tuple(settings.intervals), settings.bybit_depth, uses_rest)
        self.pipeline = Pipeline(
            self.name,
            venue,
            plan,
            writer,
            tick_interval_ms=settings.tick_interval_ms,
            max_event_age_days=settings.max_event_age_days,
            listener=self,
        )
        self.backfill = self._make_backfill(address, settings, venue, writer) if uses_rest else None
        has_snapshots = self.backfill is not None and venue.rest.SNAPSHOT_DEPTH > 0
        self._gate = GapGate(leases, writer.add_gap)
        self.ledger = Ledger(self.name, self._gate.add)
        if self.backfill is not None:
            self.repair = Repair(self.backfill, self.pipeline, self.ledger)
            self.ledger.on_lost, self.ledger.on_closed = self.repair.on_lost, self.repair.on_closed
            self.audit = Audit(
                self.pipeline,
                self.backfill.ask_audit,
                lambda event, detail: writer.record(self.name, event, detail),
            )
        ask_snapshot = self.backfill.ask_snapshot if self.backfill and has_snapshots else None
        self.feed = self._make_feed(address, settings, venue, plan, Resync(ask_snapshot))
        outlets = Outlets(writer.record, writer.save_instruments, self._on_new, self._on_gone, self._erase)
        self.heritage = Heritage(
            memory,
            self.pipeline,
            self.feed,
            begin=lambda symbols: self.share.begin(symbols),
            ask_history=self._ask_history,
            repair=self._repair,
            wait_shown=self._wait_shown,
        )
        self.share = self._gate.share = Share(self.name, self.pipeline, self.feed, self._on_taken)
        self.universe = Universe(self.name, settings.symbols, self.backfill, self.share, outlets)
        intervals = tuple(sorted(settings.intervals, key=INTERVAL_MS.__getitem__))
        terms = Terms(settings.signal_settings, settings.taker_bps(self.name), intervals)
        self.signals = VenueSignals(self.pipeline, terms, writer, memory)
        self._starter = threading.Thread(target=self._run, name=f"start-{self.name}", daemon=True)

    def _make_feed(
        self, address: Address, settings: Settings, venue: Venue, plan: Plan, resync: Resync
    ) -> Feed:
        return Feed(
            self.pipeline,
            venue,
            plan,
            address.ws_urls,
            resync=resync,
            ledger=self.ledger,
            record=self._record,
            rotate_s=settings.rotate_hours * 3600,
            proxy=proxy_for(address.ws_urls[0], settings.https_proxy, settings.no_proxy),
            wait=self._wait_shown,
        )

    def start(self) -> None:
        """Begin; returns at once."""
        self.heritage.start()
        self._starter.start()

    def on_book_lost(self, symbol: str, cause: str, reason: str) -> None:
        """See Listener."""
        self.feed.books.on_book_lost(symbol, cause, reason)

    def on_book_live(self, symbol: str, event_time: int, *, is_unbroken: bool) -> None:
        """See Listener."""
        self.feed.books.on_book_live(symbol, event_time, is_unbroken=is_unbroken)

    def on_trades_missed(self, before: Trade, after: Trade) -> None:
        """See Listener."""
        self.feed.missed.on_trades(before, after)

    def on_quotes_missed(self, symbol: str, reason: str) -> None:
        """See Listener."""
        self.feed.missed.on_quotes(symbol, reason)

    def on_candle_missed(self, symbol: str, open_time: int) -> None:
        """See Listener."""
        self.feed.missed.on_candle(symbol, open_time)

    def on_closed(self, kline: Kline) -> None:
        """See Listener."""
        self.signals.on_closed(kline)

    def on_incomplete(self, kline: Kline) -> None:
        """See Listener."""
        if self.backfill is not None:
            self.backfill.refill.on_incomplete(kline)

    def stop(self) -> None:
        """Begin to end; returns at once."""
        self._stopping.set()
        self._leases.remove(self.name)
        self.heritage.stop()
        if self.backfill:
            self.backfill.stop()
        self.feed.stop()
        self.signals.stop()

    def join(self, deadline: float) -> None:
        """Wait for the threads until `deadline`, monotonic; then keep the ticks of open buckets."""
        self.feed.join(deadline)
        if self.backfill:
            self.backfill.join(deadline)
        if self._starter.is_alive():
            self._starter.join(max(0.0, deadline - time.monotonic()))
        self.pipeline.flush()
        self.signals.join(deadline)

    def prices(self) -> dict[str, float]:
        """The fresh prices of what is followed: the mid, else the last one."""
        oldest = CLOCK.now_ms() - FRESH_MS
        found: dict[str, float] = {}
        with self.pipeline.lock:
            for symbol, state in self.pipeline.states.items():
                if (state.recv_time or 0) >= oldest:
                    bid, _, ask, _ = state.best
                    if (price := mid(bid, ask) or state.ticker.last_price) is not None:
                        found[symbol] = price
        return found

    def set_apart(self, verdict: Verdict) -> None:
        """Take a symbol for another coin than it is on other venues, or no longer so."""
        words = "is not the coin that" if verdict.is_apart else "is again the coin that"
        self._record(
            self.name, "pair", f"{verdict.symbol} {words} its name says, by its price: {verdict.reason}"
        )
        self.universe.set_apart(verdict.symbol, is_apart=verdict.is_apart)

    def _make_backfill(self, address: Address, settings: Settings, venue: Venue, writer: Writer) -> Backfill:
        proxy = proxy_for(address.rest_url, settings.https_proxy, settings.no_proxy)
        viewed = Viewed(self._hot)
        shared = SharedBudget(self._hot, self.name, **venue.rest.LIMITS._asdict())
        return Backfill(
            RestClient(address.rest_url, venue.rest, proxy=proxy),
            self.pipeline,
            Budget(venue.rest.LIMITS, shared, processes=settings.collector_processes),
            screen=Screen(lambda: viewed.symbols(self.name)),
            record=self._record,
            is_full=lambda: writer.is_full,
        )

    def _run(self) -> None:
        instruments = self.universe.first(self._stopping)
        if self._stopping.is_set():
            return
        self.feed.unlisted = unlisted_text(self.universe.unlisted)
        self.share.want(instruments)
        self._leases.add(self.share)
        self.heritage.is_read.wait(READ_WITHIN_S)
        self.share.start()
        self.signals.start()
        if self.backfill:
            self.backfill.start()
        swept_at = time.monotonic()
        while not self._stopping.wait(KEEP_EVERY_S):
            now = time.monotonic()
            try:
                self.universe.doubt(self.feed.doubtful, now)
                self.universe.keep(now)
                self.feed.unlisted = unlisted_text(self.universe.unlisted)
                if self.backfill:
                    self.feed.clock_skew_ms = self.backfill.clock_skew_ms
                    self.feed.rest_trouble = self.backfill.trouble
                    self.audit.keep(now)
                    self.repair.keep(now)
                    if now - swept_at >= SWEEP_EVERY_S:
                        swept_at = now
                        self.backfill.refill.sweep()
            except (RestUnavailable, RestError) as error:
                log.warning("rest.unavailable", venue=self.name, reason=str(error)[:300])
            except Exception:
                log.exception("universe.failed", venue=self.name)

    def _wait_shown(self) -> None:
        self.signals.is_shown.wait(SHOWN_WITHIN_S)

    def _ask_history(self, symbols: Sequence[str]) -> None:
        """Ask for the candles that charts and indicators begin with, as far as the database lacks them."""
        if self.backfill is None:
            return
        now = self.backfill.venue_now()
        try:
            since = {i: now - 401 * INTERVAL_MS[i] for i in INTERVAL_MS}
            stored = self._memory.stored_klines(self.name, since)
        except StoreUnavailable:
            stored = {}
        self.backfill.refill.want(missing_spans(symbols, INTERVAL_MS, stored, now=now))

    def _repair(self, row: GapRow) -> None:
        if self.backfill is not None:
            self.repair.on_closed(row)

    def _on_new(self, _symbols: list[str]) -> None:
        self._leases.hasten()

    def _on_taken(self, symbols: Sequence[str], *, is_orphaned: bool, taken_at: float) -> None:
        self.signals.follow(symbols)
        self.heritage.on_taken(symbols, is_orphaned=is_orphaned, taken_at=taken_at)

    def _on_gone(self, symbols: list[str]) -> None:
        if self.backfill:
            self.backfill.forget(symbols)

    def _erase(self, symbols: list[str]) -> None:
        try:
            HotWriter(self._hot).delete_symbols(self.name, symbols)
        except StoreUnavailable as error:  # the keys expire by themselves
            log.warning("redis.down", reason=str(error))
