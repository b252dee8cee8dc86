"""Reports whose reader has had enough: `./dev doctor | head -3`."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.collector.backtest.test_backtest import ASKED, engine
from tests.collector.running import environment

pytestmark = pytest.mark.wire
__all__ = ["engine"]


def unread(module: str, arguments: Sequence[str], env: dict[str, str]) -> tuple[int, str]:
    """How a program ends whose standard output nobody reads, and what it says aside."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments], env=env, stdout=write, stderr=subprocess.PIPE,
            text=True, timeout=60, check=False,
        )  # fmt: skip
    finally:
        os.close(write)
    return done.returncode, done.stderr


def test_the_doctor_ends_without_a_word() -> None:
    """By the signal, as other programs do."""
    away = environment("postgresql://app@127.0.0.1:9/app", "redis://127.0.0.1:9", 9)
    assert unread("collector.doctor", [], {**away, "PATH": os.environ["PATH"]}) == (-signal.SIGPIPE, "")


@pytest.mark.usefixtures("engine")
def test_a_backtest_has_written_its_files(database_url: str, tmp_path: Path) -> None:
    """Only its tables are lost."""
    env = environment(database_url, "redis://127.0.0.1:9", 9)
    code, said = unread("collector.backtest", [*ASKED, "--out", str(tmp_path)], env)
    assert code == -signal.SIGPIPE
    assert all(line.startswith("played ") for line in said.splitlines())
    assert len(list(tmp_path.glob("*.csv"))) == 3
