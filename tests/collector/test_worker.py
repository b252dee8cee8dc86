"""The running collector on the simulator: what it fills, and what it survives."""

import json
import signal
import socket
import time
from collections.abc import Iterator

import pytest
import redis
from sqlalchemy import Engine, create_engine, text

from db.history.engine import driver_url
from db.hot import keys
from tests.collector.running import collector, end, environment, simulator, until
from tests.entries import entries

SYMBOLS = {"SYMBOLS": "BTCUSDT,1000PEPEUSDT", "INTERVALS": "1m,5m", "TICK_INTERVAL_MS": "100"}
WAIT_S = 30.0


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


@pytest.fixture
def env(database_url: str, redis_client_url: str, port: int) -> dict[str, str]:
    """The settings of a collector on that simulator."""
    return environment(database_url, redis_client_url, port, **SYMBOLS)


def one(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


def quote_time(hot: "redis.Redis") -> int:
    """The venue's time of the newest book, ms."""
    return int(str(hot.hget("book:bybit:BTCUSDT", "event_time")))


def trade_ids(hot: "redis.Redis") -> list[str]:
    """Of Bybit's trades in BTCUSDT that Redis holds, oldest first."""
    return [fields["trade_id"] for fields in entries(hot, "trades:bybit:BTCUSDT")]


def is_live(hot: "redis.Redis") -> bool:
    """Whether every book lives and every candle is there."""
    books = [
        hot.hget(f"book:{v}:{s}", "state") for v in ("bybit", "binance") for s in ("BTCUSDT", "1000PEPEUSDT")
    ]
    candles = ("kline:bybit:BTCUSDT:5m", "kline:binance:BTCUSDT:1m", "kline:binance:BTCUSDT:5m")
    return books == ["live"] * 4 and hot.exists(*candles) == len(candles)


def test_every_key_has_every_field(env: dict[str, str], hot: "redis.Redis") -> None:
    """In plain text, with a time to live, and one HGETALL fills the table."""
    with collector(env):
        until(lambda: is_live(hot), WAIT_S, "live books and candles")
        until(lambda: hot.exists("trades:bybit:BTCUSDT", "trades:binance:BTCUSDT") == 2, WAIT_S, "trades")
        until(lambda: hot.hget("ticker:binance:BTCUSDT", "funding_rate") not in (None, ""), WAIT_S, "funding")
        until(lambda: hot.hget("feed:bybit", "lag_p99_ms") not in (None, ""), WAIT_S, "lag")
        for venue in ("bybit", "binance"):
            expected = {
                keys.book(venue, "BTCUSDT"): keys.BOOK_FIELDS,
                keys.ticker(venue, "BTCUSDT"): keys.TICKER_FIELDS,
                keys.kline(venue, "BTCUSDT", "5m"): keys.KLINE_FIELDS,
                keys.feed(venue): keys.FEED_FIELDS,
            }
            for key, fields in expected.items():
                assert set(hot.hgetall(key)) == set(fields), key
                assert 0 < hot.ttl(key) <= keys.INSTRUMENT_TTL_S, key
            book = hot.hgetall(keys.book(venue, "1000PEPEUSDT"))
            assert not any("e" in book[name] for name in keys.BOOK_FIELDS if name not in ("state",))
            bids, asks = json.loads(book["bids"]), json.loads(book["asks"])
            assert len(bids) == len(asks) == 20
            assert [bids[0][0], asks[0][0]] == [float(book["best_bid_price"]), float(book["best_ask_price"])]
            assert bids == sorted(bids, reverse=True)
            assert hot.hget(keys.ticker(venue, "BTCUSDT"), "open_interest") == "" or venue == "bybit"
            rows = {s: json.loads(row) for s, row in hot.hgetall(keys.market(venue)).items()}
            assert set(rows) == {"BTCUSDT", "1000PEPEUSDT"}
            assert rows["1000PEPEUSDT"]["tick_size"] == 1e-07
        (worker,) = hot.keys("worker:*")
        assert set(hot.hgetall(worker)) == set(keys.WORKER_FIELDS)
        assert 0 < hot.ttl(worker) <= keys.STATUS_TTL_S


def test_rows_have_every_identity_once(env: dict[str, str], engine: Engine) -> None:
    """Ticks, history of candles, tickers, instruments, and what happened to the feeds."""
    with collector(env) as process:
        until(lambda: one(engine, "SELECT count(*) FROM klines") >= 4 * 6 * 400 / 3, WAIT_S, "candles")
        until(lambda: one(engine, "SELECT count(*) FROM orderbook_ticks") > 50, WAIT_S, "ticks")
        until(lambda: one(engine, "SELECT count(*) FROM tickers") == 4, WAIT_S, "tickers")
        assert end(process) == 0
    assert one(engine, "SELECT count(*) FROM instruments WHERE tick_size IS NOT NULL") == 4
    assert one(engine, "SELECT count(*) FROM klines WHERE NOT complete") == 0
    assert (
        one(engine, "SELECT count(DISTINCT event) FROM feed_events WHERE event IN ('connected', 'live')") == 2
    )
    latest = "SELECT count(*) FROM orderbook_ticks WHERE mid <= 0 OR spread_bps < 0 OR abs(imbalance) > 1"
    assert one(engine, latest) == 0


def test_after_kill_the_last_state_stays_and_the_next_start_goes_on(
    env: dict[str, str], hot: "redis.Redis", engine: Engine
) -> None:
    """Redis keeps what was known; no row comes twice; the state is live again."""
    with collector(env) as process:
        until(lambda: is_live(hot), WAIT_S, "live books")
        until(lambda: one(engine, "SELECT count(*) FROM orderbook_ticks") > 20, WAIT_S, "ticks")
        end(process, signal.SIGKILL)
    before = hot.hgetall("book:bybit:BTCUSDT")
    assert before["best_bid_price"]
    with collector(env):
        later = int(before["publish_time"])
        until(lambda: int(str(hot.hget("book:bybit:BTCUSDT", "publish_time"))) > later, WAIT_S, "a new book")
        assert hot.hget("book:bybit:BTCUSDT", "best_bid_price")
        until(lambda: is_live(hot), WAIT_S, "live books again")
    identity = "venue, symbol, interval, open_time"
    assert one(engine, f"SELECT count(*) - count(DISTINCT ({identity})) FROM klines") == 0


def test_sigterm_ends_within_ten_seconds_with_everything_written(env: dict[str, str], engine: Engine) -> None:
    """Exit code 0, and the ticks of the last second are there."""
    with collector(env) as process:
        until(lambda: one(engine, "SELECT count(*) FROM orderbook_ticks") > 20, WAIT_S, "ticks")
        asked = time.time()
        assert end(process) == 0
        assert time.time() - asked < 10
    newest = "SELECT (extract(epoch FROM max(ts)) * 1000)::bigint FROM orderbook_ticks"
    assert asked * 1000 - one(engine, newest) < 2_000


def test_an_unknown_symbol_takes_no_other_with_it(
    env: dict[str, str], hot: "redis.Redis", engine: Engine
) -> None:
    """With the venue's list it is left out; without REST the refused topics are found and left out."""
    for backfill in ("auto", "off"):
        hot.flushall()
        with collector(env | {"SYMBOLS": "NOPEUSDT,BTCUSDT", "BACKFILL": backfill}):
            until(lambda: hot.hget("book:bybit:BTCUSDT", "state") == "live", WAIT_S, "Bybit's book")
            until(lambda: hot.hget("book:binance:BTCUSDT", "state") == "live", WAIT_S, "Binance's book")
            said = "SELECT count(*) FROM feed_events WHERE detail LIKE '%NOPEUSDT%'"
            until(lambda: one(engine, said) > 0, WAIT_S, "a word on NOPEUSDT")  # noqa: B023  (used at once)
            if backfill == "auto":
                from_rest = "SELECT count(*) FROM klines WHERE source = 'rest'"
                until(lambda: one(engine, from_rest) > 0, WAIT_S, "history")  # noqa: B023  (used at once)


def test_what_no_venue_lists_is_told_in_redis(env: dict[str, str], hot: "redis.Redis") -> None:
    """What is listed by another name is collected under that."""
    words = "NOPEUSDT, PEPEUSDT as 1000PEPEUSDT"
    with collector(env | {"SYMBOLS": "NOPEUSDT,PEPEUSDT,BTCUSDT"}):
        for venue in ("bybit", "binance"):
            told, book = keys.feed(venue), keys.book(venue, "1000PEPEUSDT")
            until(lambda: hot.hget(told, "unlisted") == words, WAIT_S, f"a word in {told}")  # noqa: B023  (used at once)
            until(lambda: hot.hget(book, "state") == "live", WAIT_S, book)  # noqa: B023  (used at once)


def test_an_emptied_redis_is_filled_again(env: dict[str, str], hot: "redis.Redis") -> None:
    """Within seconds, without a word to the venue; a key of another type is written anew too."""
    with collector(env):
        until(lambda: is_live(hot), WAIT_S, "live books")
        until(lambda: len(trade_ids(hot)) > 20, WAIT_S, "trades")
        reconnects = hot.hget("feed:bybit", "reconnects")
        before = trade_ids(hot)
        hot.flushall()
        until(lambda: is_live(hot), 5, "live books again")
        until(lambda: bool(set(before) & set(trade_ids(hot))), 5, "trades of before")
        after = trade_ids(hot)
        kept = [trade for trade in after if trade in before]
        assert kept == before[-len(kept) :] == after[: len(kept)]  # the oldest make room for new ones
        assert len(kept) > min(len(before), 100) / 2
        assert len(set(after)) == len(after)
        hot.delete("ticker:bybit:BTCUSDT")
        hot.set("ticker:bybit:BTCUSDT", "poison")
        until(lambda: hot.type("ticker:bybit:BTCUSDT") == "hash", 5, "a ticker again")
        until(lambda: hot.hget("feed:bybit", "reconnects") == reconnects == "0", 5, "the feed's state")


def test_a_database_that_is_away_stops_nothing_else(
    env: dict[str, str], hot: "redis.Redis", engine: Engine
) -> None:
    """Hot state goes on; rows wait on disk and are counted, until a collector finds its database."""
    away = env | {"DATABASE_URL": "postgresql://app@127.0.0.1:9/app"}
    with collector(away) as process:
        until(lambda: is_live(hot), WAIT_S, "live books")
        until(lambda: bool(hot.keys("worker:*")), WAIT_S, "a worker")
        (worker,) = hot.keys("worker:*")
        until(lambda: hot.hget(worker, "db_state") == "down", WAIT_S, "db_state down")
        began = quote_time(hot)
        until(lambda: quote_time(hot) > began + 3_000, WAIT_S, "3 s of quotes")
        until(lambda: int(str(hot.hget(worker, "spool_rows"))) > 200, 2 * WAIT_S, "waiting rows")
        assert int(str(hot.hget(worker, "spool_bytes"))) > 0
        assert end(process) == 0
    with collector(env | {"SYMBOLS": "ETHUSDT"}):
        waited = "SELECT count(*) FROM orderbook_ticks WHERE symbol = 'BTCUSDT'"
        until(lambda: one(engine, waited) > 10, WAIT_S, "rows that waited")
        until(
            lambda: one(engine, "SELECT count(*) FROM klines WHERE symbol = 'BTCUSDT'") > 0, WAIT_S, "candles"
        )


def test_an_empty_database_is_waited_for(env: dict[str, str], hot: "redis.Redis", postgres_url: str) -> None:
    """Without a schema nothing is written, and the worker says so."""
    with collector(env | {"DATABASE_URL": postgres_url}):
        until(lambda: is_live(hot), WAIT_S, "live books")
        (worker,) = hot.keys("worker:*")
        until(lambda: hot.hget(worker, "db_state") == "schema", WAIT_S, "db_state schema")


def test_the_simulator_stands_in_until_a_venue_answers(
    env: dict[str, str], hot: "redis.Redis", engine: Engine
) -> None:
    """FEEDS=auto: simulated venues under their own names after 15 s, gone when live data comes."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    away = environment(env["DATABASE_URL"], env["REDIS_URL"], port, **SYMBOLS, FEEDS="auto", BACKFILL="off")
    with collector(away):
        until(lambda: hot.hget("feed:bybit", "state") == "down", WAIT_S, "Bybit down")
        until(lambda: hot.hget("book:sim-binance:BTCUSDT", "state") == "live", 30, "a simulated book")
        until(lambda: hot.hget("book:sim-bybit:BTCUSDT", "state") == "live", 30, "the other one")
        assert hot.exists("book:bybit:BTCUSDT") == 0 or hot.hget("book:bybit:BTCUSDT", "bids") == "[]"
        with simulator(["--port", str(port)]):
            until(lambda: hot.hget("book:binance:BTCUSDT", "state") == "live", 90, "a live book")
            until(lambda: not list(hot.scan_iter("*sim-*")), 10, "no simulated keys")
            until(lambda: hot.hget("feed:bybit", "state") == "live", 90, "Bybit live")
            venues = "SELECT count(DISTINCT venue) FROM orderbook_ticks"
            until(lambda: one(engine, venues) == 4, WAIT_S, "ticks of all four")
    with engine.connect() as connection:
        found = set(connection.execute(text("SELECT DISTINCT venue FROM orderbook_ticks")).scalars())
    assert found == {"bybit", "binance", "sim-bybit", "sim-binance"}


def test_without_rest_depth_binance_books_fall_back_to_whole_tops(
    env: dict[str, str], hot: "redis.Redis", engine: Engine
) -> None:
    """REST is set but nobody answers there: the book comes from depth20 after ten seconds."""
    with collector(
        env | {"BINANCE_REST_URL": "http://127.0.0.1:9", "VENUES": "binance", "SYMBOLS": "BTCUSDT"}
    ):
        until(lambda: hot.hget("book:binance:BTCUSDT", "state") == "live", 25, "a book of whole tops")
        until(lambda: one(engine, "SELECT count(*) FROM orderbook_ticks") > 5, WAIT_S, "ticks")
        said = "SELECT count(*) FROM feed_events WHERE event = 'fallback' AND detail LIKE 'BTCUSDT%'"
        until(lambda: one(engine, said) == 1, WAIT_S, "a word on it")
    assert len(json.loads(hot.hget("book:binance:BTCUSDT", "bids") or "[]")) == 20
