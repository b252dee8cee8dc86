"""Places of an address, in one process and in several."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.stream.places import Places

ROOT = Path(__file__).parents[3]
SIBLING = """
import sys
from app.stream.places import Places
places = Places(2)
places.share(int(sys.argv[1]))
print("yes" if places.take("192.0.2.1") else "no", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file() -> Iterator[int]:
    found, name = tempfile.mkstemp()
    Path(name).unlink()
    yield found
    os.close(found)


def sibling(file: int) -> subprocess.Popen[str]:
    """Another process, which takes one place and holds it until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", SIBLING, str(file)],
        cwd=ROOT,
        pass_fds=[file],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_an_address_has_so_many_places() -> None:
    """One that is given back can be taken again; other addresses have their own."""
    places = Places(2)
    first, second = places.take("192.0.2.1"), places.take("192.0.2.1")
    assert first is not None
    assert second is not None
    assert places.take("192.0.2.1") is None
    assert places.take("192.0.2.2") is not None
    first()
    assert places.take("192.0.2.1") is not None
    assert places.take("192.0.2.1") is None


def test_zero_is_no_limit() -> None:
    """As many as come."""
    places = Places(0)
    assert all(places.take("192.0.2.1") for _ in range(100))


def test_processes_count_together_and_the_dead_hold_nothing(file: int) -> None:
    """Two places for two processes; the one of a process that was killed is free at once."""
    places = Places(2)
    places.share(file)
    ours = places.take("192.0.2.1")
    assert ours is not None
    with sibling(file) as first, sibling(file) as second:
        answers = sorted((answer(first), answer(second)))
        assert answers == ["no", "yes"]
        assert places.take("192.0.2.1") is None
        for process in (first, second):
            process.kill()
            process.wait()
        again = places.take("192.0.2.1")
        assert again is not None
        again()
        ours()
        with sibling(file) as third, sibling(file) as fourth:
            assert (answer(third), answer(fourth)) == ("yes", "yes")
            for process in (third, fourth):
                process.kill()
