"""The running collector on the simulator: indicators at once, after a start and after `kill -9`."""

import json
import signal
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine, create_engine

from db.history.engine import driver_url
from db.history.reader import HistoryReader
from db.hot import keys
from market.indicators import closes
from tests.collector.running import collector, end, environment, simulator, until

SETTINGS = {"SYMBOLS": "BTCUSDT", "INTERVALS": "1m,5m", "TICK_INTERVAL_MS": "1000"}
WAIT_S = 30.0
SERIES = [(venue, "BTCUSDT", interval) for venue in ("bybit", "binance") for interval in ("1m", "5m")]


@pytest.fixture
def hot(redis_client_url: str) -> "redis.Redis":
    """The Redis of this test."""
    return redis.Redis.from_url(redis_client_url, decode_responses=True)


@pytest.fixture
def engine(database_url: str) -> Engine:
    """The database of this test."""
    return create_engine(driver_url(database_url))


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a simulator."""
    with simulator() as found:
        yield found


def is_whole(hot: "redis.Redis") -> bool:
    """Whether every series has indicators that may be relied on."""
    found = [hot.hgetall(keys.indicator(*series)) for series in SERIES]
    return all(fields and fields["reason"] == "" and fields["rsi"] for fields in found)


def test_indicators_are_there_and_right_also_after_a_kill(
    database_url: str, redis_client_url: str, hot: "redis.Redis", engine: Engine, port: int
) -> None:
    """Every field, in hash, overview row and table; the second run starts with the history of the first."""
    env = environment(database_url, redis_client_url, port, **SETTINGS)
    reader = HistoryReader(engine)
    with collector(env) as process:
        until(lambda: is_whole(hot), WAIT_S, "indicators out of history that REST told")
        until(lambda: all(len(reader.indicators(*s)) >= 390 for s in SERIES), WAIT_S, "stored indicators")
        end(process, signal.SIGKILL)
    hot.flushall()
    with collector(env) as process:
        until(lambda: is_whole(hot), WAIT_S, "indicators again")
        for series in SERIES:
            fields = hot.hgetall(keys.indicator(*series))
            assert set(fields) == set(keys.INDICATOR_FIELDS)
            assert 0 < hot.ttl(keys.indicator(*series)) <= keys.INSTRUMENT_TTL_S
            assert int(fields["bars"]) > 200
        until(lambda: '"rsi"' in str(hot.hget("market:bybit", "BTCUSDT")), WAIT_S, "the overview row")
        row = json.loads(str(hot.hget("market:bybit", "BTCUSDT")))
        assert set(row["indicators"]) == {"1m", "5m"}
        assert end(process) == 0
    for venue, symbol, interval in SERIES:
        klines = reader.klines(venue, symbol, interval, limit=5_000)
        right = {c.indicators.open_time: c.indicators for c in closes(klines)}
        stored = reader.indicators(venue, symbol, interval, limit=5_000)
        assert len({r.open_time for r in stored}) == len(stored)
        newest = stored[-1]
        assert newest.open_time == klines[-1].open_time
        assert newest.rsi == pytest.approx(right[newest.open_time].rsi, abs=1e-6)
        assert newest.atr == pytest.approx(right[newest.open_time].atr, rel=1e-6)
        assert newest.macd_signal == pytest.approx(right[newest.open_time].macd_signal, abs=1e-6)
