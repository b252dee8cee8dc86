"""Which symbols are looked at."""

from collector.backfill import Screen
from db.errors import StoreUnavailable


def test_it_is_not_asked_every_time() -> None:
    """What was read holds for some seconds."""
    reads: list[int] = []

    def read() -> list[str]:
        reads.append(1)
        return ["A", "B"]

    screen = Screen(read)
    assert screen() == screen() == {"A", "B"}
    assert len(reads) == 1


def test_without_redis_nothing_is_on_screen() -> None:
    """And nothing is raised."""

    def read() -> list[str]:
        raise StoreUnavailable("gone")

    assert Screen(read)() == frozenset()
