"""Hot state on a real Redis, and while it is away."""

import json
import time

import pytest
import redis

from collector.announcer import Announcer
from collector.publisher import Publisher
from collector.status import Status
from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from db.rows import FeedEventRow, GapRow, TickerRow
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench, FakeFeed
from tests.db.history.rows import signal
from tests.entries import entries
from tests.market.candles import trade

NOW = time.time_ns() // 1_000_000


def publisher(
    url: str, feeds: list[FakeFeed], writer: HotWriter | None = None, announcer: Announcer | None = None
) -> Publisher:
    writer = writer or HotWriter(live_client(url))
    return Publisher(
        writer,
        lambda: feeds,  # type: ignore[arg-type,return-value]  # a fake feed has what the publisher reads
        Status(writer, "w", lambda: dict.fromkeys(keys.WORKER_FIELDS, ""), tuple),
        announcer or Announcer(),
        interval_ms=50,
        intervals=("1m",),
    )


@pytest.fixture
def hot(redis_client_url: str) -> "redis.Redis":
    """The Redis of this test."""
    return redis.Redis.from_url(redis_client_url, decode_responses=True)


def feed(venue: str = "bybit", *symbols: str) -> FakeFeed:
    return FakeFeed(Bench(venue, *(symbols or ("BTCUSDT",))))


def test_rows_of_an_earlier_run_stay_until_the_instruments_are_known(
    redis_client_url: str, hot: "redis.Redis"
) -> None:
    """Then only those of symbols that are not followed any more go."""
    hot.hset("market:bybit", mapping={"BTCUSDT": "{}", "GONEUSDT": "{}"})
    starting = feed()
    starting.connections = []
    made = publisher(redis_client_url, [starting])
    made.publish(100.0)
    assert set(hot.hkeys("market:bybit")) == {"BTCUSDT", "GONEUSDT"}
    starting.connections = [object()]
    made.publish(102.0)
    assert set(hot.hkeys("market:bybit")) == {"BTCUSDT"}


def test_what_could_not_be_sent_is_forgotten(redis_client_url: str, hot: "redis.Redis") -> None:
    """An outage does not pile up commands; afterwards everything is published anew."""
    gone = HotWriter(live_client("redis://127.0.0.1:9"))
    away = publisher(redis_client_url, [feed()], gone)
    for second in range(5):
        with pytest.raises(StoreUnavailable):
            away.publish(100.0 + 2 * second)
        away._on_down(StoreUnavailable("gone"))
    assert gone._steps == [] and gone._batch.put_into(gone._pipeline) == 0
    assert hot.keys("*") == []


def test_the_last_good_levels_of_an_earlier_run_stay_while_syncing(
    redis_client_url: str, hot: "redis.Redis"
) -> None:
    """Only state and publish time change; without an earlier run every field is there, empty."""
    hot.hset("book:bybit:BTCUSDT", mapping={"bids": "[[1,2]]", "best_bid_price": "1", "state": "live"})
    publisher(redis_client_url, [feed("bybit", "BTCUSDT", "ETHUSDT")]).publish(100.0)
    book = hot.hgetall("book:bybit:BTCUSDT")
    assert (book["state"], book["bids"], book["best_bid_price"]) == ("syncing", "[[1,2]]", "1")
    fresh = hot.hgetall("book:bybit:ETHUSDT")
    assert set(fresh) == set(keys.BOOK_FIELDS)
    assert (fresh["state"], fresh["bids"], fresh["mid"]) == ("syncing", "[]", "")


def test_keys_live_120_seconds_from_the_first_write(redis_client_url: str, hot: "redis.Redis") -> None:
    """Feeds and workers 15."""
    publisher(redis_client_url, [feed()]).publish(100.0)
    assert 0 < hot.ttl("book:bybit:BTCUSDT") <= keys.INSTRUMENT_TTL_S
    assert 0 < hot.ttl("feed:bybit") <= keys.STATUS_TTL_S
    assert 0 < hot.ttl("worker:w") <= keys.STATUS_TTL_S
    assert all(hot.ttl(key) > 0 for key in hot.keys("*"))


