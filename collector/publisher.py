"""Hot state into Redis: what changed, once every `PUBLISH_INTERVAL_MS`, in one pipeline.

Books, tickers and trades go out every round; candles and overview rows, which people look at, four times a
second; the state of feeds and of this worker once a second. While Redis is gone nothing is queued: when it
is back, everything is published anew.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from collector import render
from collector.announcer import Announcer
from collector.clock import CLOCK
from collector.feed import Feed
from collector.floors import Floors
from collector.holdings import Holdings
from collector.lifetimes import ALIVE_S, Lifetimes
from collector.state import InstrumentState
from collector.statistics import Lags
from collector.status import Status
from collector.tapes import Tapes
from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.batch import Fence
from db.hot.writer import HotWriter, Sent

log = structlog.get_logger()

SLOW_EVERY_S = 0.25
STATUS_EVERY_S = 1.0
RETRY_S = 0.25
PAUSED_S = 2.5
"""If a round began so long after the one before, or takes so long, the process stood still."""
MEASURED = 5
"""Books of a venue in a round whose way is measured, about."""


class Publisher:
    """Writes the state of all feeds: of the instruments that this worker has. Others write theirs."""

    def __init__(
        self,
        writer: HotWriter,
        feeds: Callable[[], Sequence[Feed]],
        status: Status,
        announcer: Announcer,
        *,
        confirm: Callable[[], None] = lambda: None,
        interval_ms: int,
        intervals: Sequence[str],
    ) -> None:
        """`feeds()` lists them as they are now.

        `confirm()` waits until it is known again what this worker has; called after a pause of the process.
        """
        self.is_up = False
        self._writer = writer
        self._feeds = feeds
        self._status = status
        self._confirm = confirm
        self._interval_s = interval_ms / 1000
        self._intervals = tuple(intervals)
        self._books: dict[str, dict[str, str | int]] = {}
        self._lifetimes = Lifetimes(writer)
        self._gone: set[str] = set()
        """Venues that were silent for so long that their keys have expired."""
        self._announcer = announcer
        self._floors = Floors(writer, intervals)
        self._tapes = Tapes(writer, self._floors, self._lifetimes.keep)
        self._holdings = Holdings(
            writer, self._floors, self._lifetimes, lambda key: self._books.pop(key, None)
        )
        self._sent: list[tuple[Lags, int]] = []
        """What is measured of this round: when its books were received."""
        self._slow_at = self._status_at = 0.0
        self._is_known = False
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Publish once more, what the feeds say of their end included, and end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self._slow_at = self._status_at = 0.0
        try:
            self.publish(time.monotonic())
        except StoreUnavailable as error:
            log.warning("redis.down", reason=str(error))

    def _run(self) -> None:
        next_at = began = time.monotonic()
        while not self._stopping.is_set():
            last, began = began, time.monotonic()
            next_at = max(next_at + self._interval_s, began)
            try:
                if began - last > PAUSED_S:
                    self._on_pause(began - last)
                self.publish(time.monotonic())
                if not self.is_up:
                    self.is_up = True
                    log.info("redis.up")
            except StoreUnavailable as error:
                self._on_down(error)
                next_at = time.monotonic() + RETRY_S
            except Exception:
                log.exception("publisher.failed")
                self._mark_all()
            self._stopping.wait(max(0.0, next_at - time.monotonic()))

    def _on_down(self, error: StoreUnavailable) -> None:
        if self.is_up or not self._is_known:
            log.warning("redis.down", reason=str(error))
        self.is_up, self._is_known = False, True
        self._mark_all()

    def _on_pause(self, seconds: float) -> None:
        """The process stood still: others may have taken what it had, and know it better now."""
        log.warning("publisher.paused", seconds=round(seconds, 1))
        self._confirm()

    def _mark_all(self) -> None:
        self._writer.forget()
        self._floors.forget()
        self._sent.clear()
        self._tapes.forget()
        self._lifetimes.forget()
        self._status.forget()
        self._slow_at = self._status_at = 0.0
        for feed in self._feeds():
            _mark_states(feed)

    def publish(self, now: float) -> None:
        """One round. Raises StoreUnavailable. `now`: monotonic seconds."""
        began = time.monotonic()
        is_slow = now - self._slow_at >= SLOW_EVERY_S
        has_status = now - self._status_at >= STATUS_EVERY_S
        if is_slow or has_status:  # before they are written, which would hide that they were gone
            self._status.keep()
        feeds = self._feeds()
        if taken := self._holdings.renew(feeds):
            self._settle(taken)
        for feed in feeds:
            self._publish_feed(feed, now, is_slow=is_slow)
        if has_status:
            self._status.publish(feeds, now)
            self._status_at = now
        if is_slow:
            self._slow_at = now
        self._announcer.tell(self._writer)
        if time.monotonic() - began > PAUSED_S:  # what was collected is old by now
            self._mark_all()
            return
        self._settle(self._writer.send())
        self._measure()
        for sent in self._tapes.send_whole(now):
            self._settle(sent)

    def _settle(self, sent: Sent) -> None:
        """Have done anew what Redis did not take or has lost."""
        if sent.fenced:
            log.warning("redis.fenced", keys=sorted(sent.fenced)[:5], count=len(sent.fenced))
        if sent.deleted:
            log.warning("redis.wrong_type", deleted=sorted(sent.deleted))
        if sent.gone:
            log.warning("redis.emptied", keys=sorted(sent.gone)[:5], count=len(sent.gone))
        if sent.deleted or sent.gone:
            self._mark_all()

    def _measure(self) -> None:
        now = _now_ms()
        for lags, recv_time in self._sent:
            lags.add(now - recv_time)
        self._sent.clear()

    def _publish_feed(self, feed: Feed, now: float, *, is_slow: bool) -> None:
        pipeline, name = feed.pipeline, feed.name
        if not self._lifetimes.begin(name, pipeline.statistics.last_data_at, now):
            self._gone.add(name)
            return
        if name in self._gone:
            self._gone.remove(name)
            _mark_states(feed)
        rows: dict[str, str] = {}
        books: list[tuple[str, render.BookView, bool]] = []
        with pipeline.lock:
            is_alive = now - pipeline.statistics.last_data_at < ALIVE_S
            mine, market = self._holdings.of(name), keys.market(name)
            for symbol, state in pipeline.states.items():
                if state.epoch is None or mine.get(symbol) != state.epoch:
                    continue
                if state.book_changed:
                    view = render.view_book(state)
                    is_good = state.book_state == "live" and not state.is_crossed
                    if not is_good or self._floors.passes(keys.book(name, symbol), "", view.event_time):
                        state.book_changed = False
                        books.append((symbol, view, is_good))
                is_due = is_slow or self._lifetimes.lack_indicators(name, symbol, state.indicators_changed)
                self._collect(name, symbol, state, now, is_slow=is_due)
                if is_due and state.row_changed and self._passes(state, market, symbol, state.event_time):
                    state.row_changed = False
                    rows[symbol] = render.overview_row(state)
        for _, view, is_good in books[:: 1 + len(books) // MEASURED]:
            if is_good:
                self._sent.append((pipeline.statistics.redis_lags, view.recv_time))
        for symbol, view, is_good in books:
            self._publish_book(name, symbol, view, now, is_good=is_good)
        for symbol, row in rows.items():
            self._put(market, {symbol: row}, now, self._holdings.fence(name, symbol))
        if is_alive and is_slow:
            self._refresh(name, mine, now)

    def _collect(self, name: str, symbol: str, state: InstrumentState, now: float, *, is_slow: bool) -> None:
        """Put what changed besides the book; the caller holds the pipeline's lock."""
        key, fence = keys.ticker(name, symbol), self._holdings.fence(name, symbol)
        if state.ticker_changed and self._passes(state, key, "", state.ticker.event_time):
            state.ticker_changed = False
            self._put(key, render.ticker_fields(state.ticker), now, fence)
        self._tapes.collect(keys.trades(name, symbol), state.tape, now, fence)
        if is_slow and state.candles_changed:
            state.candles_changed = False
            for interval, kline in state.candles.newest().items():
                key = keys.kline(name, symbol, interval)
                if interval in self._intervals and self._floors.passes(key, "", kline.event_time):
                    self._put(key, render.kline_fields(kline), now, fence)
        if is_slow and state.indicators_changed:
            for interval in state.indicators_changed:
                key = keys.indicator(name, symbol, interval)
                self._put(key, state.indicators[interval], now, fence)
            state.indicators_changed = set()

    def _passes(self, state: InstrumentState, key: str, field: str, event_time: int | None) -> bool:
        """Whether it may be published; what an earlier run remembered only where Redis has nothing."""
        if state.recv_time is None and self._floors.holds(key, field):
            return False
        return self._floors.passes(key, field, event_time)

    def _publish_book(
        self, name: str, symbol: str, view: render.BookView, now: float, *, is_good: bool
    ) -> None:
        """A good book whole; otherwise only its state, and the last good levels stay."""
        key, fence = keys.book(name, symbol), self._holdings.fence(name, symbol)
        publish_time = _now_ms()
        if is_good:
            self._books[key] = render.book_fields(view, publish_time=publish_time)
        if (fields := self._books.get(key)) is None:
            empty = dict.fromkeys(keys.BOOK_FIELDS, "")
            self._writer.put_missing(key, {**empty, "bids": "[]", "asks": "[]", "epoch": 0}, fence)
            fields = {}
        fields["state"], fields["publish_time"] = view.state, publish_time
        if fence:
            self._put(key, fields | {"epoch": fence.epoch}, now, fence)
        else:
            self._writer.put_missing(key, {"epoch": 0})
            self._put(key, fields, now, None)

    def _put(self, key: str, fields: Mapping[str, str | int], now: float, fence: Fence | None) -> None:
        """Set fields of an instrument's key."""
        self._writer.put(key, fields, fence)
        self._lifetimes.keep(key, now)

    def _refresh(self, name: str, symbols: Iterable[str], now: float) -> None:
        """Keep the keys of a feed that is proven alive."""
        found = [keys.market(name)]
        for symbol in symbols:
            found += [keys.ticker(name, symbol), keys.book(name, symbol), keys.trades(name, symbol)]
            for interval in self._intervals:
                found += [keys.kline(name, symbol, interval), keys.indicator(name, symbol, interval)]
        self._lifetimes.refresh(found, now)


def _now_ms() -> int:
    return CLOCK.now_ms()


def _mark_states(feed: Feed) -> None:
    """All that is known of a feed's instruments is to be published anew."""
    with feed.pipeline.lock:
        for state in feed.pipeline.states.values():
            state.mark_all()
