"""A writer in a process of its own that may end at any moment: what had left it is there, and once."""

import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.collector.faults import OwnPostgres
from tests.collector.running import until

pytestmark = pytest.mark.stores

RATE = 1_000
FLUSH_MS = 100


class Feeder:
    """A running feeder: `count` says how many ticks it has given so far."""

    def __init__(self, process: "subprocess.Popen[str]", first: int) -> None:
        self.process, self.first, self.count = process, first, 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.strip().isdigit():
                self.count = int(line)

    def end(self, number: int) -> int:
        """Send a signal and wait; the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        self._reader.join(10)
        return code


@contextmanager
def feeder(server: OwnPostgres, directory: Path, first: int) -> Iterator[Feeder]:
    """A feeder that begins with tick number `first`; killed at the end if it still runs."""
    arguments = [server.url, str(directory), str(first), str(RATE), str(FLUSH_MS)]
    command = [sys.executable, "-m", "tests.collector.feeder", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Feeder(process, first)
    finally:
        process.kill()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def stored(server: OwnPostgres) -> list[int]:
    rows = server.execute("SELECT update_id FROM tick_rows ORDER BY update_id")
    return [int(str(row[0])) for row in rows]


def test_x1_sigterm_leaves_nothing_in_memory(server: OwnPostgres, tmp_path: Path) -> None:
    """With the database there all is in it; without it all is on disk, and exit code 0 says so."""
    with feeder(server, tmp_path, 0) as running:
        until(lambda: running.count > RATE, 30, "rows")
        assert running.end(signal.SIGTERM) == 0
    total = running.count
    assert stored(server) == list(range(total))
    assert list(tmp_path.glob("*.db")) == []

    with feeder(server, tmp_path, total) as running:
        until(lambda: running.count > RATE, 30, "rows")
        server.stop()
        given = running.count
        until(lambda: running.count > given + RATE, 30, "rows without a database")
        asked = time.monotonic()
        assert running.end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < 10
    server.start()
    total += running.count
    assert len(stored(server)) < total
    with feeder(server, tmp_path, total) as running:
        until(lambda: stored(server)[:total] == list(range(total)), 30, "the rows of the spool")


def test_x2_kill_minus_nine_at_any_moment(server: OwnPostgres, tmp_path: Path) -> None:
    """Again and again, with and without a database: only the last moment before each kill is missing."""
    rng = random.Random(7)
    first = 0
    killed: list[tuple[int, int]] = []
    for round_ in range(5):
        with feeder(server, tmp_path, first) as running:
            until(lambda: running.count > 100, 30, "rows")
            if round_ % 2:
                server.stop()
            target = running.count + rng.randrange(200, RATE)
            until(lambda: running.count > target, 30, "more rows")  # noqa: B023  (used at once)
            running.end(signal.SIGKILL)
        if round_ % 2:
            server.start()
        killed.append((first, first + running.count))
        first += running.count + 10_000
    with feeder(server, tmp_path, first) as running:
        until(lambda: running.count > RATE // 2, 30, "rows")
        assert running.end(signal.SIGTERM) == 0
    found = stored(server)
    assert len(found) == len(set(found))
    assert list(tmp_path.glob("*.db")) == []
    there = set(found)
    for start, end in killed:
        missing = [number for number in range(start, end) if number not in there]
        assert all(number >= end - RATE // 2 for number in missing), (
            "rows from before the last moment are missing"
        )
    assert set(range(first, first + running.count)) <= there


def test_x5_a_spool_that_is_wiped_takes_nothing_else_with_it(server: OwnPostgres, tmp_path: Path) -> None:
    """What was only there is lost; the next start is none the wiser and writes on."""
    directory = tmp_path / "spool"
    server.stop()
    with feeder(server, directory, 0) as running:
        until(lambda: running.count > RATE, 30, "rows")
        assert running.end(signal.SIGTERM) == 0
    shutil.rmtree(directory)
    server.start()
    with feeder(server, directory, 50_000) as running:
        until(lambda: running.count > RATE // 2, 30, "rows")
        assert running.end(signal.SIGTERM) == 0
    assert stored(server) == list(range(50_000, 50_000 + running.count))
