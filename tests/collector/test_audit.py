"""Audits: a right book passes, one that has drifted is found and given up."""

import json
from collections.abc import Callable

import pytest

from collector.audit import EVERY_S, GIVE_UP_S, SETTLE_S, Audit
from market.events import BookSnapshot
from tests.collector.fakes import Bench

NOW = 1_763_600_000_000


class Setup:
    """A Bybit book of one level a side, and answers that a test gives by hand."""

    def __init__(self) -> None:
        self.bench = Bench("bybit", "BTCUSDT")
        self.said: list[str] = []
        self.asked: list[Callable[[BookSnapshot | None], None]] = []
        self.audit = Audit(
            self.bench.pipeline,
            lambda _symbol, done: self.asked.append(done),
            lambda event, detail: self.said.append(f"{event}: {detail}"),
        )
        self.now = 0.0
        self.update("snapshot", 1, "2")

    def update(self, kind: str, update_id: int, size: str) -> None:
        data = {"s": "BTCUSDT", "b": [["100", size]], "a": [["101", "1"]], "u": update_id, "seq": update_id}
        message = {"topic": "orderbook.200.BTCUSDT", "type": kind, "ts": NOW, "cts": NOW, "data": data}
        self.bench.pipeline.on_frame(json.dumps(message).encode(), NOW)

    def keep(self, seconds: float) -> None:
        for _ in range(2):  # once to notice an answer, once when it has settled
            self.now += seconds
            self.audit.keep(self.now)

    def answer(self, sequence: int, size: float) -> None:
        """REST's book, and the stream that passes it."""
        self.asked.pop()(BookSnapshot("BTCUSDT", [(100.0, size)], [(101.0, 1.0)], 77, NOW, NOW, sequence))

    @property
    def counts(self) -> tuple[int, int]:
        statistics = self.bench.pipeline.statistics
        return statistics.audits, statistics.audit_mismatches


@pytest.fixture
def setup() -> Setup:
    """An audit that was begun, with an update before and after the snapshot to come."""
    made = Setup()
    made.audit.keep(0.0)
    made.update("delta", 2, "2")
    return made


def test_a_book_that_agrees_passes(setup: Setup) -> None:
    """Once a minute, and its states are not kept any longer than that."""
    setup.answer(2, 2.0)
    setup.update("delta", 3, "3")
    setup.keep(SETTLE_S)
    assert setup.counts == (1, 0)
    assert setup.bench.pipeline.states["BTCUSDT"].watched is None
    assert setup.asked == []
    setup.keep(EVERY_S)
    assert len(setup.asked) == 1


def test_a_book_that_differs_twice_is_given_up(setup: Setup) -> None:
    """The first difference asks again at once; the second is believed."""
    setup.answer(2, 9.0)
    setup.keep(SETTLE_S)
    assert setup.counts == (1, 0)
    assert setup.bench.lost == []
    setup.update("delta", 3, "2")
    setup.answer(3, 9.0)
    setup.keep(SETTLE_S)
    assert setup.counts == (1, 1)
    assert [symbol for symbol, _ in setup.bench.lost] == ["BTCUSDT"]
    assert setup.said == ["audit: BTCUSDT: the book differs from the venue's own at 100"]


def test_a_difference_that_does_not_last_is_none(setup: Setup) -> None:
    """It was a change that came and went between two updates."""
    setup.answer(2, 9.0)
    setup.keep(SETTLE_S)
    setup.update("delta", 3, "4")
    setup.answer(3, 4.0)
    setup.keep(SETTLE_S)
    assert setup.counts == (1, 0)
    assert setup.bench.lost == []


def test_no_answer_is_no_verdict(setup: Setup) -> None:
    """REST is away, or was refused: another book is tried later."""
    setup.keep(GIVE_UP_S)
    assert setup.bench.pipeline.states["BTCUSDT"].watched is None
    setup.asked.clear()
    setup.keep(EVERY_S)
    assert len(setup.asked) == 1
    setup.asked.pop()(None)
    setup.keep(SETTLE_S)
    assert setup.counts == (0, 0)
