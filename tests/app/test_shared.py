"""Who makes a shared value, and who gets which."""

import threading
from collections.abc import Callable

import pytest

from app.shared import WAIT_AGE_S, Shared
from tests.app.fakes import FakeTime

MAX_AGE_S = 0.5


class Maker:
    """Makes 1, 2, 3 …; from the second on it waits for `proceed` while `is_slow`."""

    def __init__(self) -> None:
        self.made = 0
        self.is_slow = False
        self.inside, self.proceed = threading.Event(), threading.Event()

    def __call__(self) -> int:
        if self.is_slow:
            self.inside.set()
            assert self.proceed.wait(10)
        self.made += 1
        return self.made


def in_thread(job: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=job, daemon=True)
    thread.start()
    return thread


def test_it_is_made_anew_only_when_it_is_old() -> None:
    """However often it is asked for."""
    time, make = FakeTime(), Maker()
    shared = Shared[int](time.clock.monotonic, MAX_AGE_S)
    assert [shared.get(make) for _ in range(3)] == [1, 1, 1]
    time.elapsed_s = MAX_AGE_S
    assert [shared.get(make) for _ in range(3)] == [2, 2, 2]


def test_while_it_is_made_the_others_get_the_one_before() -> None:
    """They do not wait."""
    time, make = FakeTime(), Maker()
    shared = Shared[int](time.clock.monotonic, MAX_AGE_S)
    shared.get(make)
    make.is_slow, time.elapsed_s = True, MAX_AGE_S
    maker = in_thread(lambda: shared.get(make))
    assert make.inside.wait(10)
    assert shared.get(make) == 1
    make.proceed.set()
    maker.join(10)
    assert shared.get(make) == 2


@pytest.mark.parametrize("is_first", [True, False])
def test_where_there_is_none_or_an_ancient_one_they_wait(*, is_first: bool) -> None:
    """And make no second one."""
    time, make = FakeTime(), Maker()
    shared = Shared[int](time.clock.monotonic, MAX_AGE_S)
    if not is_first:
        shared.get(make)
    make.is_slow, time.elapsed_s = True, WAIT_AGE_S * 2
    got: list[int] = []
    makers = [in_thread(lambda: got.append(shared.get(make))) for _ in range(3)]
    assert make.inside.wait(10)
    make.proceed.set()
    for maker in makers:
        maker.join(10)
    newest = 1 if is_first else 2
    assert (got, make.made) == ([newest] * 3, newest)


def test_a_failure_is_its_makers_and_the_next_one_tries_again() -> None:
    """Nothing stays locked."""
    time = FakeTime()
    answers = iter([ValueError("no"), None])

    def make() -> str:
        if error := next(answers):
            raise error
        return "made"

    shared = Shared[str](time.clock.monotonic, MAX_AGE_S)
    with pytest.raises(ValueError, match="no"):
        shared.get(make)
    assert shared.get(make) == "made"
