"""What is said of the settings before anything starts."""

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.check import problems

ROOT = Path(__file__).parents[2]


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """Nothing set but two stores that are still to be started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://local")
    monkeypatch.setenv("REDIS_URL", "redis://local")
    return monkeypatch


@pytest.fixture
def web_server() -> Iterator[str]:
    """Host and port of something that is no store."""
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("env")
def test_good_settings_have_no_problem() -> None:
    """Stores that are not named are not looked for."""
    assert list(problems([])) == []


@pytest.mark.wire
def test_a_store_is_looked_at_whatever_else_is_wrong(env: pytest.MonkeyPatch, web_server: str) -> None:
    """By the variable that leads there."""
    env.setenv("REDIS_URL", f"redis://:secret@{web_server}")
    env.setenv("REFRESH_MS", "1")
    found = list(problems(["REDIS_URL"]))
    assert [line.partition(":")[0] for line in found] == ["REFRESH_MS", "REDIS_URL"]
    assert "secret" not in "".join(found)


@pytest.mark.wire
def test_a_store_whose_url_cannot_be_read_is_named_once(env: pytest.MonkeyPatch) -> None:
    """Nothing is there to be tried."""
    env.setenv("REDIS_URL", "redis://")
    found = list(problems(["REDIS_URL", "DATABASE_URL"]))
    assert [line.partition(":")[0] for line in found] == ["REDIS_URL"]


@pytest.mark.stores
def test_real_stores_are_fine(env: pytest.MonkeyPatch, database_url: str, redis_url: str) -> None:
    """Whatever is in them."""
    env.setenv("DATABASE_URL", database_url)
    env.setenv("REDIS_URL", redis_url)
    assert list(problems(["DATABASE_URL", "REDIS_URL"])) == []


@pytest.mark.wire
def test_the_exit_code_tells() -> None:
    """And a line each on standard output."""
    env = {**os.environ, "DATABASE_URL": "", "REDIS_URL": "redis://h", "LOG_LEVEL": "loud"}
    done = subprocess.run(
        [sys.executable, "-m", "db.check"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert [line.split()[0].strip(":") for line in done.stdout.splitlines()] == ["DATABASE_URL", "LOG_LEVEL"]
