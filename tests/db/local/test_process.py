"""Child processes that cannot outlive us."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from db.local.process import Program, birth, command_line, signal_group, spawn, tail

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[3]
PARENT = """
import sys, time
from pathlib import Path
from db.local.process import Program, spawn
child = spawn(Program("child", ("/bin/sleep", "1000"), Path("/"), {}), Path(sys.argv[1]))
print(child.pid, flush=True)
time.sleep(1000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start clears up")
def test_after_a_kill_9_of_the_parent_the_child_ends(tmp_path: Path) -> None:
    """The kernel sends the child its stop signal."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert birth(child)
        parent.kill()
    deadline = time.monotonic() + 20
    while birth(child):
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.005)


def test_a_child_has_a_group_of_its_own_and_our_environment_is_not_its(tmp_path: Path) -> None:
    """Ctrl-C in the terminal doesn't reach it; only what it was given does."""
    log = tmp_path / "log"
    child = spawn(
        Program("child", ("/bin/sh", "-c", "echo $$ $A $HOME; sleep 0.05"), Path("/"), {"A": "1"}), log
    )
    assert os.getpgid(child.pid) == child.pid
    child.wait()
    assert tail(log) == [f"{child.pid} 1"]


def test_birth_tells_two_processes_with_one_pid_apart() -> None:
    """It never changes while the process lives; a dead or reaped one has none."""
    assert birth(os.getpid()) == birth(os.getpid()) != ""
    with subprocess.Popen(["/bin/sleep", "1000"]) as child:
        assert birth(child.pid)
        while not (command := command_line(child.pid)):  # the kernel shows it a moment later
            assert birth(child.pid)
        assert command == "/bin/sleep 1000"
        child.kill()
    assert (birth(child.pid), command_line(child.pid)) == ("", "")


def test_a_signal_to_a_group_that_is_gone_is_no_error() -> None:
    """It ended by itself in the meantime."""
    with subprocess.Popen(["/bin/sleep", "1000"], process_group=0) as child:
        signal_group(child.pid, signal.SIGKILL)
    signal_group(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL


def test_the_tail_of_a_log_is_its_last_lines_that_say_something(tmp_path: Path) -> None:
    """Empty lines don't count; bytes that are no text don't break it."""
    log = tmp_path / "log"
    assert tail(log) == []
    log.write_bytes(b"".join(b"line %d \n\n" % number for number in range(5000)) + b"\xff\n")
    assert tail(log, 3) == ["line 4998", "line 4999", "\ufffd"]
