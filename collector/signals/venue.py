"""The thread that makes indicators and signals of one venue's candles and books.

The threads that receive data only queue closed candles here. Books are looked at a few times a second, not
at each of their changes, which may be thousands: rules of the book count in seconds. The pipeline's lock is
held while what is needed is copied, and not while anything is computed.
"""

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable
from typing import NamedTuple

import structlog

from collector.clock import CLOCK
from collector.pipeline import Pipeline
from collector.signals.earlier import EarlierRuns
from collector.signals.fields import flow_part, hash_fields, overview_part
from collector.signals.flows import LEVELS as WIDE_LEVELS
from collector.signals.instrument import InstrumentSignals, Outlet, Terms
from collector.signals.memory import SignalMemory
from collector.signals.owed import OwedIndicators
from collector.state import InstrumentState
from market import measures
from market.events import Kline, Levels
from market.quotes import Quote
from market.signals import BookView

log = structlog.get_logger()

LOOK_EVERY_S = 0.2
LEVELS = 10
ROUNDS_A_SECOND = 5
"""Forming candles of a fifth of the instruments are read in each round: of all of them once a second."""
MOST_CLOSED = 300_000
"""Candles that may wait for their instrument: the past of some 100, of every interval."""


class Sight(NamedTuple):
    """A live book as it was looked at."""

    bids: Levels
    asks: Levels
    time: int


class Seen(NamedTuple):
    """What was copied of one instrument in a round."""

    closed: list[Kline]
    at: int
    sight: Sight | None
    is_live: bool
    forming: dict[str, Kline]
    wide: tuple[Levels, Levels] | None
    """Many more levels, once a second."""


