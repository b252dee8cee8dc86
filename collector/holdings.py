"""Which instruments this worker publishes, and by which right: a later one keeps others from writing."""

from collections.abc import Callable, Mapping, Sequence

from collector.feed import Feed
from collector.floors import Floors
from collector.lifetimes import Lifetimes
from db.hot import keys
from db.hot.batch import Fence
from db.hot.writer import HotWriter, Sent

Epochs = Mapping[str, int]
"""Symbol -> epoch of its lease; 0 where nobody knows of leases."""


class Holdings:
    """Of one publisher, whose thread calls it. `drop(key)` hears of each key that is another's by now."""

    def __init__(
        self, writer: HotWriter, floors: Floors, lifetimes: Lifetimes, drop: Callable[[str], object]
    ) -> None:
        self._writer = writer
        self._floors = floors
        self._lifetimes = lifetimes
        self._drop = drop
        self._epochs: dict[str, Epochs] = {}
        """By venue."""

    def of(self, venue: str) -> Epochs:
        """What of a venue is this worker's to publish."""
        return self._epochs.get(venue, {})

    def fence(self, venue: str, symbol: str) -> Fence | None:
        """What keeps this worker from writing of what is another's by now; None without leases."""
        epoch = self._epochs[venue][symbol]
        return Fence(keys.book(venue, symbol), epoch) if epoch else None

    def renew(self, feeds: Sequence[Feed]) -> Sent | None:
        """Take what is this worker's now; None if that is what it was.

        Who had it until now is kept from writing any more of it; then what Redis holds is looked up, which
        nothing older is to replace. Raises StoreUnavailable.
        """
        found = {feed.name: _epochs_of(feed) for feed in feeds}
        if found == self._epochs:
            return None
        for venue, epochs in found.items():
            for symbol in self._taken(venue, epochs):
                if epochs[symbol]:
                    self._writer.claim(Fence(keys.book(venue, symbol), epochs[symbol]))
        sent = self._writer.send()
        for feed in feeds:
            if taken := self._taken(feed.name, found[feed.name]):
                self._learn(feed, taken)
        before, self._epochs = self._epochs, dict(found)
        for venue, epochs in before.items():
            gone = epochs.keys() - self.of(venue).keys()
            for key in [key for symbol in gone for key in keys.of_symbol(venue, symbol)]:
                self._lifetimes.drop(key)
                self._drop(key)
        return sent

    def _taken(self, venue: str, epochs: Epochs) -> list[str]:
        before = self.of(venue)
        return [symbol for symbol, epoch in epochs.items() if before.get(symbol) != epoch]

    def _learn(self, feed: Feed, taken: Sequence[str]) -> None:
        learned = self._floors.learn(feed.name, taken)
        for key in learned.keys:
            self._lifetimes.take(key)
        with feed.pipeline.lock:
            for symbol in learned.trades.keys() & feed.pipeline.states:
                feed.pipeline.states[symbol].tape.recall(learned.trades[symbol])


def _epochs_of(feed: Feed) -> Epochs:
    with feed.pipeline.lock:
        states = feed.pipeline.states.items()
        return {symbol: state.epoch for symbol, state in states if state.epoch is not None}