def test_a_gap_is_told_as_an_event(redis_client_url: str, hot: "redis.Redis") -> None:
    """Each state of it once, with all that is known of it."""
    announcer = Announcer()
    made = publisher(redis_client_url, [feed()], announcer=announcer)
    gap = GapRow("bybit", "BTCUSDT", "trade", NOW, None, "silent", "no", 0, "no trade for 15 s")
    for state in (gap, gap._replace(ended_at=NOW + 5, repaired="yes", rows_recovered=12)):
        announcer.gap(state)
        made.publish(100.0)
    told = entries(hot, "events")
    assert [(e["kind"], e["venue"], e["symbol"]) for e in told] == [("gap", "bybit", "BTCUSDT")] * 2
    opened = {
        "channel": "trade", "started_at": NOW, "ended_at": None, "cause": "silent", "repaired": "no",
        "rows_recovered": 0, "detail": "no trade for 15 s",
    }  # fmt: skip
    repaired = opened | {"ended_at": NOW + 5, "repaired": "yes", "rows_recovered": 12}
    assert [json.loads(e["data"]) for e in told] == [opened, repaired]


def test_a_signal_is_told_as_an_event(redis_client_url: str, hot: "redis.Redis") -> None:
    """With all that its row has; numbers without exponents."""
    announcer = Announcer()
    made = publisher(redis_client_url, [feed()], announcer=announcer)
    announcer.signal(signal(symbol="BTCUSDT"))
    made.publish(100.0)
    [entry] = entries(hot, "events")
    assert (entry["kind"], entry["venue"], entry["symbol"]) == ("signal", "bybit", "BTCUSDT")
    names = ("interval", "rule", "open_time", "ts", "side", "strength", "price", "spread_bps", "inputs")
    assert json.loads(entry["data"]) == {name: getattr(signal(), name) for name in names}
    assert '"rsi_before":0.0000001' in entry["data"]


def test_indicators_are_published_and_kept(redis_client_url: str, hot: "redis.Redis") -> None:
    """Those that changed; all of them anew when Redis was away; they go with their symbol."""
    followed = feed()
    made, state = publisher(redis_client_url, [followed]), followed.pipeline.states["BTCUSDT"]
    key = keys.indicator("bybit", "BTCUSDT", "1m")
    fields = dict.fromkeys(keys.INDICATOR_FIELDS, "1")
    state.show_indicators({"1m": dict(fields)}, '{"1m":{"rsi":31.5}}', '"vwap_day":2.5')
    made.publish(100.0)
    assert hot.hgetall(key) == fields
    assert 0 < hot.ttl(key) <= keys.INSTRUMENT_TTL_S
    assert json.loads(str(hot.hget("market:bybit", "BTCUSDT")))["indicators"] == {"1m": {"rsi": 31.5}}
    hot.delete(key)
    made.publish(101.0)
    assert not hot.exists(key)
    made._on_down(StoreUnavailable("gone"))
    made.publish(102.0)
    assert hot.hgetall(key) == fields
    HotWriter(live_client(redis_client_url)).delete_symbols("bybit", ["BTCUSDT"])
    assert not hot.exists(key)


