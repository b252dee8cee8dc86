"""From a venue's frames to the state of its instruments, ticks and closed candles.

Runs in the connections' threads, under one lock a venue; it waits for nothing. What has to be asked of the
venue (a snapshot, a fresh subscription) is told to a `Listener`.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from collector.clock import CLOCK
from collector.ports import Listener, Sink, Taken
from collector.state import InstrumentState
from collector.statistics import FeedStatistics
from collector.venues import Decoded, Plan, Topic, Venue
from collector.venues.adapter import sound_topic
from db.rows import KlineRow, TickerRow
from market.book_rules import DiffBook, RangeLeft, SequenceGap, SnapshotTooOld
from market.events import (
    Ack,
    BookDelta,
    BookSnapshot,
    ControlEvent,
    Event,
    FrameError,
    Kline,
    Pong,
    Rejected,
    TickerUpdate,
    Top,
    Trade,
    Unexplained,
)
from market.instruments import Instrument
from market.intervals import DAY_MS

log = structlog.get_logger()

CANDLES_EVERY_S = 1.0
MAX_AHEAD_MS = 60_000


class Pipeline:
    """The state of one venue's instruments, fed by its connections."""

    def __init__(
        self,
        name: str,
        venue: Venue,
        plan: Plan,
        sink: Sink,
        *,
        tick_interval_ms: int,
        max_event_age_days: float,
        listener: Listener,
    ) -> None:
        self.name = name
        self.lock = threading.Lock()
        self.states: dict[str, InstrumentState] = {}
        self.elsewhere: frozenset[str] = frozenset()
        """Symbols that other workers follow."""
        self.statistics = FeedStatistics()
        self._listener = listener
        self._venue, self._plan, self._sink = venue, plan, sink
        self._early: dict[str, TickerRow] = {}
        self._tick_interval_ms = tick_interval_ms
        self._candles_at = float("-inf")
        self._max_age_ms = max_event_age_days * DAY_MS or float("inf")
        self._handlers: dict[type[Event], Callable[[InstrumentState, Any], bool]] = {
            BookDelta: self._on_book,
            BookSnapshot: self._on_book,
            Top: self._on_top,
            TickerUpdate: InstrumentState.on_ticker,
            Trade: self._on_trade,
            Kline: self._on_kline,
        }

    def follow(self, instruments: Iterable[Instrument]) -> None:
        """Know these instruments; events of any other are counted and dropped."""
        with self.lock:
            for instrument in instruments:
                state = self.states.get(instrument.symbol)
                if state is None:
                    state = InstrumentState(instrument, self._venue, self._plan, self._tick_interval_ms)
                    self.states[instrument.symbol] = state
                    if instrument.symbol in self._early:
                        state.remember(self._early[instrument.symbol])
                else:
                    state.instrument = instrument
                    state.row_changed = True

    def remember(self, rows: Iterable[TickerRow]) -> None:
        """Start from the last known tickers and best quotes, as far as nothing newer came."""
        with self.lock:
            self._early = {row.symbol: row for row in rows if row.venue == self.name}
            for symbol in self._early.keys() & self.states.keys():
                self.states[symbol].remember(self._early[symbol])

    def unsaved(self) -> list[TickerRow]:
        """What is to be remembered of the instruments that had news since the last call."""
        with self.lock:
            changed = [s for s in self.states.values() if s.is_unsaved]
            for state in changed:
                state.is_unsaved = False
            return [s.known() for s in changed]

    def forget(self, symbols: Iterable[str]) -> None:
        """Know these instruments no longer."""
        with self.lock:
            for symbol in symbols:
                self.states.pop(symbol, None)

    def begin(self, topic: Topic) -> None:
        """A topic's data comes by another connection from now on; the caller holds the lock."""
        if (state := self.states.get(topic.symbol)) is not None:
            state.begin(topic.channel)

    def interrupt(self, symbol: str) -> None:
        """A symbol's trades may be missing from now on, until its topic begins again."""
        with self.lock:
            if (state := self.states.get(symbol)) is not None:
                state.candles.trades.interrupt()

    def on_frame(self, frame: bytes, recv_time: int) -> Taken:
        """Take a frame. Raises FrameError."""
        try:
            decoded = self._venue.stream.decode(frame, recv_time)
        except FrameError as error:
            with self.lock:
                self.statistics.messages += 1
                self.statistics.faults["frame"] += 1
            raise FrameError(str(error), sound_topic(frame)) from None
        with self.lock:
            self.statistics.messages += 1
            return self._take(decoded, recv_time)

    def replay(self, kept: Iterable[tuple[Decoded, int]]) -> list[Taken]:
        """Take frames that were kept while another connection carried the same topics.

        What is older than the live book would set it back, or look like a gap: what it says is known.
        """
        taken: list[Taken] = []
        with self.lock:
            for decoded, recv_time in kept:
                events = [e for e in decoded.events if not self._knows(e)]
                taken.append(self._take(decoded._replace(events=events), recv_time))
        return taken

    def _knows(self, event: Event) -> bool:
        if isinstance(event, BookSnapshot | BookDelta) and (state := self.states.get(event.symbol)):
            return state.knows(event)
        return False

    def _take(self, decoded: Decoded, recv_time: int) -> Taken:
        answers: list[ControlEvent] = []
        is_data, good_time, refused = False, 0, ""
        for event in decoded.events:
            handler = self._handlers.get(type(event))
            if handler is None:
                self._on_control(event, answers)
                continue
            is_data, at = True, event.event_time  # type: ignore[union-attr]  # what has a handler has a time
            if not -MAX_AHEAD_MS <= recv_time - at <= self._max_age_ms:
                self.statistics.faults["time"] += 1
                CLOCK.heed(at)
                refused = f"its time {at} is impossible"
            elif (state := self.states.get(event.symbol)) is None:  # type: ignore[union-attr]  # as above
                self.statistics.faults["symbol"] += 1
            elif handler(state, event) and at > good_time:
                good_time = at
        if is_data:
            self.statistics.last_message_time = recv_time
            self.statistics.last_data_at = time.monotonic()
        return Taken(decoded.topic, is_data, good_time, answers, refused)

    def on_snapshot(self, snapshot: BookSnapshot) -> bool:
        """Take a REST book snapshot; False if it does not fit the deltas at hand, or lacks a side."""
        with self.lock:
            if (state := self.states.get(snapshot.symbol)) is None or not state.takes_snapshot:
                return True
            if not state.is_attached or state.lacks_quoted(snapshot):
                return False
            try:
                self._book(state, snapshot)
            except SnapshotTooOld:
                return False
            return True

    def on_history(self, klines: Iterable[Kline], *, is_stored: bool = False) -> None:
        """Take closed candles that REST told, or (`is_stored`) the database, which needs no copy of them."""
        with self.lock:
            for kline in klines:
                if (state := self.states.get(kline.symbol)) is not None:
                    closed = state.on_history(kline)
                    self._keep([k for k in closed if not is_stored or k is not kline], is_news=False)

    def on_history_trades(
        self, symbol: str, trades: Sequence[Trade], bridged: tuple[int, int] | None
    ) -> None:
        """Take trades that REST told, oldest first (see TradeBars.recover)."""
        with self.lock:
            if (state := self.states.get(symbol)) is not None:
                self._keep(state.on_history_trades(trades, bridged), is_news=False)

    def expire(self, now: float) -> None:
        """Close what is overdue: tick buckets by our clock (monotonic seconds), candles by the venue's."""
        with self.lock:
            for state in self.states.values():
                if (tick := state.overdue(now)) is not None:
                    self._sink.add_tick(tick)
            if now - self._candles_at >= CANDLES_EVERY_S:
                self._candles_at, lag_ms = now, self.statistics.venue_lags.percentiles()[0]
                now_ms = CLOCK.now_by(lag_ms)
                for state in self.states.values():
                    self._keep(state.expire(state.venue_time(now_ms, lag_ms)), is_news=True)
                    while state.candles.missed:
                        self._listener.on_candle_missed(state.instrument.symbol, state.candles.missed.pop(0))

    def flush(self) -> None:
        """Keep the ticks whose buckets are still open."""
        with self.lock:
            for state in self.states.values():
                if (tick := state.flush()) is not None:
                    self._sink.add_tick(tick)

    def _on_control(self, event: Event, answers: list[ControlEvent]) -> None:
        if isinstance(event, Ack | Rejected | Pong):
            answers.append(event)
        elif isinstance(event, Unexplained):
            self.statistics.faults[f"kind {event.kind}"[:40]] += 1

    def _on_book(self, state: InstrumentState, event: BookSnapshot | BookDelta) -> bool:
        if isinstance(event, BookSnapshot) and isinstance(state.rules, DiffBook):
            # late, of the stream of whole tops that was the book's; REST's alone reach far enough
            return False
        self.statistics.venue_lags.add(event.recv_time - event.event_time)
        return self._book(state, event)

    def _book(self, state: InstrumentState, event: BookSnapshot | BookDelta) -> bool:
        was_live, was_whole = state.book_state == "live", state.rules.book.is_live
        last_update_id = state.rules.book.update_id
        try:
            changed, tick = state.on_book(event, time.monotonic())
        except (SequenceGap, RangeLeft) as error:
            is_gap = isinstance(error, SequenceGap)
            self.statistics.gaps += is_gap
            self._lose_book(state, "sequence" if is_gap else "", str(error))
            return False
        if tick is not None:
            self._sink.add_tick(tick)
        if not changed or state.book_state != "live" or state.is_crossed:
            return False
        if not was_live:
            is_next = was_whole and isinstance(event, BookDelta)
            is_unbroken = is_next or event.update_id == last_update_id
            self._listener.on_book_live(event.symbol, event.event_time, is_unbroken=is_unbroken)
        return True

    def lose_book(self, symbol: str, cause: str, reason: str) -> None:
        """Give a book up: it waits for a new snapshot. `cause`: the ledger's, "" if no data is missing."""
        with self.lock:
            if (state := self.states.get(symbol)) is not None:
                self._lose_book(state, cause, reason)

    def _lose_book(self, state: InstrumentState, cause: str, reason: str) -> None:
        state.lose_book("syncing")
        self.statistics.resyncs += 1
        log.warning("book.lost", venue=self.name, symbol=state.instrument.symbol, reason=reason)
        self._listener.on_book_lost(state.instrument.symbol, cause, reason)

    def _on_top(self, state: InstrumentState, event: Top) -> bool:
        self.statistics.venue_lags.add(event.recv_time - event.event_time)
        if state.is_top_out_of_turn(event):
            if state.is_old_top(event):
                return False
            self._listener.on_quotes_missed(event.symbol, f"update {event.update_id} begins a new count")
        if (tick := state.on_top(event, time.monotonic())) is not None:
            self._sink.add_tick(tick)
        return True

    def _on_trade(self, state: InstrumentState, event: Trade) -> bool:
        if state.candles.trades.misses_before(event) and state.last_trade is not None:
            self._listener.on_trades_missed(state.last_trade, event)
        return state.on_trade(event)

    def _on_kline(self, state: InstrumentState, event: Kline) -> bool:
        self._keep(state.on_kline(event), is_news=True)
        return True

    def _keep(self, closed: Iterable[Kline], *, is_news: bool) -> None:
        for kline in closed:
            if kline.interval in self._plan.intervals:
                self._sink.add_kline(KlineRow(self.name, kline), is_news=is_news)
                self._listener.on_closed(kline)
                if is_news and (not kline.complete or kline.source == "trades"):
                    self._listener.on_incomplete(kline)
