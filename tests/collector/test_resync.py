"""When a book that was lost is asked for: at once, and less often where that did not last."""

from collections.abc import Callable

import pytest

from collector.resync import AGAIN_S, STEADY_S, Resync
from collector.venues import Decoded
from market.events import BookDelta, BookSnapshot
from tests.collector.fakes import Bench

SYMBOL = "BTCUSDT"


class Rig:
    """A Binance book whose snapshots come at once and fit, by a clock of the test's own."""

    def __init__(self) -> None:
        self.bench = Bench("binance", SYMBOL)
        self.asked: list[float] = []
        self.resync = Resync(self._ask)
        self.now = 100.0
        self._number = 10
        self.state = self.bench.pipeline.states[SYMBOL]
        self.state.attach()

    def _ask(self, _symbol: str, done: Callable[[bool], None]) -> None:
        self.asked.append(self.now)
        self._number += 10
        levels = [(100.0 + n, 1.0) for n in range(60)]
        bids = [(99.0 - n / 2, 1.0) for n in range(60)]
        done(self.bench.pipeline.on_snapshot(BookSnapshot(SYMBOL, bids, levels, self._number, 1, 1)))

    def lose(self) -> None:
        """A delta before the next is missing."""
        delta = BookDelta(SYMBOL, [], [], self._number + 9, 2, 2, self._number + 8, self._number + 7)
        self.state.rules.on_delta(BookDelta(SYMBOL, [], [], self._number + 1, 1, 1, 0, self._number))
        self.bench.pipeline.lose_book(SYMBOL, "sequence", "test")
        self.state.rules.on_delta(delta)
        self._number += 20

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.1
            self.resync.keep(self.bench.pipeline, self.now, is_rest_well=True)

    def heal(self) -> float:
        """Seconds until the book is whole."""
        began = self.now
        while not self.state.rules.book.is_live:
            self.wait(0.1)
        self.wait(0.1)
        return self.now - began


def test_a_book_that_breaks_again_and_again_is_asked_for_less_and_less() -> None:
    """One that was whole for a while is asked for at once, as at first."""
    rig = Rig()
    rig.heal()
    waits = []
    for _ in range(4):
        rig.lose()
        waits.append(rig.heal())
    assert len(rig.asked) == 5
    assert waits == pytest.approx([*AGAIN_S, AGAIN_S[-1]], abs=0.4)
    rig.wait(STEADY_S)
    rig.lose()
    assert rig.heal() < 0.5


def deep(update_id: int, best: int) -> BookSnapshot:
    """As many levels as are asked for: there are more."""
    bids = [(float(best - n), 1.0) for n in range(1000)]
    asks = [(float(5_000 + n), 1.0) for n in range(1000)]
    return BookSnapshot(SYMBOL, bids, asks, update_id, 1, 1)


def fall(bench: Bench, chain: range) -> None:
    """The best bids go, one with each delta: after number n the best is 4,000 - n."""
    for n in chain:
        bids = [(4_001.0 - n, 0.0)]
        delta = BookDelta(SYMBOL, bids, [], n, 1, 1, None, n - 1)
        bench.pipeline.replay([(Decoded("", [delta]), 1)])


def test_a_market_that_leaves_its_snapshot_gets_the_next_before_that() -> None:
    """The book goes on meanwhile, however long the answer takes; nothing is lost."""
    bench = Bench("binance", SYMBOL)
    waiting: list[Callable[[bool], None]] = []
    resync = Resync(lambda _symbol, done: waiting.append(done))
    state = bench.pipeline.states[SYMBOL]
    state.attach()
    bench.pipeline.on_snapshot(deep(0, 4_000))
    fall(bench, range(1, 501))
    resync.keep(bench.pipeline, 100.0, is_rest_well=True)
    assert waiting == []
    fall(bench, range(501, 600))
    for now in (100.1, 100.2):
        resync.keep(bench.pipeline, now, is_rest_well=True)
    fall(bench, range(600, 700))
    assert len(waiting) == 1
    assert bench.pipeline.on_snapshot(deep(650, 3_350))
    waiting.pop()(True)
    assert state.rules.book.top()[0] == 4_000 - 699
    assert len(state.rules.book.bids.prices) == 1000 - 49
    resync.keep(bench.pipeline, 101.0, is_rest_well=True)
    assert (waiting, bench.lost, state.book_state) == ([], [], "live")


def test_a_book_with_too_few_proven_levels_is_withheld_at_once() -> None:
    """By the very event that took them, and asked for as one that was lost."""
    bench = Bench("binance", SYMBOL)
    state = bench.pipeline.states[SYMBOL]
    state.attach()
    bench.pipeline.on_snapshot(deep(0, 4_000))
    fall(bench, range(1, 981))
    assert (state.book_state, bench.lost) == ("live", [])
    fall(bench, range(981, 982))
    assert (state.book_state, bench.lost) == ("syncing", [(SYMBOL, "too few proven levels")])
    assert bench.pipeline.on_snapshot(deep(981, 3_019))
    assert (state.book_state, bench.pipeline.statistics.gaps) == ("live", 0)
