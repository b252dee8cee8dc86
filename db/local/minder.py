"""Runs a command that starts processes of its own, and ends all of them when whoever wants it ends.

A program of the standard library alone: `python minder.py PARENT COMMAND…`, in a new process group.
SIGTERM, which on Linux also comes when the parent is killed, ends the whole group; a child that is only told
of its parent's end (see `db.local.process`) would leave its own children behind.
"""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def run_minded(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, its output kept. Whatever ends us meanwhile ends all that it started."""
    program = [sys.executable, "-I", str(Path(__file__).resolve()), str(os.getpid()), *command]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            process.terminate()
            raise
    return subprocess.CompletedProcess(list(command), process.returncode, output, errors)


def _main(parent: int, command: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: os.killpg(0, signal.SIGKILL))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return 1
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(_main(int(sys.argv[1]), sys.argv[2:]))
