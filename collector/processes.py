"""`COLLECTOR_PROCESSES` collectors from one command, which share the instruments by leases."""

import os
import signal
import subprocess
import sys
import time

import structlog

from collector.stopping import Stopping

log = structlog.get_logger()

LOOK_EVERY_S = 0.2
RESTART_AFTER_S = 1.0
END_WITHIN_S = 9.5


def run(count: int, stopping: Stopping) -> int:
    """Run so many children until `stopping` is set, starting again each that ends; the worst exit code.

    A child that cannot be started again at once is tried once a second: the others have its share meanwhile.
    """
    children = {number: _start(number) for number in range(count)}
    restart_at: dict[int, float] = {}
    while not stopping.wait(LOOK_EVERY_S):
        now = time.monotonic()
        for number, child in children.items():
            if child.poll() is not None and number not in restart_at:
                log.error("worker.ended", number=number, status=child.returncode)
                restart_at[number] = now + RESTART_AFTER_S
        for number in [number for number, at in restart_at.items() if at <= now]:
            del restart_at[number]
            children[number] = _start(number)
    return _end(list(children.values()))


def _start(number: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "collector", "--number", str(number), "--parent", str(os.getpid())]
    return subprocess.Popen(command)


def _end(children: "list[subprocess.Popen[bytes]]") -> int:
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + END_WITHIN_S
    for child in children:
        try:
            child.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
    return max(abs(int(child.returncode)) for child in children)
