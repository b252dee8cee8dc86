"""The Procfile's own commands with a platform's variables, on real stores and a simulated market."""

import json
import os
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg2
import pytest
from redis import Redis
from sqlalchemy import make_url

from db.history.engine import SCOREBOARD_NAME, START_NAME
from db.hot.connect import live_client, reader_client
from db.local.stores import temporary_stores
from market.instruments import symbols_for
from tests.test_deployment import procfile

pytestmark = pytest.mark.wire

ROOT = Path(__file__).parents[1]
VENUES = ("sim-bybit", "sim-binance")
DYNO_MB = 512
"""Memory of the smallest dyno or instance; what is over is killed."""
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
            "WEB_CONCURRENCY": "2", "FORWARDED_ALLOW_IPS": "*", "GUNICORN_CMD_ARGS": "--access-logfile -",
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


@pytest.fixture
def empty_database(database_url: str) -> str:
    """A database that was never migrated."""
    query(database_url, "DROP SCHEMA public CASCADE")
    query(database_url, "CREATE SCHEMA public")
    return database_url


@pytest.mark.parametrize(
    "order",
    [("release", "web", "worker"), ("web", "worker", "release"), ("worker", "release", "web")],
    ids="-".join,
)
def test_a_deployment_works_in_any_order(
    tmp_path: Path, empty_database: str, redis_client_url: str, order: Sequence[str]
) -> None:
    """Whatever comes up first waits for the rest; in the end all is there, and SIGTERM ends all of it."""
    with platform(tmp_path, empty_database, redis_client_url) as deployed:
        for name in order:
            deployed.settle(name)
            if "web" in deployed.running:
                assert b"Tickdeck" in deployed.get("/")
                assert {row["venue"] for row in deployed.rows()} == set(VENUES)
        deployed.until(deployed.is_live, "a price in every row")
        seen = deployed.event_times()
        deployed.until(lambda: not deployed.event_times().items() <= seen.items(), "a row that moves")
        deployed.until(
            lambda: (
                {venue for (venue,) in query(empty_database, "SELECT venue FROM orderbook_ticks")}
                == set(VENUES)
            ),
            "ticks of both venues",
        )
        deployed.until(lambda: deployed.answers("/readyz") == 200, "that the web is ready")

        def are_feeds_live() -> bool:
            told = deployed.get("/metrics").decode()
            return all(f'tickdeck_feed_state{{state="live",venue="{venue}"}} 1.0' in told for venue in VENUES)

        deployed.until(are_feeds_live, "feeds that are live")
        assert (
            'tickdeck_web_request_seconds_count{route="/readyz",status="2xx"}'
            in deployed.get("/metrics").decode()
        )
        assert deployed.end() == {"web": 0, "worker": 0}
        events = [json.loads(line)["event"] for line in deployed.log("worker").splitlines()]
        assert events[-1] == "collector.stopped"


def test_a_second_release_changes_nothing(tmp_path: Path, empty_database: str, redis_client_url: str) -> None:
    """Heroku runs it whenever a variable changes, too."""
    with platform(tmp_path, empty_database, redis_client_url) as deployed:
        deployed.settle("release")
        deployed.settle("release")
        assert [line.rpartition(": ")[2] for line in deployed.log("release").splitlines()][1:] == [
            "nothing to do"
        ]


@pytest.mark.parametrize("name", ["release", "web", "worker"])
def test_without_stores_a_process_ends_and_names_them(tmp_path: Path, name: str) -> None:
    """Once, without a traceback, and without starting again."""
    with platform(tmp_path, "postgres://h/d", "redis://h", DATABASE_URL="", REDIS_URL="") as deployed:
        assert deployed.start(name).wait(30) == 1
        assert deployed.log(name).splitlines()[-3:] == [
            "settings refused:", "  DATABASE_URL is not set", "  REDIS_URL is not set",
        ]  # fmt: skip


