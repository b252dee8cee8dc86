"""Recordings played over WebSocket through the running collector give the stated books, ticks and candles."""

import json
from collections.abc import Callable, Sequence
from functools import partial

import pytest
import redis
from sqlalchemy import Engine, create_engine, text

from db.history.engine import driver_url
from tests.collector.running import collector, environment, simulator, until
from tests.recordings import DATA, merged_frames, needs_recordings

pytestmark = needs_recordings

BYBIT = [DATA / "bybit" / "linear_20260809_BTCUSDT_SOLUSDT.jsonl.gz"]
ETH = [DATA / "binance" / "usdm_ethusdt_20240718.txt.gz"]
BTC = [DATA / "binance" / "usdm_btcusdt_20240808.txt.gz"]
FOUR = [DATA / "binance" / f"usdm_4sym_20210722.{half}.txt.gz" for half in ("ws", "http")]
FULL = {
    "MAX_EVENT_AGE_DAYS": "0",
    "TICK_RETENTION_DAYS": "0",
    "TICK_INTERVAL_MS": "0",
    "BYBIT_DEPTH": "200",
    "INTERVALS": "1m",
}
LAST_UPDATE = {
    "bybit:BTCUSDT": 15077365,
    "bybit:SOLUSDT": 13783705,
    "binance:ETHUSDT": 4984033953043,
    "binance:BTCUSDT": 5123135475514,
}

SPEED = 20
LONGEST_S = 800
"""Longer than any of the recordings."""

Play = Callable[..., None]


@pytest.fixture
def hot(redis_client_url: str) -> "redis.Redis":
    """The Redis of this test."""
    return redis.Redis.from_url(redis_client_url, decode_responses=True)


@pytest.fixture
def engine(database_url: str) -> Engine:
    """The database of this test."""
    return create_engine(driver_url(database_url))


@pytest.fixture
def play(database_url: str, redis_client_url: str, hot: "redis.Redis") -> Play:
    """Plays files to a collector until a book has its last update and all is done, and ends both."""

    def run(
        files: Sequence[object],
        settings: dict[str, str],
        last: str,
        done: Callable[[], bool] = lambda: True,
    ) -> None:
        with simulator(["--speed", str(SPEED), "--replay", *map(str, files)]) as port:
            env = environment(database_url, redis_client_url, port, **FULL, **settings)
            with collector(env):
                for name in last.split():
                    until(partial(_is_at, hot, name, str(LAST_UPDATE[name])), LONGEST_S / SPEED, name)
                until(done, LONGEST_S / SPEED, "the rest")

    return run


def _is_at(hot: "redis.Redis", name: str, update: str) -> bool:
    return hot.hget(f"book:{name}", "update_id") == update


