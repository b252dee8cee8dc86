"""Being asked to end, at whatever moment."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any, cast

import pytest

from collector.stopping import Stopping


@pytest.fixture
def stopping() -> Iterator[Stopping]:
    """One that hears signals; who heard them before does so again afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    found = Stopping()
    found.hear()
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait(stopping: Stopping, number: int) -> None:
    """Also one that comes while the event's own lock is held, and again."""
    assert not stopping.wait(0.0)
    with cast(Any, stopping._event)._cond:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert stopping.wait()


def test_a_part_that_cannot_go_on_ends_the_wait(stopping: Stopping) -> None:
    """From another thread, without waiting for the next look."""
    threading.Timer(0.01, stopping.set).start()
    assert stopping.wait()


def test_time_runs_out(stopping: Stopping) -> None:
    """Neither earlier nor never."""
    began = time.monotonic()
    assert not stopping.wait(0.15)
    assert time.monotonic() - began >= 0.15