class TlsFront:
    """Takes TLS connections, with a certificate nobody vouches for, and passes them on to a Redis."""

    def __init__(self, directory: Path, openssl: str, redis_url: str) -> None:
        self._parts = urlsplit(redis_url)
        key, certificate = directory / "key.pem", directory / "certificate.pem"
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-subj", "/CN=somebody", "-days", "2", "-keyout", str(key), "-out", str(certificate)],
            check=True, capture_output=True,
        )  # fmt: skip
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"rediss://127.0.0.1:{self._listener.getsockname()[1]}{self._database}"
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def _database(self) -> str:
        return "" if self._parts.scheme == "unix" else self._parts.path

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            client = self._context.wrap_socket(plain, server_side=True)
        except (OSError, ssl.SSLError):
            plain.close()
            return
        self.accepted += 1
        server = self._connect()
        # Bytes go both ways in one thread: a TLS socket is not for two.
        client.settimeout(0.005)
        server.settimeout(0.005)
        with client, server:
            while self._pass_on(client, server) and self._pass_on(server, client):
                pass

    def _connect(self) -> socket.socket:
        if self._parts.scheme != "unix":
            return socket.create_connection((self._parts.hostname or "", self._parts.port or 6379))
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._parts.path)
        return server

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> bool:
        try:
            if not (data := source.recv(65_536)):
                return False
        except TimeoutError:
            return True
        except OSError:
            return False
        target.settimeout(10)
        target.sendall(data)
        target.settimeout(0.005)
        return True


def test_a_certificate_nobody_vouches_for_is_taken(
    tmp_path: Path, database_url: str, redis_client_url: str
) -> None:
    """Web and collector meet over `rediss://`, as on Heroku."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("NO OPENSSL: rediss:// was not tried; install openssl")
    front = TlsFront(tmp_path, openssl, redis_client_url)
    try:
        for client in (live_client(front.url), reader_client(front.url)):
            assert client.ping()
            client.connection_pool.disconnect()
        with platform(tmp_path, database_url, front.url) as deployed:
            for name in ("release", "worker", "web"):
                deployed.settle(name)
            deployed.until(deployed.is_live, "a price in every row")
            assert deployed.end() == {"web": 0, "worker": 0}
        assert front.accepted >= 4
    finally:
        front.close()


class Watch:
    """Counts the connections of a deployment to both stores, again and again; keeps the most there were.

    `sql`: those that last; `starts`, `scoreboards`: those that come and go.
    """

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.sql = self.starts = self.scoreboards = self.redis = 0
        self._database_url = make_url(database_url).set(drivername="postgresql").render_as_string(False)
        self._client = Redis.from_url(redis_url)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with closing(psycopg2.connect(self._database_url)) as connection, self._client:
            connection.autocommit = True
            cursor = connection.cursor()
            while not self._ended.wait(0.005):
                cursor.execute(
                    "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
                    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )
                names = [name for (name,) in cursor.fetchall()]
                starts, scoreboards = names.count(START_NAME), names.count(SCOREBOARD_NAME)
                self.sql = max(self.sql, len(names) - starts - scoreboards)
                self.starts, self.scoreboards = max(self.starts, starts), max(self.scoreboards, scoreboards)
                self.redis = max(self.redis, len(self._client.client_list()) - 1)


@pytest.mark.stores
def test_two_deployments_and_two_jobs_fit_the_smallest_plans(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """With requests on every page at once; during a deploy old and new are there.

    The new one starts, and one of both computes the scoreboard; Redis has room for a console too.
    """
    symbols = ",".join(symbols_for("bybit", []))
    with temporary_stores(max_connections=20) as stores:
        database_url, redis_url = stores.urls["DATABASE_URL"], stores.urls["REDIS_URL"]
        with Redis.from_url(redis_url) as client:
            client.config_set("maxclients", 20)
        given = {"SYMBOLS": symbols, "API_RATE_LIMIT": "off"}
        with (
            Watch(database_url, redis_url) as watch,
            platform(tmp_path, database_url, redis_url, **given) as deployed,
        ):
            for name in ("release", "worker", "web"):
                deployed.settle(name)
            deployed.until(deployed.is_live, "a price in every row")
            with ThreadPoolExecutor(24) as viewers:
                statuses = set(viewers.map(deployed.answers, PATHS * 40))
            assert 200 in statuses
            assert not statuses & {0, 500}
            if sys.platform == "linux":
                used = {name: deployed.memory_mb(name) for name in ("web", "worker")}
                record_property("memory_mb", used)
                assert all(40 < megabytes < DYNO_MB for megabytes in used.values()), used
            assert deployed.end() == {"web": 0, "worker": 0}
    record_property("sql", watch.sql)
    record_property("redis", watch.redis)
    assert watch.sql >= 2
    assert watch.redis >= 3
    assert watch.starts == 1
    assert watch.sql * 2 + watch.starts + max(watch.scoreboards, 1) <= 20
    assert watch.redis * 2 + 2 <= 20
