from collections.abc import Iterator

import pytest
from redis import Redis

from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.connect import live_client, reader_client
from db.hot.reader import HotReader, StreamEntry


@pytest.fixture
def client(redis_client_url: str) -> Iterator[Redis]:
    made = live_client(redis_client_url)
    yield made
    made.close()


@pytest.fixture
def reader(redis_client_url: str) -> Iterator[HotReader]:
    made = reader_client(redis_client_url)
    yield HotReader(made)
    made.close()


def test_what_is_missing_is_none_or_empty(reader: HotReader) -> None:
    """An empty store raises nothing."""
    assert (reader.book("bybit", "X"), reader.ticker("bybit", "X"), reader.kline("bybit", "X", "1m")) == (
        None,
    ) * 3
    assert (reader.market("bybit"), reader.feeds(["bybit"]), reader.feeds([]), reader.workers()) == (
        {},
        {},
        {},
        {},
    )
    assert (reader.trades("bybit", "X"), reader.events(), reader.event_bounds()) == ([], [], None)


def test_hashes_come_back_as_text(reader: HotReader, client: Redis) -> None:
    """Book, ticker, forming candle and its indicators, each under its own key."""
    client.hset(keys.book("bybit", "ETHUSDT"), mapping={"state": "live", "mid": "1.5"})
    client.hset(keys.ticker("bybit", "ETHUSDT"), mapping={"last_price": "2", "mark_price": ""})
    client.hset(keys.kline("bybit", "ETHUSDT", "5m"), mapping={"open": "3"})
    assert reader.book("bybit", "ETHUSDT") == {"state": "live", "mid": "1.5"}
    assert reader.ticker("bybit", "ETHUSDT") == {"last_price": "2", "mark_price": ""}
    assert reader.kline("bybit", "ETHUSDT", "5m") == {"open": "3"}
    client.hset(keys.indicator("bybit", "ETHUSDT", "5m"), mapping={"rsi": "61.2"})
    assert reader.indicator("bybit", "ETHUSDT", "5m") == {"rsi": "61.2"}


def test_the_market_of_a_venue_is_raw_json_by_symbol(reader: HotReader, client: Redis) -> None:
    """Not decoded here: most readers pass it on."""
    client.hset(keys.market("bybit"), mapping={"ETHUSDT": b'{"a":1}', "BTCUSDT": b"{}"})
    assert reader.market("bybit") == {"ETHUSDT": b'{"a":1}', "BTCUSDT": b"{}"}


def test_the_newest_trades_come_first(reader: HotReader, client: Redis) -> None:
    """As many as asked for."""
    for n in range(5):
        client.xadd(keys.trades("bybit", "ETHUSDT"), {"price": n})
    assert reader.trades("bybit", "ETHUSDT", 2) == [{"price": "4"}, {"price": "3"}]
    assert len(reader.trades("bybit", "ETHUSDT")) == 5


def test_feeds_and_workers_are_found_by_name(reader: HotReader, client: Redis) -> None:
    """The merged feed of each venue asked for; every worker with a heartbeat."""
    client.hset(keys.feed("bybit"), mapping={"state": "live"})
    client.hset(keys.feed("bybit", "w1"), mapping={"state": "down"})
    for name in ("w1", "host:2"):
        client.hset(keys.worker(name), mapping={"pid": name})
    assert reader.feeds(["bybit", "binance"]) == {"bybit": {"state": "live"}}
    assert reader.workers() == {"host:2": {"pid": "host:2"}, "w1": {"pid": "w1"}}


def test_a_look_is_kept_for_the_collector(reader: HotReader, client: Redis) -> None:
    """All that a reader writes."""
    reader.look("bybit", "ETHUSDT", 5)
    assert client.zrange(keys.VIEWED, 0, -1, withscores=True) == [(b"bybit:ETHUSDT", 5.0)]


def test_events_resume_after_an_id(reader: HotReader, client: Redis) -> None:
    """Exclusive, oldest first; the bounds tell whether an id is still there."""
    for n in (1, 2, 3):
        client.xadd(keys.EVENTS, {"kind": "gap", "n": n}, id=f"{n}-0")
    assert [e.id for e in reader.events()] == ["1-0", "2-0", "3-0"]
    assert reader.events("1-0", 1) == [StreamEntry("2-0", {"kind": "gap", "n": "2"})]
    assert reader.events("3-0") == []
    assert reader.event_bounds() == ("1-0", "3-0")


def test_a_server_that_is_gone_is_store_unavailable() -> None:
    """From every method."""
    reader = HotReader(reader_client("redis://127.0.0.1:1"))
    for call in (
        lambda: reader.market("bybit"), lambda: reader.book("bybit", "X"),
        lambda: reader.trades("bybit", "X"),
        lambda: reader.indicator("bybit", "X", "1m"),
        lambda: reader.look("bybit", "X", 1),
        lambda: reader.feeds(["bybit"]), reader.workers, reader.events, reader.event_bounds,
    ):  # fmt: skip
        with pytest.raises(StoreUnavailable, match="Redis"):
            call()


def test_a_key_of_another_type_is_store_unavailable(reader: HotReader, client: Redis) -> None:
    """Somebody else's key does not become a traceback."""
    client.set(keys.market("bybit"), "x")
    with pytest.raises(StoreUnavailable, match="WRONGTYPE"):
        reader.market("bybit")


def test_a_feed_is_told_by_worker(reader: HotReader, client: Redis) -> None:
    """Each worker's part under its own key, those that there are."""
    client.hset(keys.feed("bybit", "a"), mapping={"state": "live"})
    client.hset(keys.feed("binance", "b"), mapping={"state": "idle"})
    assert reader.feed_parts(["bybit", "binance"], ["a", "b"]) == {
        ("bybit", "a"): {"state": "live"}, ("binance", "b"): {"state": "idle"},
    }  # fmt: skip
    assert reader.feed_parts([], ["a"]) == {}


def test_the_server_says_how_it_is(reader: HotReader) -> None:
    """Its version, what it uses, who is connected."""
    usage = reader.usage()
    assert usage.version[0].isdigit()
    assert usage.used_bytes > 100_000
    assert usage.max_bytes >= 0
    assert usage.clients >= 1
