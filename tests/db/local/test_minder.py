"""What a command started ends with whoever wanted it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from db.local.process import run_minded

pytestmark = pytest.mark.wire

WAIT_S = 10.0
SLEEPER = "sleep 60 & echo $! > pid; wait"
WANTS = "import sys; from db.local.process import run_minded; run_minded(sys.argv[1:])"


def test_output_and_code_are_those_of_the_command() -> None:
    """Both streams."""
    done = run_minded(["sh", "-c", "echo out; echo err >&2; exit 3"])
    assert (done.returncode, done.stdout, done.stderr) == (3, "out\n", "err\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's end")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_its_children_end_with_us(tmp_path: Path, how: int) -> None:
    """However we end, and although the command would have waited for them."""
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    wants = subprocess.Popen([sys.executable, "-c", WANTS, "sh", "-c", SLEEPER], cwd=tmp_path, env=env)
    written = tmp_path / "pid"
    until(lambda: written.exists() and bool(written.read_text().strip()))
    sleeper = int(written.read_text())
    wants.send_signal(how)
    wants.wait(WAIT_S)
    until(lambda: not is_running(sleeper))


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
