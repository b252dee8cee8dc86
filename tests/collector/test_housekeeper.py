"""The housekeeper: every job in turn, and none that fails stops another."""

import threading

import pytest

from collector import housekeeper
from collector.housekeeper import SHORTENED, Housekeeper
from db.errors import StoreUnavailable


class House:
    """Remembers what was asked of it; nothing but the guard succeeds."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.was_packed = threading.Event()

    def make_partitions(self) -> None:
        self.calls.append("make")
        raise StoreUnavailable("Postgres: gone")

    def expire(self) -> None:
        self.calls.append("expire")
        raise ValueError("a bug")

    def shrink(self) -> list[str]:
        self.calls.append("shrink")
        return ["ticks before noon are dropped"]

    def pack(self) -> None:
        self.calls.append("pack")
        self.was_packed.set()


def test_every_job_has_its_turn_and_what_went_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is gone and a bug stop none of the others, now and in the next round."""
    monkeypatch.setattr(housekeeper, "GUARD_EVERY_S", 0.001)
    monkeypatch.setattr(housekeeper, "TIDY_EVERY_S", 0.0)
    house, told = House(), []
    keeper = Housekeeper(house, lambda *words: told.append(words))
    keeper.start()
    for _ in range(2):
        assert house.was_packed.wait(10)
        house.was_packed.clear()
    keeper.stop()
    assert house.calls[:8] == ["shrink", "make", "expire", "pack"] * 2
    assert told[0] == ("", SHORTENED, "ticks before noon are dropped")