def test_an_emptied_redis_gets_every_list_of_trades_back(redis_client_url: str, hot: "redis.Redis") -> None:
    """With the next rounds, though no trade comes; once each, in order, however often all is published."""
    followed = feed("bybit", "BTCUSDT", "ETHUSDT")
    made, states = publisher(redis_client_url, [followed]), followed.pipeline.states
    count = 2 * keys.TRADES_LENGTH + 50
    for number in range(count):
        states["BTCUSDT"].on_trade(trade(number, 1, is_named=True))
    made.publish(100.0)
    before = trades_in(hot, "BTCUSDT")
    assert [int(entry["trade_id"].split("-")[0], 16) for entry in before] == list(range(count))[-200:]
    hot.flushall()
    made.publish(100.3)  # notices
    made.publish(100.35)
    assert trades_in(hot, "BTCUSDT") == before
    assert 0 < hot.ttl(keys.trades("bybit", "BTCUSDT")) <= keys.INSTRUMENT_TTL_S
    assert not hot.exists(keys.trades("bybit", "ETHUSDT"))
    made._on_down(StoreUnavailable("gone for a moment"))
    states["BTCUSDT"].on_trade(trade(count, 1, is_named=True))
    made.publish(101.0)
    after = trades_in(hot, "BTCUSDT")
    assert after[-2]["trade_id"] == before[-1]["trade_id"]
    assert len({entry["trade_id"] for entry in after}) == len(after)


def test_no_round_hides_that_redis_was_emptied(redis_client_url: str, hot: "redis.Redis") -> None:
    """Also where the status is written anew between two looks."""
    followed = feed()
    made = publisher(redis_client_url, [followed])
    followed.pipeline.states["BTCUSDT"].on_trade(trade(1, 1, is_named=True))
    for now in (100.0, 100.3, 100.6, 100.9):
        made.publish(now)
    hot.flushall()
    made.publish(101.0)  # the status is due, the look is not
    for now in (101.05, 101.3):
        made.publish(now)
    assert len(trades_in(hot, "BTCUSDT")) == 1


def test_trades_of_an_earlier_run_stay_and_come_back(redis_client_url: str, hot: "redis.Redis") -> None:
    """A restart loses none of them, nor does a Redis that is emptied after it."""
    for run in range(2):
        followed = feed()
        made, state = publisher(redis_client_url, [followed]), followed.pipeline.states["BTCUSDT"]
        made.publish(100.0)
        for number in (2 * run, 2 * run + 1):
            state.on_trade(trade(number, 1 + number, is_named=True))
        made.publish(100.05)
    before = trades_in(hot, "BTCUSDT")
    assert len(before) == 4
    hot.flushall()
    made.publish(100.4)
    made.publish(100.45)
    assert trades_in(hot, "BTCUSDT") == before


def test_keys_of_another_type_are_written_anew(redis_client_url: str, hot: "redis.Redis") -> None:
    """All of them, also those that are read before they are written, though nothing new comes."""
    followed = feed()
    made, state = publisher(redis_client_url, [followed]), followed.pipeline.states["BTCUSDT"]
    state.on_trade(trade(1, 1, is_named=True))
    made.publish(100.0)
    types = {key: hot.type(key) for key in hot.keys("*")}
    assert {"market:bybit", "feed:bybit", "trades:bybit:BTCUSDT"} < set(types)
    for key in types:
        hot.delete(key)
        hot.set(key, "poison")
    state.on_trade(trade(2, 2, is_named=True))
    for round_ in range(1, 6):
        made.publish(100.0 + 0.3 * round_)
    assert {key: hot.type(key) for key in hot.keys("*")} == types
    assert len(trades_in(hot, "BTCUSDT")) == 2


def trades_in(hot: "redis.Redis", symbol: str) -> list[dict[str, str]]:
    """The newest entries of a stream, oldest first."""
    return entries(hot, keys.trades("bybit", symbol))[-keys.TRADES_LENGTH :]


def test_the_first_indicators_wait_for_no_slow_round(redis_client_url: str, hot: "redis.Redis") -> None:
    """Hash and overview row come with the next round; what changes afterwards in its turn."""
    followed = feed()
    made, state = publisher(redis_client_url, [followed]), followed.pipeline.states["BTCUSDT"]
    key = keys.indicator("bybit", "BTCUSDT", "1m")
    made.publish(100.0)
    state.show_indicators({"1m": dict.fromkeys(keys.INDICATOR_FIELDS, "1")}, '{"1m":{"rsi":1}}', "")
    made.publish(100.05)
    assert hot.hget(key, "rsi") == "1"
    assert json.loads(str(hot.hget("market:bybit", "BTCUSDT")))["indicators"] == {"1m": {"rsi": 1}}
    state.show_indicators({"1m": dict.fromkeys(keys.INDICATOR_FIELDS, "2")}, '{"1m":{"rsi":2}}', "")
    made.publish(100.1)
    assert hot.hget(key, "rsi") == "1"
    made.publish(100.3)
    assert hot.hget(key, "rsi") == "2"


