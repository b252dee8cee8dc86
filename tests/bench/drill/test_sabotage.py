"""What a collector can be told to do to itself."""

import threading
import time

import pytest

from bench.drill.sabotage import Clock, Sabotage, obey


def test_the_clock_is_off_by_what_was_said() -> None:
    """Both of its forms, and back again."""
    clock = Clock()
    before = time.time_ns()
    assert obey(clock, "clock -3600") == "done"
    assert -3_601e9 < clock.time_ns() - before < -3_500e9
    assert -3_601 < clock.time() - before / 1e9 < -3_500
    obey(clock, "clock 0")
    assert clock.time_ns() >= before


def test_an_error_comes_out_of_nowhere_in_the_thread_that_is_named() -> None:
    """And in no other; how many there were is the answer."""
    ended: list[type[BaseException]] = []
    began, stopping = threading.Event(), threading.Event()

    def run() -> None:
        try:
            began.set()
            while not stopping.is_set():
                time.sleep(0.001)
        except Sabotage as error:
            ended.append(type(error))

    thread = threading.Thread(target=run, name="victim")
    thread.start()
    began.wait(10)
    assert "victim" in obey(Clock(), "threads").splitlines()
    assert obey(Clock(), "raise nobody") == "0"
    assert obey(Clock(), "raise victim") == "1"
    thread.join(10)
    stopping.set()
    thread.join(10)
    assert ended == [Sabotage]


def test_other_commands_are_refused() -> None:
    """By name."""
    with pytest.raises(ValueError, match="sing"):
        obey(Clock(), "sing")
