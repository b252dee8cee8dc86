"""The part of a venue's instruments that this worker has; others are known here, and followed elsewhere."""

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from collector.pipeline import Pipeline
from market.instruments import Instrument

GRACE_S = 3.0
"""What another worker took is still followed for so long: by then the other has data of its own."""
YIELD_S = 0.75
"""And who took it from one that goes on does not publish for so long: that one learns of it meanwhile."""


class Feed(Protocol):
    """Who follows instruments."""

    def start(self, instruments: Iterable[Instrument]) -> None:
        """Follow these, and begin."""

    def follow(self, instruments: Iterable[Instrument]) -> None:
        """Follow these too, or know them better."""

    def unfollow(self, symbols: Iterable[str], *, for_good: bool = False) -> None:
        """Follow these no longer; `for_good` if nobody does."""


class Taken(Protocol):
    """Who is told of instruments that were taken from a worker that is gone, or from one that goes on.

    `taken_at`: when, monotonic; that one goes on for GRACE_S from then at least.
    """

    def __call__(self, symbols: Sequence[str], *, is_orphaned: bool, taken_at: float) -> None: ...


class Share:
    """Stands between those who say what is wanted and the feed that follows it. Thread-safe."""

    def __init__(self, venue: str, pipeline: Pipeline, feed: Feed, on_taken: Taken) -> None:
        self.venue = venue
        self._pipeline = pipeline
        self._feed = feed
        self._on_taken = on_taken
        self._lock = threading.Lock()
        self._wanted: dict[str, Instrument] = {}
        self._epochs: dict[str, int] | None = None
        """Symbol -> epoch of what this worker has; None while the leases are not known: then it has all."""
        self._others: dict[str, bool | None] = {}
        self._following: set[str] = set()
        self._awaited: set[str] = set()
        """What is ours, and followed once it is known what was missed of it."""
        self._lost_at: dict[str, float] = {}
        self._taken_at: dict[str, float] = {}
        self._yielding: dict[str, float] = {}
        self._is_started = False

    @property
    def wanted(self) -> set[str]:
        """Every symbol that some worker is to follow."""
        with self._lock:
            return set(self._wanted)

    def want(self, instruments: Iterable[Instrument]) -> None:
        """Say what is wanted, before the start."""
        with self._lock:
            self._wanted |= {instrument.symbol: instrument for instrument in instruments}

    def start(self) -> None:
        """Begin to follow what this worker has."""
        with self._lock:
            self._is_started = True
            mine = [i for i in self._wanted.values() if self._is_clear(i.symbol)]
            self._following = {i.symbol for i in mine}
            self._yield(mine, time.monotonic())
            self._feed.start(mine)
            self._mark()
        self._tell(mine)

    def follow(self, instruments: Iterable[Instrument]) -> None:
        """These are wanted too, or better known. What is new is followed once this worker has it."""
        with self._lock:
            known = list(instruments)
            self._wanted |= {instrument.symbol: instrument for instrument in known}
            mine = [i for i in known if i.symbol in self._following or self._is_clear(i.symbol)]
            new = [i for i in mine if i.symbol not in self._following]
            self._follow(mine)
        self._tell(new)

    def unfollow(self, symbols: Iterable[str]) -> None:
        """These are wanted no longer."""
        with self._lock:
            gone = set(symbols)
            for symbol in gone:
                self._wanted.pop(symbol, None)
            self._unfollow(gone, for_good=True)

    def apply(self, epochs: Mapping[str, int], others: Mapping[str, bool | None], now: float) -> None:
        """Take note of a round. `epochs`: symbol -> epoch of what this worker has; `now`: monotonic.

        `others`: symbol -> whether the one that had it until now goes on for a while. None: it is not known
        yet, and that it is missed from then on would have to be told before any row; so it is waited for.
        """
        with self._lock:
            self._epochs, self._others = dict(epochs), dict(others)
            self._taken_at = {symbol: self._taken_at.get(symbol, now) for symbol in epochs}
            if not self._is_started:
                return
            self._awaited &= epochs.keys()
            known = self._following | self._awaited
            new = [i for s, i in self._wanted.items() if self._is_clear(s) and s not in known]
            self._yielding = {s: until for s, until in self._yielding.items() if now < until and s in epochs}
            handed_over = [i for i in new if others.get(i.symbol)]
            self._yield(handed_over, now)
            self._follow(handed_over)
            self._awaited |= {i.symbol for i in new} - self._following
            for symbol in self._following - epochs.keys():
                self._lost_at.setdefault(symbol, now)
            for symbol in self._lost_at.keys() & epochs.keys():
                del self._lost_at[symbol]
            self._unfollow({s for s, at in self._lost_at.items() if now - at >= GRACE_S})
            self._mark()
        self._tell(new)

    def begin(self, symbols: Iterable[str]) -> None:
        """Follow these now, which nobody followed: what was missed of them is known."""
        with self._lock:
            begun = self._awaited & set(symbols)
            self._awaited -= begun
            self._follow([i for s, i in self._wanted.items() if s in begun and self.is_mine(s)])

    def is_mine(self, symbol: str) -> bool:
        """Whether this worker speaks for a symbol. Takes no lock: whoever asks may hold one of the feed's."""
        epochs = self._epochs
        return epochs is None or symbol in epochs

    def _is_clear(self, symbol: str) -> bool:
        return self.is_mine(symbol) and self._others.get(symbol, False) is not None

    def _yield(self, new: Sequence[Instrument], now: float) -> None:
        self._yielding |= {i.symbol: now + YIELD_S for i in new if self._others.get(i.symbol)}

    def _follow(self, instruments: Sequence[Instrument]) -> None:
        if instruments and self._is_started:
            self._following |= {i.symbol for i in instruments}
            self._feed.follow(instruments)
            self._mark()

    def _unfollow(self, symbols: set[str], *, for_good: bool = False) -> None:
        if found := symbols & self._following:
            self._following -= found
            self._feed.unfollow(found, for_good=for_good)
        for symbol in symbols:
            self._lost_at.pop(symbol, None)

    def _tell(self, new: Sequence[Instrument]) -> None:
        symbols = [instrument.symbol for instrument in new]
        for is_orphaned in (True, False):
            found = [s for s in symbols if self._others.get(s, False) is not is_orphaned]
            if found:
                now = time.monotonic()
                taken_at = min(self._taken_at.get(symbol, now) for symbol in found)
                self._on_taken(found, is_orphaned=is_orphaned, taken_at=taken_at)

    def _mark(self) -> None:
        """Tell who publishes by which right it does; None: another worker does."""
        self._pipeline.elsewhere = frozenset(self._wanted.keys() - self._following)
        with self._pipeline.lock:
            for symbol, state in self._pipeline.states.items():
                epoch = 0 if self._epochs is None else self._epochs.get(symbol)
                if symbol in self._yielding:
                    epoch = None
                if state.epoch is None and epoch is not None and state.recv_time is not None:
                    state.mark_all()
                state.epoch = epoch
