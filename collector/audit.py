"""Compares one book after the other, at random, with what REST says of it: does what we keep still hold?"""

import random
from collections import deque
from collections.abc import Callable

import structlog

from collector.pipeline import Pipeline
from market.audit import Seen, differences
from market.events import BookSnapshot

log = structlog.get_logger()

EVERY_S = 60.0
SETTLE_S = 2.0
"""How long after the answer the stream may take to pass the moment of the snapshot."""
GIVE_UP_S = 30.0
WATCHED = 5_000
"""Updates that are kept of the book that is audited; over a minute of the fastest stream."""

Ask = Callable[[str, Callable[[BookSnapshot | None], None]], None]


class Audit:
    """The audits of one venue. `ask(symbol, done)` fetches a snapshot soon. Kept by a thread of its venue."""

    def __init__(self, pipeline: Pipeline, ask: Ask, record: Callable[[str, str], None]) -> None:
        """`record(event, detail)` keeps what is found for people to read."""
        self._pipeline = pipeline
        self._ask = ask
        self._record = record
        self._next_at = float("-inf")
        self._symbol = ""
        self._began_at = self._answered_at = 0.0
        self._answers: deque[BookSnapshot | None] = deque()
        self._suspects: list[float] = []
        """Prices that differed in this book's first audit; only what differs twice is believed."""

    def keep(self, now: float) -> None:
        """Do what is due. `now`: monotonic seconds."""
        if not self._symbol:
            if now >= self._next_at:
                self._next_at = now + EVERY_S
                self._begin(self._choose(), now)
        elif not self._answers:
            if now - self._began_at > GIVE_UP_S:
                self._end()
        elif not self._answered_at:
            self._answered_at = now
        elif now - self._answered_at >= SETTLE_S:
            self._compare(self._answers.popleft(), now)

    def _choose(self) -> str:
        """A live book, "" if there is none."""
        with self._pipeline.lock:
            live = [s for s, state in self._pipeline.states.items() if state.book_state == "live"]
        return random.choice(live) if live else ""

    def _begin(self, symbol: str, now: float) -> None:
        if not symbol:
            return
        self._symbol, self._began_at, self._answered_at = symbol, now, 0.0
        answers: deque[BookSnapshot | None] = deque()
        self._answers = answers
        with self._pipeline.lock:
            self._pipeline.states[symbol].watched = deque(maxlen=WATCHED)
        self._ask(symbol, answers.append)

    def _end(self) -> None:
        with self._pipeline.lock:
            if (state := self._pipeline.states.get(self._symbol)) is not None:
                state.watched = None
        self._symbol, self._suspects = "", []

    def _compare(self, snapshot: BookSnapshot | None, now: float) -> None:
        symbol, suspects = self._symbol, self._suspects
        with self._pipeline.lock:
            state = self._pipeline.states.get(symbol)
            seen: list[Seen] = list(state.watched or ()) if state is not None else []
        self._end()
        if snapshot is None or (found := differences(snapshot, seen)) is None:
            return
        statistics = self._pipeline.statistics
        if not suspects:
            statistics.audits += 1
            if found:
                self._begin(symbol, now)
                self._suspects = found
            return
        if wrong := sorted(set(found) & set(suspects)):
            statistics.audit_mismatches += 1
            words = f"differs from the venue's own at {', '.join(f'{price:g}' for price in wrong[:5])}"
            self._record("audit", f"{symbol}: the book {words}")
            self._pipeline.lose_book(symbol, "sequence", f"an audit found that it {words}")
