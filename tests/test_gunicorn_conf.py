"""How the web is served."""

import http.client
import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import gevent
import pytest
from gunicorn import util
from gunicorn.http.body import Body
from gunicorn.http.message import Request

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[1]
SCRIPT = """
import runpy, sys
import gevent
from gevent import monkey
settings = runpy.run_path("gunicorn.conf.py")
settings["post_fork"](None, None)
monkey.patch_all()
import psycopg2

turns = []
def wait():
    with psycopg2.connect(sys.argv[1]) as connection:
        connection.cursor().execute("SELECT pg_sleep(0.2)")
    turns.append("query")
def run():
    turns.append("other")
gevent.joinall([gevent.spawn(wait), gevent.spawn(run)])
print(*turns)
"""

SILENT_SCRIPT = """
import runpy, socket
from gevent import monkey
settings = runpy.run_path("gunicorn.conf.py")
settings["let_greenlets_wait_for_postgres"].__globals__["POSTGRES_WAIT_S"] = 0.2
settings["let_greenlets_wait_for_postgres"]()
import psycopg2

silent = socket.create_server(("127.0.0.1", 0))
try:
    psycopg2.connect(f"postgresql://127.0.0.1:{silent.getsockname()[1]}/none?connect_timeout=9")
except psycopg2.OperationalError as error:
    print(error)
"""

MEMORY_SCRIPT = """
import re, runpy, sys
def held():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1])
runpy.run_path("gunicorn.conf.py")["return_large_blocks"]()
bytearray(30_000_000)  # freed at once: glibc would now keep blocks up to this size
large = [bytearray(1_000_000) for _ in range(40)]
last = bytearray(1_000)
before = held()
del large
print(before - held() > 30_000)
"""


@pytest.fixture(autouse=True)
def _stores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses without which no settings are good; nothing connects."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")


def conf(monkeypatch: pytest.MonkeyPatch, **env: str) -> dict[str, object]:
    """The settings gunicorn would read in this environment."""
    for name in ("PORT", "WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS", "LOG_FORMAT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def test_port_and_processes_come_from_the_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable is none."""
    given = conf(monkeypatch, PORT="10000", WEB_CONCURRENCY="4")
    assert (given["bind"], given["workers"]) == ("0.0.0.0:10000", 4)
    empty = conf(monkeypatch, PORT="", WEB_CONCURRENCY="")
    assert (empty["bind"], empty["workers"]) == ("0.0.0.0:8050", 2)


def start(**env: str) -> subprocess.CompletedProcess[str]:
    """What the web says that ends at once, because its app is none."""
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "tests:none"]
    return subprocess.run(
        command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=False
    )


def test_bad_settings_are_told_by_name_and_all_at_once() -> None:
    """Those that gunicorn itself goes by, too, and without a traceback."""
    done = start(PORT="http", LOG_LEVEL="loud", WEB_CONCURRENCY="0")
    assert done.returncode != 0
    said = [line.split(":")[0].strip() for line in done.stderr.splitlines() if line.startswith("  ")]
    assert said == ["PORT", "WEB_CONCURRENCY", "LOG_LEVEL"]
    assert "Traceback" not in done.stderr


def test_gunicorn_says_its_own_in_json_where_that_is_asked_for() -> None:
    """One object a line, from the first on."""
    lines = start(PORT="0", LOG_FORMAT="json").stderr.splitlines()
    begun = json.loads(lines[0])
    assert begun["event"].startswith("Starting gunicorn")
    assert begun["level"] == "info"
    assert all(json.loads(line)["timestamp"] for line in lines if line.startswith("{"))
    assert "[INFO] Starting gunicorn" in start(PORT="0").stderr


def test_gunicorn_accepts_every_setting() -> None:
    """It refuses to start with one it doesn't know."""
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--print-config", "tests:none"]
    env = {name: value for name, value in os.environ.items() if name != "GUNICORN_CMD_ARGS"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    found = {name.strip(): value.strip() for name, value in shown.items()}
    assert found["worker_class"] == "gevent"
    assert found["control_socket_disable"] == "True"


class Master:
    """As much of gunicorn's as the hooks look at."""

    def __init__(self, reexec_pid: int = 0) -> None:
        self.reexec_pid = reexec_pid


def test_the_folder_of_the_metrics_lives_as_long_as_a_master(monkeypatch: pytest.MonkeyPatch) -> None:
    """Made once, kept for a master that takes over, removed by the last; one that was given stays."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    found: Any = conf(monkeypatch)
    found["share_metrics"]()
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    found["share_metrics"]()
    assert Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]) == folder
    found["on_exit"](Master(reexec_pid=7))
    assert folder.is_dir()
    found["on_exit"](Master())
    assert not folder.exists()


def test_a_folder_that_was_given_is_nobodys_to_remove(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whoever set it may want to look into it."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    found: Any = conf(monkeypatch)
    found["share_metrics"]()
    found["on_exit"](Master())
    assert tmp_path.is_dir()


def test_a_request_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """From its first byte on; before that a connection may be idle. A body has the same again."""
    monkeypatch.setattr(Request, "read_into", Request.read_into)  # to be themselves again afterwards
    monkeypatch.setattr(Body, "read", Body.read)
    found: Any = conf(monkeypatch)
    found["end_slow_requests"].__globals__["REQUEST_S"] = 0.1
    found["end_slow_requests"]()

    class Source:
        def __init__(self, pauses: list[float]) -> None:
            self.pauses = pauses

        def read(self, _size: int = 0) -> bytes:
            gevent.sleep(self.pauses.pop(0))
            return b"x"

    request, buffer = Request.__new__(Request), bytearray()
    request.read_into(Source([0.3]), buffer, stop=True)
    request.read_into(Source([0.0]), buffer)
    assert buffer == b"xx"
    with pytest.raises(ConnectionResetError):
        request.read_into(Source([30.0]), buffer)
    with pytest.raises(ConnectionResetError):
        Body(Source([30.0])).read(10)


def test_what_gunicorn_refuses_is_said_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the shape of every error of the API."""
    monkeypatch.setattr(util, "write_error", util.write_error)  # to be itself again afterwards
    found: Any = conf(monkeypatch)
    found["refuse_in_json"]()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        util.write_error(ours, 414, "URI Too Long", "Request Line is too large (9016 > 4094)")
        ours.shutdown(socket.SHUT_WR)
        reply = http.client.HTTPResponse(theirs)
        reply.begin()
        assert (reply.status, reply.headers["Content-Type"]) == (414, "application/json")
        assert json.load(reply) == {
            "error": {
                "code": "uri_too_long", "message": "Request Line is too large (9016 > 4094)", "field": None,
            },
        }  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have their own ways")
def test_large_blocks_go_back_to_the_system() -> None:
    """Also after one of them was freed, and though something small lies behind them."""
    done = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_a_greenlet_that_waits_for_postgres_gives_way(postgres_url: str) -> None:
    """Another one runs before the query is answered."""
    plain = postgres_url.replace("+psycopg2", "")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, plain], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("other query\n", "")


def test_no_greenlet_waits_for_a_silent_postgres_for_ever() -> None:
    """A server that takes the connection and says nothing: the wait ends as an error of the driver."""
    done = subprocess.run(
        [sys.executable, "-c", SILENT_SCRIPT],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("the server is silent for 0.2 s\n", "")
