"""The doctor's words."""

import os
import subprocess
import sys

import pytest

from tests.collector.running import environment, simulator

pytestmark = pytest.mark.wire


def doctor(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "collector.doctor"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_sound_setup_passes(database_url: str, redis_client_url: str) -> None:
    """Both stores, REST of both venues, and each WebSocket route."""
    with simulator() as port:
        done = doctor(environment(database_url, redis_client_url, port))
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line[:4] for line in lines[:-1]] == ["ok  "] * 7
    assert lines[-1] == "all is well"


def test_everything_that_is_wrong_is_named_with_a_hint() -> None:
    """Nothing listens anywhere; no traceback."""
    away = environment("postgresql://app@127.0.0.1:9/app", "redis://127.0.0.1:9", 9)
    done = doctor({**away, "PATH": os.environ["PATH"]})
    assert done.returncode == 1
    assert done.stdout.count("FAIL") == 7
    assert done.stdout.count("check the address and the firewall") == 5
    assert "Traceback" not in done.stdout + done.stderr
