"""Getting a book whole again: which ones wait for a REST snapshot, and when to ask for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from collector.pipeline import Pipeline
from collector.state import InstrumentState
from collector.venues import Topic
from market.book_rules import DiffBook

FIRST_DELTA_S = 2.0
"""How long to wait for the first delta; a quiet symbol gets its snapshot without one."""
RETRY_S = (1.0, 2.0, 5.0, 15.0, 60.0)
CROSSED_S = 1.0
HOPELESS_S = 10.0
"""Where REST gives no answers, a stream of whole tops is better than no book after this long."""
PATIENCE_S = 60.0
"""The same where it does give answers: many books wait for their turn, or none has fitted yet."""
STEADY_S = 30.0
"""A book that was whole for so long is asked for at once when it is lost."""
AGAIN_S = (1.0, 2.0, 4.0)
"""How long after it was made whole the same book is asked for again, where that did not last so long."""


@dataclass(slots=True)
class _Wait:
    """A book that waits for a snapshot. Times: monotonic seconds."""

    symbol: str
    since: float
    next_ask_at: float
    tries: int = 0
    breaks: int = 0
    """How often of late the book did not stay whole."""
    is_asked: bool = False

    def ask(self, now: float) -> bool:
        """Whether it is to be asked for now; then it is."""
        if self.is_asked or now < self.next_ask_at:
            return False
        self.is_asked = True
        self.next_ask_at = now + RETRY_S[min(self.tries, len(RETRY_S) - 1)]
        self.tries += 1
        return True


class Resync:
    """Watches the books of one venue. `ask(symbol, done)` fetches a snapshot and calls `done(fitted)`."""

    def __init__(self, ask: Callable[[str, Callable[[bool], None]], None] | None) -> None:
        self.uses_rest = ask is not None
        self.on_hopeless: Callable[[str], None] = lambda _symbol: None
        """Called with a symbol for which REST gives no snapshot."""
        self._ask = ask
        self._waits: dict[str, _Wait] = {}
        """Books that are lost."""
        self._renewals: dict[str, _Wait] = {}
        """Books that go on, and whose snapshot is nearly used up."""
        self._healed: dict[str, tuple[float, int]] = {}
        """When each book was last made whole, and how often of late."""

    def begin(self, pipeline: Pipeline, topics: Iterable[Topic]) -> None:
        """A new connection carries these: a sequence begins, and what was asked before is void."""
        with pipeline.lock:
            for topic in topics:
                pipeline.begin(topic)
                if topic.channel == "book":
                    self._waits.pop(topic.symbol, None)
                    self._renewals.pop(topic.symbol, None)
                    self._healed.pop(topic.symbol, None)

    def keep(self, pipeline: Pipeline, now: float, *, is_rest_well: bool) -> None:
        """Ask for the snapshots that are due, and give up books that cannot be right."""
        with pipeline.lock:
            crossed = [s for s, state in pipeline.states.items() if _stays_crossed(state, now)]
            due = [found for s, state in pipeline.states.items() if (found := self._due(s, state, now))]
            patience_s = PATIENCE_S if is_rest_well else HOPELESS_S
            hopeless = [s for s, wait in self._waits.items() if now - wait.since >= patience_s]
        for symbol in crossed:
            pipeline.lose_book(symbol, "crossed", "crossed for a second")
        for wait in due:
            self._request(wait)
        for symbol in hopeless:
            self._waits.pop(symbol, None)
            self.on_hopeless(symbol)

    def _due(self, symbol: str, state: InstrumentState, now: float) -> _Wait | None:
        """A wait for a snapshot that is to be asked for now."""
        rules = state.rules
        if not self.uses_rest or not isinstance(rules, DiffBook):
            return None
        if rules.book.is_live:
            return self._renewal(symbol, rules, now)
        if not state.is_attached:
            self._waits.pop(symbol, None)
            return None
        self._renewals.pop(symbol, None)
        wait = self._waits.get(symbol) or self._begin_to_wait(symbol, now)
        is_ready = rules.has_buffered or now - wait.since >= FIRST_DELTA_S
        return wait if is_ready and wait.ask(now) else None

    def _renewal(self, symbol: str, rules: DiffBook, now: float) -> _Wait | None:
        """The book is whole: a new snapshot is asked for early, while it goes on."""
        if (held := self._waits.pop(symbol, None)) is not None:
            self._healed[symbol] = now, held.breaks + 1
        if not (rules.is_renewing or rules.is_low):
            self._renewals.pop(symbol, None)
            return None
        rules.renew()
        wait = self._renewals.setdefault(symbol, _Wait(symbol, now, now))
        return wait if wait.ask(now) else None

    def _begin_to_wait(self, symbol: str, now: float) -> _Wait:
        healed_at, breaks = self._healed.pop(symbol, (now, 0))
        if not breaks or now - healed_at >= STEADY_S:
            wait = _Wait(symbol, now, now)
        else:
            wait = _Wait(symbol, now, healed_at + AGAIN_S[min(breaks, len(AGAIN_S)) - 1], breaks=breaks)
        self._waits[symbol] = wait
        return wait

    def _request(self, wait: _Wait) -> None:
        assert self._ask is not None

        def done(_fitted: bool) -> None:
            wait.is_asked = False

        self._ask(wait.symbol, done)


def mark_books(pipeline: Pipeline, topics: Iterable[Topic], mark: Callable[[InstrumentState], None]) -> None:
    """Say of the books among these how they are."""
    with pipeline.lock:
        for topic in list(topics):
            if topic.channel == "book" and (state := pipeline.states.get(topic.symbol)) is not None:
                mark(state)


def _stays_crossed(state: InstrumentState, now: float) -> bool:
    return state.crossed_since is not None and now - state.crossed_since >= CROSSED_S
