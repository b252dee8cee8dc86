"""A deployment on one machine: the Procfile's own commands with a platform's variables."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
from redis import Redis
from sqlalchemy import make_url

from tests.test_deployment import procfile

ROOT = Path(__file__).parents[1]
GRACE_S = 30
"""How long Heroku and, as it is set, Render wait from SIGTERM to SIGKILL."""
PATHS = (
    "/", "/healthz", "/readyz", "/_dash-layout", "/api/market", "/api/status", "/s/sim-bybit/ETHUSDT",
    "/api/book/sim-bybit/ETHUSDT", "/api/klines?venue=sim-bybit&symbol=ETHUSDT&interval=1m",
    "/api/ticks?venue=sim-bybit&symbol=ETHUSDT", "/api/ticks?venue=sim-binance&symbol=BTCUSDT",
)  # fmt: skip


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    """The rows of one statement, [] if it has none; committed."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(plain)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []


class Platform:
    """One deployment: the platform's variables, and those processes of the Procfile that were started."""

    def __init__(self, directory: Path, database_url: str, redis_url: str, **env: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        self.directory = directory
        self.database_url = make_url(database_url).set(drivername="postgres").render_as_string(False)
        self.url = f"http://127.0.0.1:{port}"
        self.is_released = False
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.env = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "DATABASE_URL": self.database_url, "REDIS_URL": redis_url, "PORT": str(port),
            "WEB_CONCURRENCY": "2", "FORWARDED_ALLOW_IPS": "*",
            "GUNICORN_CMD_ARGS": f"--preload --access-logfile - --bind=0.0.0.0:{port}",
            "PYTHONUNBUFFERED": "1", "LOG_FORMAT": "json", "HISTORY_MAX_MB": "700", "FEEDS": "sim",
            "SPOOL_DIR": str(directory / "spool"), **env,
        }  # fmt: skip

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Start a process of the Procfile, as the leader of a group like in a dyno of its own."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                shlex.split(procfile()[name]), cwd=ROOT, env=self.env | {"DYNO": f"{name}.1"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0,
            )  # fmt: skip
        return self.running[name]

    def settle(self, name: str) -> None:
        """Start a process and wait until it does what it can do so far."""
        process = self.start(name)
        if name == "release":
            assert process.wait(60) == 0, self.log(name)
            self.is_released = True
            del self.running[name]
        elif name == "web":
            self.until(lambda: self.answers("/healthz") == 200, "the web's health")
        else:
            state = "up" if self.is_released else "schema"
            self.until(lambda: self.db_states() == [state], f"a collector whose database is {state}")

    def db_states(self) -> list[str]:
        """What each collector says of its database."""
        with (
            Redis.from_url(self.env["REDIS_URL"], ssl_cert_reqs="none")
            if self.is_tls
            else Redis.from_url(self.env["REDIS_URL"]) as client
        ):
            return [str(client.hget(key, "db_state"), "ascii") for key in client.scan_iter("worker:*")]

    @property
    def is_tls(self) -> bool:
        """Whether Redis is reached by TLS."""
        return self.env["REDIS_URL"].startswith("rediss:")

    def log(self, name: str) -> str:
        """What a process said."""
        return (self.directory / f"{name}.log").read_text()

    def get(self, path: str) -> bytes:
        """The body of a page."""
        with urllib.request.urlopen(self.url + path, timeout=20) as answer:
            body: bytes = answer.read()
        return body

    def answers(self, path: str) -> int:
        """The status of a page; 0 if nothing listens."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=20) as answer:
                status: int = answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0
        return status

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition; a process that ends meanwhile shows what it said."""
        deadline = time.monotonic() + 60
        while not condition():
            for name, process in self.running.items():
                assert process.poll() is None, f"{name} ended: {self.log(name)[-2000:]}"
            assert time.monotonic() < deadline, f"waited in vain for: {what}"
            time.sleep(0.05)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of `/api/market`."""
        rows: list[dict[str, Any]] = json.loads(self.get("/api/market"))["rows"]
        return rows

    def event_times(self) -> dict[tuple[str, str], int]:
        """When each instrument changed last, as far as its venue has said so."""
        return {(row["venue"], row["symbol"]): row["event_time"] for row in self.rows() if row["event_time"]}

    def is_live(self) -> bool:
        """Whether every row has a price."""
        return all(row["last_price"] is not None for row in self.rows())

    def memory_mb(self, name: str) -> float:
        """What all processes of a dyno have of the memory, each shared page counted once. Linux only."""
        leader = self.running[name].pid
        folders = [path for path in Path("/proc").iterdir() if path.name.isdecimal()]
        rollups = [(folder / "smaps_rollup").read_text() for folder in folders if _is_of(folder, leader)]
        lines = [line.split() for text in rollups for line in text.splitlines()]
        return sum(int(words[1]) for words in lines if words[0] == "Pss:") / 1000

    def end(self) -> dict[str, int]:
        """What a platform does: SIGTERM to every process of every dyno; the exit codes."""
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGTERM)
        return {name: process.wait(GRACE_S) for name, process in self.running.items()}


def _is_of(process: Path, leader: int) -> bool:
    """Whether a process belongs to the group of that leader."""
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[2]) == leader
    except OSError:  # it has ended
        return False


@contextmanager
def platform(directory: Path, database_url: str, redis_url: str, **env: str) -> Iterator[Platform]:
    """A deployment; what still runs at the end is killed."""
    deployed = Platform(directory, database_url, redis_url, **env)
    try:
        yield deployed
    finally:
        for process in deployed.running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
