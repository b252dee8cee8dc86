"""Which topic each book comes from, and how a book that was lost is had again."""

import time
from collections.abc import Callable, Sequence

from collector.ledger import Ledger
from collector.line import Line
from collector.pipeline import Pipeline
from collector.resync import Resync
from collector.venues import Adapter, Plan, Topic
from market.book_rules import BookRules, PartialBook

RETURN_AFTER_S = 300.0
"""How long REST must have answered before a book is built on its snapshots again."""


class Books:
    """The books of one venue, wherever their topics are carried."""

    def __init__(
        self,
        lines: Sequence[Line],
        pipeline: Pipeline,
        venue: Adapter,
        plan: Plan,
        resync: Resync,
        ledger: Ledger,
        record: Callable[[str, str], None],
    ) -> None:
        """`lines` is the feed's own list, as it changes."""
        self._lines = lines
        self._pipeline = pipeline
        self._venue = venue
        self._plan = plan
        self._resync = resync
        self._ledger = ledger
        resync.on_hopeless = self._fall_back
        self._record = record
        self._fallen: dict[str, float] = {}
        """Symbols whose book comes from a stream of whole tops, and since when, monotonic."""

    def on_book_lost(self, symbol: str, cause: str, reason: str) -> None:
        """Get the one book back: by a snapshot where REST gives it, else by a fresh subscription."""
        self._record("resync", f"{symbol}: {reason}")
        found = self._find(symbol)
        if found is None:
            return
        line, topic = found
        if cause:
            line.losses.lose(topic, cause, reason)
        if not self._resync.uses_rest:
            line.renew([topic.name])

    def on_book_live(self, symbol: str, event_time: int, *, is_unbroken: bool) -> None:
        """A book is whole again."""
        if (found := self._find(symbol)) is not None:
            line, topic = found
            line.losses.regain(topic, event_time, is_unbroken=is_unbroken)

    def keep(self, now: float, *, is_rest_well: bool) -> None:
        """Build books on snapshots again, once REST has answered for a while. `now`: monotonic seconds."""
        if not is_rest_well:
            self._fallen = dict.fromkeys(self._fallen, now)
        for symbol in [s for s, since in self._fallen.items() if now - since >= RETURN_AFTER_S]:
            del self._fallen[symbol]
            usual = next(t for t in self._venue.topics(symbol, self._plan) if t.channel == "book")
            if self._replace(symbol, usual, self._venue.make_book(self._plan)):
                self._record("fallback", f"{symbol}: REST answers again, {usual.name} as before")

    def _fall_back(self, symbol: str) -> None:
        """REST gives no snapshot to build this book on: take the stream of whole tops instead."""
        replacement = self._venue.book_without_rest(symbol)
        if replacement is not None and self._replace(symbol, replacement, PartialBook()):
            self._fallen[symbol] = time.monotonic()
            self._record("fallback", f"{symbol}: no snapshot by REST, {replacement.name} instead")

    def _replace(self, symbol: str, topic: Topic, rules: BookRules) -> bool:
        """Take a symbol's book from another topic; False if it is not followed or is on it already."""
        found = self._find(symbol)
        if found is None or found[1].name == topic.name:
            return False
        line, old = found
        with self._pipeline.lock:
            if (state := self._pipeline.states.get(symbol)) is None:
                return False
            state.lose_book("syncing")  # its levels, which stay to be seen, are in the old rules
            state.rules = rules
        self._ledger.replace(old, topic)
        clock = line.drop([old.name]).get(old.name)
        line.add([topic], {topic.name: clock} if clock is not None else {})
        return True

    def _find(self, symbol: str) -> tuple[Line, Topic] | None:
        for line in list(self._lines):
            for topic in list(line.topics.values()):
                if topic.symbol == symbol and topic.channel == "book":
                    return line, topic
        return None
