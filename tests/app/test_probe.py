"""Asking aside, for a moment."""

import threading
from collections.abc import Callable

import pytest

from app.probe import Probe
from db.errors import AccessRefused, StoreUnavailable


def test_an_answer_comes_back() -> None:
    """Each question is a new one."""
    answers = iter([1, 2])
    probe = Probe(lambda: next(answers), lambda job: job())
    assert [probe.begin()(0), probe.begin()(0)] == [1, 2]


def test_a_refusal_is_raised_as_it_came() -> None:
    """With its kind, which says what is wrong."""

    def ask() -> int:
        raise AccessRefused("Postgres: no")

    with pytest.raises(AccessRefused):
        Probe(ask, lambda job: job()).begin()(0)


def test_what_does_not_come_in_time_is_unavailable_and_not_asked_twice() -> None:
    """Whoever comes meanwhile waits for the same answer; it may still come."""
    jobs: list[Callable[[], None]] = []
    probe = Probe(lambda: "answer", jobs.append)
    first, second = probe.begin(), probe.begin()
    assert len(jobs) == 1
    with pytest.raises(StoreUnavailable, match="in time"):
        first(0)
    jobs.pop()()
    assert (first(0), second(0)) == ("answer", "answer")
    probe.begin()
    assert len(jobs) == 1


def test_it_waits_in_a_thread_of_its_own() -> None:
    """As long as was said."""
    proceed = threading.Event()
    wait = Probe(lambda: proceed.wait(10)).begin()
    with pytest.raises(StoreUnavailable):
        wait(0.01)
    proceed.set()
    assert wait(10) is True