def count(engine: Engine, query: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def four_data() -> list[dict[str, object]]:
    """The data of every frame of the four-symbol recording."""
    names = [path.name for path in FOUR]
    return [json.loads(frame)["data"] for _, symbol, frame in merged_frames(*names) if not symbol]


def stored_ticks(engine: Engine) -> int:
    """Rows of every symbol together."""
    return sum(int(str(row[1])) for row in count(engine, TICKS))


def last_depth_update(symbol: str) -> int:
    """`u` of a symbol's last depth event."""
    return max(int(str(d["u"])) for d in four_data() if d["e"] == "depthUpdate" and d["s"] == symbol)


def changes_of_quotes() -> int:
    """How often a bookTicker differs from the one before of its symbol, by the plain definition."""
    last: dict[object, tuple[object, ...]] = {}
    changes = 0
    for d in four_data():
        if d["e"] == "bookTicker":
            best = tuple(float(str(d[k])) for k in "bBaA")
            changes += last.get(d["s"]) != best
            last[d["s"]] = best
    return changes


TICKS = (
    "SELECT symbol, count(*), count(DISTINCT (ts, update_id)) FROM orderbook_ticks GROUP BY symbol ORDER BY 1"
)


def test_bybit_played_twice(play: Play, engine: Engine, hot: "redis.Redis") -> None:
    """Final books as stated, a row per change, the closed candles, no false gap; twice changes nothing."""
    for _ in range(2):
        hot.flushall()
        play(BYBIT, {"VENUES": "bybit", "SYMBOLS": "BTCUSDT,SOLUSDT"}, "bybit:BTCUSDT bybit:SOLUSDT")
        book = hot.hgetall("book:bybit:SOLUSDT")
        assert json.loads(book["bids"])[:3] == [[77.26, 1041.8], [77.25, 1239.6], [77.24, 3805.1]]
        assert json.loads(book["asks"])[:3] == [[77.27, 356.1], [77.28, 1005.3], [77.29, 1562.2]]
        assert (book["best_bid_price"], book["best_ask_size"]) == ("77.26", "356.1")
        feed = hot.hgetall("feed:bybit")
        assert (feed["gaps"], feed["resyncs"]) == ("0", "0")
        assert count(engine, TICKS) == [("BTCUSDT", 134, 134), ("SOLUSDT", 151, 151)]
        assert count(engine, "SELECT symbol, interval, source, complete FROM klines ORDER BY 1") == [
            ("BTCUSDT", "1m", "stream", True),
            ("SOLUSDT", "1m", "stream", True),
        ]


def test_binance_quotes_and_book(play: Play, engine: Engine, hot: "redis.Redis") -> None:
    """9089 quotes are 9089 rows; the diff book on its snapshot ends as stated."""
    play(ETH, {"VENUES": "binance", "SYMBOLS": "ETHUSDT"}, "binance:ETHUSDT")
    book = hot.hgetall("book:binance:ETHUSDT")
    assert json.loads(book["bids"])[:3] == [[3424.98, 77.165], [3424.97, 0.02], [3424.86, 0.006]]
    assert json.loads(book["asks"])[:3] == [[3424.99, 80.013], [3425.0, 30.463], [3425.02, 0.009]]
    assert count(engine, TICKS) == [("ETHUSDT", 9089, 9089)]
    assert hot.hget("feed:binance", "gaps") == "0"
    last = (
        "SELECT best_bid_price, best_bid_size FROM orderbook_ticks ORDER BY ts DESC, update_id DESC LIMIT 1"
    )
    assert count(engine, last) == [(3424.98, 77.165)]


def test_binance_in_a_fast_market(play: Play, engine: Engine, hot: "redis.Redis") -> None:
    """66089 quotes in bursts of thousands a second are 66089 rows; the book ends as stated."""
    play(BTC, {"VENUES": "binance", "SYMBOLS": "BTCUSDT"}, "binance:BTCUSDT")
    book = hot.hgetall("book:binance:BTCUSDT")
    assert json.loads(book["bids"])[:3] == [[61659.7, 1.486], [61659.0, 0.002], [61658.1, 0.033]]
    assert json.loads(book["asks"])[:3] == [[61659.8, 0.981], [61659.9, 0.188], [61660.0, 7.977]]
    assert count(engine, TICKS) == [("BTCUSDT", 66089, 66089)]
    assert hot.hget("feed:binance", "gaps") == "0"


def test_four_old_symbols(play: Play, engine: Engine, hot: "redis.Redis") -> None:
    """Thin books with small ticks: a candle each, best quotes as rows, books that never gap."""
    with_rest = {"VENUES": "binance", "SYMBOLS": "SUSHIUSDT,AKROUSDT,KEEPUSDT,CTKUSDT"}
    LAST_UPDATE["binance:SUSHIUSDT"] = last_depth_update("SUSHIUSDT")
    changes = changes_of_quotes()
    play(FOUR, with_rest, "binance:SUSHIUSDT", lambda: stored_ticks(engine) >= changes)
    assert stored_ticks(engine) == changes
    assert count(engine, "SELECT count(*), bool_and(complete) FROM klines WHERE interval = '1m'") == [
        (4, True)
    ]
    assert (hot.hget("feed:binance", "gaps"), hot.hget("feed:binance", "resyncs")) == ("0", "0")