class VenueSignals:
    """One venue. `start` returns at once; candles that close before the history is there wait for it."""

    def __init__(self, pipeline: Pipeline, terms: Terms, outlet: Outlet, memory: SignalMemory) -> None:
        self._pipeline = pipeline
        self._terms = terms
        self._outlet = outlet
        self._earlier = EarlierRuns(pipeline.name, terms.intervals, memory)
        self._owed = OwedIndicators(pipeline.name, terms.intervals, memory, outlet)
        self.is_shown = threading.Event()
        """Set when what was stored of the first instruments is shown, or could not be read."""
        self._instruments: dict[str, InstrumentSignals] = {}
        self._closed: deque[Kline] = deque(maxlen=MOST_CLOSED)
        self._wanted: deque[str] = deque()
        self._followed: set[str] = set()
        """Instruments that the pipeline was seen to have."""
        self._looked: dict[str, tuple[int, int]] = {}
        self._sights: dict[str, Sight] = {}
        self._round = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"signals-{pipeline.name}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def follow(self, symbols: Iterable[str]) -> None:
        """Take up more instruments: their history is read first."""
        self._wanted.extend(symbols)

    def on_closed(self, kline: Kline) -> None:
        """A candle closed, or came to have other numbers. Called where data is received: only queues it."""
        self._closed.append(kline)

    def stop(self) -> None:
        """Begin to end; returns at once."""
        self._stopping.set()

    def join(self, deadline: float) -> None:
        """Wait until what was queued is done, or until `deadline`, monotonic."""
        if self._thread.is_alive():
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._stopping.wait(LOOK_EVERY_S) if self._round else self._stopping.is_set()
            try:
                self.turn(time.monotonic())
            except Exception:
                log.exception("signals.failed", venue=self._pipeline.name)

    def turn(self, now: float) -> None:
        """One round. `now`: monotonic seconds."""
        self._round += 1
        if self._wanted:
            try:
                self._take_up(now)
                self._show()  # nobody waits for what paper trading left to see what candles say
            finally:
                self.is_shown.set()
        self._earlier.catch_up(self._instruments, now)
        self._earlier.resume(self._instruments, now)
        now_ms = CLOCK.now_ms()
        for symbol, seen in self._copy(now_ms).items():
            self._see(self._instruments[symbol], symbol, seen, now_ms)
        if behind := [symbol for symbol, instrument in self._instruments.items() if instrument.is_behind()]:
            self._owed.follow(behind, now)
        self._show()
        self._store_past(now_ms)
        if self._outlet.has_room:
            self._owed.turn(now)

    def _take_up(self, now: float) -> None:
        symbols = list(self._wanted)
        made = {s: InstrumentSignals(self._pipeline.name, s, self._terms, self._outlet) for s in symbols}
        self._earlier.fill(made, now)
        self._owed.follow(symbols, now)
        self._instruments |= made
        for _ in symbols:
            self._wanted.popleft()

    def _store_past(self, now_ms: int) -> None:
        """Have rows of the past stored, a few series a round, while the writer has nothing better to do."""
        for instrument in self._instruments.values():
            while self._outlet.has_room and instrument.store_past(now_ms):
                pass

    def _copy(self, now_ms: int) -> dict[str, Seen]:
        """What is news of the instruments; the pipeline's lock is held meanwhile."""
        found: dict[str, Seen] = {}
        with self._pipeline.lock:
            states = self._pipeline.states
            closed = self._drain(states.keys())
            lag_ms = self._pipeline.statistics.venue_lags.percentiles()[0] if closed else None
            for number, (symbol, state) in enumerate(states.items()):
                if symbol not in self._instruments:
                    continue
                is_live = state.book_state == "live" and not state.is_crossed
                sight = self._look(symbol, state) if is_live else None
                is_turn = (number + self._round) % ROUNDS_A_SECOND == 0
                forming = state.candles.forming_of_trades() if is_turn else {}
                wide = state.rules.book.best(WIDE_LEVELS) if is_turn and is_live else None
                news = closed.get(symbol, [])
                if news or sight or forming or wide or not is_live:
                    # What closes before its instrument's first event is history: by our clock it is late.
                    at = (state.venue_time(now_ms, lag_ms) or now_ms) if news else 0
                    found[symbol] = Seen(news, at, sight, is_live, forming, wide)
            gone = self._followed - states.keys()
            self._followed = self._instruments.keys() & states.keys()
        for symbol in gone:
            self._instruments.pop(symbol, None)
            self._sights.pop(symbol, None)
            self._looked.pop(symbol, None)
        return found

    def _drain(self, followed: Collection[str]) -> dict[str, list[Kline]]:
        """What closed, by symbol; that of an instrument that is still to be taken up waits."""
        found: dict[str, list[Kline]] = {}
        for _ in range(len(self._closed)):
            kline = self._closed.popleft()
            if kline.symbol in self._instruments:
                found.setdefault(kline.symbol, []).append(kline)
            elif kline.symbol in followed:
                self._closed.append(kline)
        return found

    def _look(self, symbol: str, state: InstrumentState) -> Sight | None:
        """The book, if it is another than at the last look."""
        book = state.rules.book
        mark = (book.update_id, book.event_time)
        if self._looked.get(symbol) == mark:
            return None
        self._looked[symbol] = mark
        return Sight(*book.best(LEVELS), book.event_time)

    def _see(self, instrument: InstrumentSignals, symbol: str, seen: Seen, now_ms: int) -> None:
        """A close and its signals first, then the book."""
        if seen.sight is not None:
            self._sights[symbol] = seen.sight
        elif not seen.is_live and self._sights.pop(symbol, None) is not None:
            instrument.lose_book()
            instrument.flows.lose()
        if seen.closed:
            instrument.close(seen.closed, seen.at, _quote(self._sights.get(symbol)), now_ms)
        if seen.sight is not None and (quote := _quote(seen.sight)) and (view := _view(seen.sight, quote)):
            instrument.look(view, quote)
            instrument.flows.look((*seen.sight.bids[0], *seen.sight.asks[0]), quote.time)
        if seen.wide is not None:
            instrument.flows.deepen(*seen.wide)
        instrument.form(seen.forming)

    def _show(self) -> None:
        """Hand what changed to the state, from which it is published."""
        news = {symbol: i for symbol, i in self._instruments.items() if i.changed or i.flows.changed}
        made = {
            symbol: (
                {name: hash_fields(i.said[name], volumes[name]) for name in i.changed},
                overview_part(i.said, volumes),
                flow_part(i.flows),
            )
            for symbol, i in news.items()
            for volumes in (i.volumes(),)
        }
        for instrument in news.values():
            instrument.changed.clear()
            instrument.flows.changed = False
        with self._pipeline.lock:
            for symbol, (fields, part, flows) in made.items():
                if (state := self._pipeline.states.get(symbol)) is not None:
                    state.show_indicators(fields, part, flows)


def _quote(sight: Sight | None) -> Quote | None:
    """None without both sides."""
    if sight is None or not sight.bids or not sight.asks:
        return None
    return Quote(sight.bids[0][0], sight.asks[0][0], sight.time)


def _view(sight: Sight, quote: Quote) -> BookView | None:
    """What rules of the book read."""
    bid, ask = sight.bids[0], sight.asks[0]
    micro = measures.microprice(bid, ask)
    best = measures.imbalance(bid[1], ask[1])
    deep = measures.depth_imbalance(sight.bids, sight.asks, LEVELS)
    if micro is None or best is None or deep is None:
        return None
    return BookView(sight.time, quote.mid, micro, quote.spread_bps, best, deep)
