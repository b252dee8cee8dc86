"""Runs the real collector as a child, against a simulator, on the stores of a test."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from collector.simulator import child

STEP_S = 0.1
_directory = tempfile.TemporaryDirectory()
"""Spools of the collectors that are run; it goes with this process."""


def environment(database_url: str, redis_url: str, port: int, **settings: str) -> dict[str, str]:
    """The environment of a collector that takes `port` of loopback for both venues; its spool is its own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    spool = tempfile.mkdtemp(dir=_directory.name)
    ws, rest = f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}"
    return kept | {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "BYBIT_WS_URL": f"{ws}/v5/public/linear",
        "BYBIT_REST_URL": rest,
        "BINANCE_WS_URL": ws,
        "BINANCE_REST_URL": rest,
        "SPOOL_DIR": spool,
        **settings,
    }


@contextmanager
def collector(env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A running collector; ended with SIGTERM unless it has ended already."""
    process = subprocess.Popen([sys.executable, "-m", "collector"], env=env, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Send a signal and wait; the exit code."""
    if process.poll() is None:
        process.send_signal(number)
    return process.wait(timeout=15)


@contextmanager
def simulator(arguments: Sequence[str] = ()) -> Iterator[int]:
    """A running simulator; its port."""
    process, port = child.start(arguments)
    try:
        yield port
    finally:
        child.stop(process)


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition; the test fails, naming it, if it does not come."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for: {what}"
        time.sleep(STEP_S)
