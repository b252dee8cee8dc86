"""Which machine this is, and which of its processes run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from collector.leases import machine


def test_the_name_is_the_same_for_every_process_of_a_machine() -> None:
    """Else a worker would wait for one that ended beside it."""
    code = "from collector.leases.machine import machine_name; print(machine_name('here'))"
    told = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
    assert told == machine.machine_name("here")
    assert told.startswith("here")


def test_where_nothing_marks_the_machine_its_name_is_not_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no /proc."""
    monkeypatch.setattr(machine, "_BOOT", Path("/nowhere"))
    assert machine.machine_name("here") == "here"
    assert not machine.is_sure("here")


def test_a_process_that_ended_does_not_run_even_while_nobody_waited_for_it() -> None:
    """`kill -9` leaves a zombie until the parent looks."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert machine.is_running(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert machine.is_running(process.pid) is not Path("/proc").exists()
    process.communicate()
    assert not machine.is_running(process.pid)
