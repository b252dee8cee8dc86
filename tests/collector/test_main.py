"""How the worker ends."""

import os
import subprocess
import sys

import pytest

import collector.__main__ as program

pytestmark = pytest.mark.wire

PROGRAM = """
import signal, sys, threading
import collector.__main__ as program

class Worker:
    def __init__(self, settings, on_hopeless, number):
        self.on_hopeless = on_hopeless
    def start(self):
        if "{how}" == "hopeless":
            threading.Thread(target=self.on_hopeless, args=("the password is wrong",)).start()
        else:
            signal.raise_signal(signal.SIGTERM)
    def stop(self):
        return "{how}" != "left"

program.Worker = Worker
sys.exit(program.main())
"""


@pytest.mark.parametrize(("how", "code"), [("well", 0), ("left", 1), ("hopeless", 1)])
def test_the_exit_code_tells_the_platform(how: str, code: int) -> None:
    """0 only when nothing is left in memory and nothing is beyond hope."""
    env = {"DATABASE_URL": "postgresql://nowhere/x", "REDIS_URL": "redis://nowhere"}
    command = [sys.executable, "-c", PROGRAM.format(how=how)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stderr
    assert ("the password is wrong" in done.stdout + done.stderr) == (how == "hopeless")


def test_a_child_knows_when_its_parent_is_gone() -> None:
    """Also if that was so before it looked for the first time."""
    assert program._is_there(0) and program._is_there(os.getppid())
    assert not program._is_there(os.getpid())
