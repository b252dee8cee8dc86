"""What is fetched aside, and when it counts as silent."""

import threading
from collections.abc import Callable

from app.watch import LOOK_EVERY_S, OVERDUE_S, HistoryWatch, Watched, in_thread
from db.errors import StoreUnavailable
from db.rows import TickerRow
from market.instruments import Instrument
from tests.app.fake_history import FakeHistory


class Aside:
    """A clock, and jobs that run when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0
        self.jobs: list[Callable[[], None]] = []

    def run(self) -> None:
        """Run what was left aside."""
        while self.jobs:
            self.jobs.pop(0)()


def test_a_value_is_fetched_when_it_is_looked_at_and_old() -> None:
    """Nobody looks: nothing is fetched. Many look: one fetch, until the value is old."""
    aside, values = Aside(), iter([1, 2, 3])
    watched = Watched(lambda: next(values), lambda: aside.now, aside.jobs.append)
    assert aside.jobs == []
    assert [watched.look(), watched.look()] == [None, None]
    assert len(aside.jobs) == 1
    aside.run()
    assert (watched.look(), aside.jobs) == (1, [])
    aside.now += LOOK_EVERY_S
    assert watched.look() == 1
    aside.run()
    assert watched.look() == 2


def test_a_failed_fetch_leaves_the_value_before() -> None:
    """It is silent from the failure to the next success."""
    aside, broken = Aside(), [False]

    def fetch() -> str:
        if broken[0]:
            raise StoreUnavailable("Postgres: gone")
        return "value"

    watched = Watched(fetch, lambda: aside.now, aside.jobs.append)
    seen = []
    for is_broken in (False, True, False):
        broken[0], aside.now = is_broken, aside.now + LOOK_EVERY_S
        watched.look()
        aside.run()
        seen.append((watched.look(), watched.is_silent))
    assert seen == [("value", False), ("value", True), ("value", False)]


def test_a_fetch_that_does_not_come_back_is_silence() -> None:
    """And no second one is begun beside it."""
    aside = Aside()
    watched = Watched(lambda: 1, lambda: aside.now, aside.jobs.append)
    watched.look()
    assert not watched.is_silent
    aside.now += OVERDUE_S + 10 * LOOK_EVERY_S
    watched.look()
    assert watched.is_silent
    assert len(aside.jobs) == 1
    aside.run()
    assert not watched.is_silent


def test_the_first_value_is_waited_for() -> None:
    """As long as was said, and not once there is one."""
    proceed = threading.Event()
    watched = Watched(lambda: proceed.wait(10), lambda: 0.0, in_thread)
    assert watched.look(0.01) is None
    proceed.set()
    assert watched.look(10) is True


def test_the_history_is_watched_and_its_last_values_kept() -> None:
    """What was last known stays while Postgres is silent; without any it is empty."""
    aside, history = Aside(), FakeHistory()
    watch = HistoryWatch(history, lambda: aside.now, lambda job: job())
    history.broken = True
    assert watch.is_silent
    assert watch.last_known() == ([], [])
    history.broken, aside.now = False, aside.now + LOOK_EVERY_S
    history.last = [TickerRow("bybit", "BTCUSDT", 1.0)]
    history.known = [Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0)]
    assert not watch.is_silent
    assert watch.last_known() == (history.last, history.known)
    history.broken, aside.now = True, aside.now + LOOK_EVERY_S
    assert watch.is_silent
    assert watch.last_known() == (history.last, history.known)
