"""The running collector and REST: its budget in Redis, a ban, and BACKFILL=off."""

import json
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import create_engine, text

from db.history.engine import driver_url
from db.hot import keys
from tests.collector.backfill.server import Server
from tests.collector.running import collector, environment, simulator, until

WAIT_S = 20.0
SYMBOLS = {"SYMBOLS": "BTCUSDT,NOPEUSDT", "INTERVALS": "1m,5m", "TICK_INTERVAL_MS": "100"}


@pytest.fixture
def hot(redis_client_url: str) -> "redis.Redis":
    """The Redis of this test."""
    return redis.Redis.from_url(redis_client_url, decode_responses=True)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a simulator."""
    with simulator() as found:
        yield found


@pytest.fixture
def env(database_url: str, redis_client_url: str, port: int) -> dict[str, str]:
    """The settings of a collector on that simulator."""
    return environment(database_url, redis_client_url, port, **SYMBOLS)


@pytest.fixture
def server() -> Iterator[Server]:
    """A venue's REST that answers as it is told."""
    with Server().running() as found:
        yield found


def has_books(hot: "redis.Redis") -> bool:
    """Whether both venues' books live."""
    return [hot.hget(f"book:{v}:BTCUSDT", "state") for v in ("bybit", "binance")] == ["live"] * 2


def test_what_rest_costs_is_in_redis(env: dict[str, str], hot: "redis.Redis") -> None:
    """One hash a venue, with the venue's own count; nothing is closed."""
    with collector(env):
        until(lambda: has_books(hot), WAIT_S, "live books")
        until(lambda: hot.exists("rest:bybit", "rest:binance") == 2, WAIT_S, "both budgets")
        found = hot.hgetall(keys.rest("binance"))
        assert set(found) == set(keys.REST_FIELDS)
        assert int(found["window_used"]) >= 20
        assert (found["closed_until"], found["reason"]) == ("0", "")


def test_without_backfill_rest_is_never_asked(
    env: dict[str, str], hot: "redis.Redis", server: Server
) -> None:
    """Books, candles and tickers live; no request reaches the venue."""
    off = {"BACKFILL": "off", "BYBIT_REST_URL": server.url, "BINANCE_REST_URL": server.url}
    with collector(env | off):
        until(lambda: has_books(hot), WAIT_S, "live books")
        until(
            lambda: hot.exists("kline:bybit:BTCUSDT:5m", "kline:binance:BTCUSDT:5m") == 2, WAIT_S, "candles"
        )
        until(lambda: bool(hot.hget("ticker:binance:BTCUSDT", "mark_price")), WAIT_S, "a ticker")
    assert server.asked == []
    assert hot.keys("rest:*") == []


def test_a_ban_holds_for_the_next_worker_too(
    env: dict[str, str], hot: "redis.Redis", server: Server, database_url: str
) -> None:
    """The sockets live meanwhile; the other venue is not touched; the ledger of events has the words."""
    words = json.dumps({"code": -1003, "msg": "Way too many requests; IP(1.2.3.4) banned"}).encode()
    server.say(418, words, Retry_After="600")
    banned = env | {"BINANCE_REST_URL": server.url}
    with collector(banned):
        until(lambda: hot.hget(keys.rest("binance"), "reason") not in (None, ""), WAIT_S, "a ban")
        until(lambda: hot.hget("ticker:binance:BTCUSDT", "last_price") not in (None, ""), WAIT_S, "a ticker")
        until(lambda: hot.hget("book:bybit:BTCUSDT", "state") == "live", WAIT_S, "Bybit's book")
    asked = len(server.asked)
    assert 0 < asked <= 2
    assert "status 418" in str(hot.hget(keys.rest("binance"), "reason"))
    workers = "SELECT count(DISTINCT worker) FROM feed_events WHERE detail LIKE '%status 418%'"
    with create_engine(driver_url(database_url)).connect() as connection, collector(banned):
        until(lambda: hot.hget("book:binance:BTCUSDT", "state") == "syncing", WAIT_S, "a book that waits")
        until(lambda: connection.execute(text(workers)).scalar_one() == 2, WAIT_S, "a word of both workers")
        until(lambda: hot.hget("feed:binance", "state") == "live", WAIT_S, "the sockets")
    assert len(server.asked) == asked
