"""The Procfile's own commands with a platform's variables, on real stores and a simulated market."""

import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from redis import Redis
from sqlalchemy import make_url

from db.history.engine import SCOREBOARD_NAME, START_NAME
from db.hot.connect import live_client, reader_client
from db.local.stores import temporary_stores
from market.instruments import symbols_for
from tests.memory import MEMORY
from tests.platform import PATHS, platform, query

pytestmark = pytest.mark.wire

VENUES = ("sim-bybit", "sim-binance")
FEW = {"SYMBOLS": "BTCUSDT,ETHUSDT,SOLUSDT,1000PEPEUSDT"}
"""Enough where the number of instruments is not what is tried."""
DYNO_MB = 512
"""Memory of the smallest dyno or instance; what is over is killed."""


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
    with platform(tmp_path, empty_database, redis_client_url, **FEW) as deployed:
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
        with platform(tmp_path, database_url, front.url, **FEW) as deployed:
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
    with temporary_stores(max_connections=20, parent=MEMORY) as stores:
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
