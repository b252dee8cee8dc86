"""The web without Redis, Postgres, both, or a collector: it starts, answers at once, and recovers."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from db.local.stores import Stores, temporary_stores
from tests.memory import MEMORY
from tests.platform import Platform, platform, query

pytestmark = pytest.mark.stores

AT_ONCE_S = 0.5
TRIES = 3
"""Of so many the quickest counts: a time-out would cost each of them, a busy machine does not."""
SERIES = "venue=sim-bybit&symbol=ETHUSDT"
PAGES = ("/", "/s/sim-bybit/ETHUSDT", "/signals", "/status", "/_dash-layout", "/healthz", "/metrics")
FROM_POSTGRES = (
    f"/api/klines?{SERIES}&interval=1m", f"/api/ticks?{SERIES}", f"/api/indicators?{SERIES}&interval=1m",
    f"/api/signals?{SERIES}", f"/api/paper-trades?{SERIES}", f"/api/gaps?{SERIES}", "/api/scoreboard",
)  # fmt: skip
BOOK = "/api/book/sim-bybit/ETHUSDT"
ALWAYS = ("/api/market", "/api/status", "/api/openapi.json", "/api/docs")
STREAM = "/api/stream?kinds=market"
WITHOUT_PRICE = "SELECT symbol FROM tickers WHERE last_price IS NULL OR recv_time IS NULL"


class Answer(NamedTuple):
    """What came, and after how many seconds."""

    status: int
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Store:
    """One of the stores: it can be killed, stand still, and come back with what it had on disk."""

    def __init__(self, stores: Stores, name: str) -> None:
        self._stores, self._name = stores, name
        self._frozen: list[int] = []

    def kill(self) -> None:
        child = self._stores.supervisor.children[self._name]
        os.kill(child.pid, signal.SIGQUIT if self._name == "postgres" else signal.SIGKILL)
        child.process.wait()

    def freeze(self) -> None:
        """The server and, of PostgreSQL, its sessions: whoever it talks to hears nothing more."""
        url, listed = self._stores.urls["DATABASE_URL"], "SELECT pid FROM pg_stat_activity"
        sessions = [pid for (pid,) in query(url, listed)] if self._name == "postgres" else []
        self._frozen = [self._stores.supervisor.children[self._name].pid, *sessions]
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, how: signal.Signals) -> None:
        for pid in self._frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, how)

    def start(self) -> None:
        store = self._stores.redis if self._name == "redis" else self._stores.postgres
        assert store is not None
        store.wait(self._stores.supervisor, store.start(self._stores.supervisor))


class Site:
    """A deployment whose stores are in the test's hand."""

    def __init__(self, stores: Stores, deployed: Platform) -> None:
        self.redis, self.postgres = Store(stores, "redis"), Store(stores, "postgres")
        self.deployed = deployed

    def ask(self, path: str) -> Answer:
        """The quickest answer of a few; of a stream its first piece."""
        return min((self._ask(path) for _ in range(TRIES)), key=lambda answer: answer.seconds)

    def _ask(self, path: str) -> Answer:
        began = time.monotonic()
        try:
            with urllib.request.urlopen(self.deployed.url + path, timeout=20) as reply:
                body = reply.readline() if path.startswith("/api/stream") else reply.read()
                return Answer(reply.status, body, time.monotonic() - began)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), time.monotonic() - began)

    def answers(self, *paths: str) -> dict[str, int]:
        """Path -> status, each at once; one that is 503 says in JSON what does not answer."""
        found = {path: self.ask(path) for path in paths}
        assert {path: a.seconds for path, a in found.items() if a.seconds >= AT_ONCE_S} == {}
        for path, answer in found.items():
            if answer.status == 503:
                assert answer.json["error"]["code"] == "store_unavailable", path
        return {path: answer.status for path, answer in found.items()}

    def silent(self, path: str) -> str:
        """Which store a 503 names."""
        message: str = self.ask(path).json["error"]["message"]
        return message.split()[0]

    def unready(self) -> set[str]:
        """The parts that `/readyz` says are not well."""
        return set(self._ask("/readyz").json["failed"])

    def notices(self) -> str:
        """The lines under the bar."""
        return self.ask("/_dash-layout").body.decode()

    def until_ready(self) -> None:
        """Everything is back."""
        self.deployed.until(lambda: self.deployed.answers("/readyz") == 200, "that the web is ready")
        self.deployed.until(lambda: self.ask(BOOK).json["state"] == "live", "a live book")
        assert set(self.answers(*FROM_POSTGRES, *ALWAYS, *PAGES, STREAM).values()) == {200}
        self.deployed.until(lambda: "does not answer" not in self.notices(), "no more words on it")

    def restart_web(self) -> None:
        """A web that has seen nothing yet."""
        self.stop_web()
        self.deployed.settle("web")

    def stop_web(self) -> None:
        if (web := self.deployed.running.pop("web", None)) is not None:
            os.killpg(web.pid, signal.SIGTERM)
            assert web.wait(30) == 0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A collector that has written something of everything, and no web yet."""
    directory = tmp_path_factory.mktemp("deployed")
    given = {"SYMBOLS": "BTCUSDT,ETHUSDT", "WEB_CONCURRENCY": "1", "API_RATE_LIMIT": "5000/minute"}
    with temporary_stores(parent=MEMORY) as stores:
        urls = stores.urls
        with platform(directory, urls["DATABASE_URL"], urls["REDIS_URL"], **given) as deployed:
            for name in ("release", "worker"):
                deployed.settle(name)
            for relation in ("orderbook_ticks", "tickers", "klines", "indicators"):
                statement = f"SELECT DISTINCT venue, symbol FROM {relation}"
                deployed.until(lambda s=statement: len(query(deployed.database_url, s)) == 4, relation)  # type: ignore[misc]  # one a turn
            deployed.until(lambda: query(deployed.database_url, WITHOUT_PRICE) == [], "every price")
            yield Site(stores, deployed)


@pytest.mark.parametrize("how", ["gone", "frozen"])
def test_without_redis_the_last_known_is_shown(site: Site, how: str) -> None:
    """From Postgres, marked old; nobody waits for Redis, and all is live again when it is back."""
    (site.redis.kill if how == "gone" else site.redis.freeze)()
    try:
        site.restart_web()
        assert set(site.answers(*PAGES, *FROM_POSTGRES, *ALWAYS, BOOK, STREAM).values()) == {200}
        rows = site.ask("/api/market").json["rows"]
        assert all(row["last_price"] is not None and row["age_ms"] is not None for row in rows)
        book = site.ask(BOOK).json
        assert (book["state"], len(book["bids"]), book["age_ms"] > 0) == ("stale", 1, True)
        assert "Redis does not answer" in site.notices()
        assert site.unready() == {"redis", "collector"}
    finally:
        (site.redis.start if how == "gone" else site.redis.thaw)()
    site.until_ready()


def test_without_postgres_what_is_live_goes_on(site: Site) -> None:
    """Its history is refused at once, in words; afterwards it is there again."""
    site.postgres.kill()
    try:
        site.restart_web()
        assert set(site.answers(*PAGES, *ALWAYS, BOOK, STREAM).values()) == {200}
        assert set(site.answers(*FROM_POSTGRES).values()) == {503}
        assert {site.silent(path) for path in FROM_POSTGRES} == {"Postgres"}
        assert site.ask(BOOK).json["state"] == "live"
        site.deployed.until(lambda: "Postgres does not answer" in site.notices(), "a word on it")
        assert site.unready() == {"postgres", "schema"}
    finally:
        site.postgres.start()
    site.until_ready()


def test_a_frozen_postgres_is_waited_for_by_one(site: Site) -> None:
    """The first to ask waits as long as any question may; after that one tries, and others do not wait."""
    site.restart_web()
    site.until_ready()
    site.postgres.freeze()
    try:
        assert site.silent(FROM_POSTGRES[0]) == "Postgres"
        assert set(site.answers(*FROM_POSTGRES[:3]).values()) == {503}
        assert set(site.answers("/", "/status", *ALWAYS, BOOK, STREAM).values()) == {200}
        assert site.ask(BOOK).json["state"] == "live"
    finally:
        site.postgres.thaw()
    site.until_ready()


def test_without_both_pages_say_so(site: Site) -> None:
    """A web that never saw either shows every instrument without a value."""
    site.redis.kill()
    site.postgres.kill()
    try:
        site.restart_web()
        assert set(site.answers(*PAGES, *ALWAYS, STREAM).values()) == {200}
        assert set(site.answers(*FROM_POSTGRES, BOOK).values()) == {503}
        assert site.silent(BOOK) == "Redis"
        rows = site.ask("/api/market").json["rows"]
        assert {(row["symbol"], row["last_price"]) for row in rows} == {("BTCUSDT", None), ("ETHUSDT", None)}
        assert site.unready() == {"redis", "postgres", "schema", "collector"}
    finally:
        site.redis.start()
        site.postgres.start()
    site.until_ready()


def test_without_a_collector_the_page_says_so(site: Site) -> None:
    """Everything is answered, with what was known last; another one makes it live again."""
    worker = site.deployed.running.pop("worker")
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    site.redis.kill()  # its heartbeat would stay for 15 s
    site.redis.start()
    site.restart_web()
    assert set(site.answers(*PAGES, *FROM_POSTGRES, *ALWAYS, BOOK, STREAM).values()) == {200}
    assert site.ask(BOOK).json["state"] == "stale"
    assert all(row["last_price"] and row["age_ms"] for row in site.ask("/api/market").json["rows"])
    assert site.unready() == {"collector"}
    assert "The collector is gone" in site.notices()
    site.deployed.start("worker")
    site.until_ready()


def test_every_path_of_the_api_is_among_these(site: Site) -> None:
    """What the API describes, but for the same stream over a WebSocket and what says whether all is well."""
    described = site.ask("/api/openapi.json").json["paths"]
    tried = {path.partition("?")[0] for path in (*FROM_POSTGRES, *ALWAYS, *PAGES, STREAM)}
    assert set(described) - tried == {"/api/book/{venue}/{symbol}", "/api/ws", "/readyz"}
