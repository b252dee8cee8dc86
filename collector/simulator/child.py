"""Start the simulator as a child process, and wait until it listens."""

import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO


def start(arguments: Sequence[str] = (), timeout_s: float = 15.0) -> tuple[subprocess.Popen[bytes], int]:
    """The running child and its port. It ends with this process, or when it is sent SIGTERM.

    `arguments` are those of `python -m collector.simulator`. Raises RuntimeError if the child is not ready
    within `timeout_s`; it is stopped then.
    """
    child, (port, *_) = _start(arguments, timeout_s)
    return child, port


def start_with_control(
    arguments: Sequence[str] = (), timeout_s: float = 15.0
) -> tuple[subprocess.Popen[bytes], int, int]:
    """The same, and its control port."""
    child, (port, control) = _start(["--control", "0", *arguments], timeout_s)
    return child, port, control


def _start(arguments: Sequence[str], timeout_s: float) -> tuple[subprocess.Popen[bytes], list[int]]:
    """The child, and the ports that it says are ready."""
    command = [sys.executable, "-m", "collector.simulator", "--with-parent", *arguments]
    root = str(Path(__file__).resolve().parents[2])  # wherever this process was started, the child finds us
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": paths}
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    if child.stdout is None:
        raise RuntimeError("expected a pipe to the simulator, found none")
    line = _first_line(child.stdout, timeout_s)
    if not line.startswith(b"ready "):
        child.kill()
        child.communicate()
        raise RuntimeError(f"expected the simulator to be ready within {timeout_s} s, found {line!r}")
    return child, [int(word) for word in line.split()[1:]]


def stop(child: subprocess.Popen[bytes], timeout_s: float = 5.0) -> int:
    """End the child and wait for it; its exit code."""
    child.terminate()
    try:
        child.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
    return child.returncode


def _first_line(stream: IO[bytes], timeout_s: float) -> bytes:
    """One line, or what there is of it at the end of the stream or of the time."""
    deadline = time.monotonic() + timeout_s
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n") and selector.select(max(0.0, deadline - time.monotonic())):
            piece = stream.read1(4096)  # type: ignore[attr-defined]  # a pipe of Popen is a BufferedReader
            if not piece:
                break
            line += piece
    return line