def test_a_symbol_that_comes_back_begins_anew(redis_client_url: str, hot: "redis.Redis") -> None:
    """Its keys were deleted meanwhile: they expire again, and no old book is shown."""
    followed = feed("bybit", "BTCUSDT", "ETHUSDT")
    made = publisher(redis_client_url, [followed])
    made.publish(100.0)
    followed.pipeline.states.pop("ETHUSDT")
    made.publish(102.0)
    HotWriter(live_client(redis_client_url)).delete_symbols("bybit", ["ETHUSDT"])
    followed.pipeline.follow([unknown_instrument("bybit", "ETHUSDT")])
    made.publish(104.0)
    assert 0 < hot.ttl(keys.book("bybit", "ETHUSDT")) <= keys.INSTRUMENT_TTL_S
    assert hot.hget(keys.book("bybit", "ETHUSDT"), "bids") == "[]"


def test_what_happens_to_a_feed_is_told_as_an_event(redis_client_url: str, hot: "redis.Redis") -> None:
    """Of the venue, of no symbol."""
    announcer = Announcer()
    made = publisher(redis_client_url, [feed()], announcer=announcer)
    announcer.feed(FeedEventRow(NOW, "bybit", "w", "disconnected", "bybit-linear-0: no data for 15 s"))
    made.publish(100.0)
    [entry] = entries(hot, "events")
    assert (entry["kind"], entry["venue"], entry["symbol"]) == ("feed", "bybit", "")
    assert json.loads(entry["data"]) == {
        "event": "disconnected", "detail": "bybit-linear-0: no data for 15 s", "worker": "w",
    }  # fmt: skip


def test_what_is_remembered_replaces_nothing_that_redis_has(
    redis_client_url: str, hot: "redis.Redis"
) -> None:
    """Redis may know it better: the database was told later, or not at all. An empty one gets it at once."""
    at = NOW - 600_000
    row = TickerRow("bybit", "BTCUSDT", last_price=5.0, event_time=at, recv_time=at)
    hot.hset("ticker:bybit:BTCUSDT", mapping={"last_price": "7", "event_time": str(NOW)})
    hot.hset("market:bybit", "BTCUSDT", json.dumps({"last_price": 7.0, "event_time": NOW}))
    known = feed()
    known.pipeline.remember([row])
    publisher(redis_client_url, [known]).publish(100.0)
    assert hot.hget("ticker:bybit:BTCUSDT", "last_price") == "7"
    assert json.loads(str(hot.hget("market:bybit", "BTCUSDT")))["last_price"] == 7.0
    hot.flushall()
    known = feed()
    known.pipeline.remember([row])
    publisher(redis_client_url, [known]).publish(100.0)
    assert hot.hget("ticker:bybit:BTCUSDT", "last_price") == "5"
    assert json.loads(str(hot.hget("market:bybit", "BTCUSDT")))["event_time"] == at


def test_what_a_venue_does_not_list_is_told(redis_client_url: str, hot: "redis.Redis") -> None:
    """By the worker and of the feed, in words; empty where there is nothing to tell."""
    bybit, binance = feed("bybit"), feed("binance")
    bybit.unlisted = "FOOUSDT"
    publisher(redis_client_url, [bybit, binance]).publish(100.0)
    assert [hot.hget(key, "unlisted") for key in ("feed:bybit", "feed:bybit:w")] == ["FOOUSDT", "FOOUSDT"]
    assert hot.hget("feed:binance", "unlisted") == ""
