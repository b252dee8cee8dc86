"""Which venues run, and when the simulator does."""

import time
from typing import Any

import pytest

from collector.assembly import Address
from collector.feeds import PATIENCE_S, SIMULATE_AGAIN_S, Feeds
from collector.simulator import child
from tests.app.fakes import settings


class Run:
    """A venue that runs, and gives data where the test says so."""

    def __init__(self, address: Address) -> None:
        self.name = address.name
        self.feed: Any = self
        self.is_alive = False

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def join(self, _deadline: float) -> None: ...

    def keep(self, _now: float) -> None: ...

    def prices(self) -> dict[str, float]:
        return {}


class Child:
    """The simulator's process."""

    returncode = -9

    def __init__(self) -> None:
        self.is_dead = False

    def poll(self) -> int | None:
        return self.returncode if self.is_dead else None


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child | None]:
    """What the next starts of the simulator bring; None fails."""
    waiting: list[Child | None] = []

    def start() -> tuple[Child, int]:
        if (made := waiting.pop(0)) is None:
            raise RuntimeError("expected the simulator to be ready")
        return made, 1234

    monkeypatch.setattr(child, "start", start)
    monkeypatch.setattr(child, "stop", lambda _child: 0)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    return waiting


def made(feeds: str) -> Feeds:
    return Feeds(settings(feeds=feeds, venues=["bybit"]), Run, lambda _name: None)  # type: ignore[arg-type]


def names(feeds: Feeds) -> list[str]:
    return [run.name for run in feeds.running]


def test_a_simulator_that_does_not_start_is_tried_again(children: list[Child | None]) -> None:
    """Now and then; live venues are served meanwhile."""
    feeds = made("auto")
    feeds.start()
    children += [None, Child()]
    feeds.keep(PATIENCE_S)
    feeds.keep(PATIENCE_S + SIMULATE_AGAIN_S - 0.1)
    assert (names(feeds), len(children)) == (["bybit"], 1)
    feeds.keep(PATIENCE_S + SIMULATE_AGAIN_S)
    assert names(feeds) == ["bybit", "sim-bybit"]


def test_a_simulator_that_dies_is_started_again(children: list[Child | None]) -> None:
    """Also where that fails at first."""
    first, later = Child(), Child()
    children += [first, None, later]
    feeds = made("sim")
    feeds.start()
    assert names(feeds) == ["sim-bybit"]
    first.is_dead = True
    feeds.keep(1.0)
    assert names(feeds) == []
    feeds.keep(1.0 + SIMULATE_AGAIN_S)
    assert names(feeds) == ["sim-bybit"]


def test_live_data_ends_the_simulator_for_good(children: list[Child | None]) -> None:
    """Also one that has yet to start."""
    feeds = made("auto")
    feeds.start()
    children += [None]
    feeds.keep(PATIENCE_S)
    feeds._live[0].is_alive = True  # type: ignore[attr-defined]  # it is a fake
    feeds.keep(PATIENCE_S + 1)
    feeds.keep(PATIENCE_S + SIMULATE_AGAIN_S * 2)
    assert (names(feeds), children) == (["bybit"], [])
