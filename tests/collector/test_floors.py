"""Nothing older replaces what Redis held when this worker took an instrument."""

import pytest
import redis

from collector.floors import SAME_TIME_MS, Floors
from collector.render import trade_fields
from db.hot import keys
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from market.events import Trade

TICKER, MARKET = keys.ticker("bybit", "BTCUSDT"), keys.market("bybit")
TRADES = keys.trades("bybit", "BTCUSDT")


def trade(number: str) -> Trade:
    return Trade(
        symbol="BTCUSDT", price=1.0, size=1.0, taker_side="buy", trade_id=number, event_time=1, recv_time=1
    )


@pytest.fixture
def floors(redis_client_url: str) -> Floors:
    """Of an instrument of which another worker wrote."""
    with redis.Redis.from_url(redis_client_url) as hot:
        hot.hset(TICKER, "event_time", "100000")
        hot.hset(MARKET, "BTCUSDT", '{"event_time":200000}')
        hot.xadd(TRADES, {"note": "nobody of us wrote it"})
        for number in ("t0", "t1"):
            hot.xadd(TRADES, dict(trade_fields(trade(number)).items()))
        hot.set(keys.book("bybit", "BTCUSDT"), "of another type")
    found = Floors(HotWriter(live_client(redis_client_url)), ["1m"])
    learned = found.learn("bybit", ["BTCUSDT"])
    assert set(learned.keys) == {TICKER, TRADES}
    assert learned.trades == {"BTCUSDT": [trade("t0"), trade("t1")]}
    return found


def test_older_waits_until_there_is_newer(floors: Floors) -> None:
    """From then on everything passes: order is the sender's business again."""
    assert not floors.passes(TICKER, "", 99_999)
    assert not floors.passes(TICKER, "", None)
    assert not floors.passes(MARKET, "BTCUSDT", 199_999)
    assert floors.passes(TICKER, "", 100_000)
    assert floors.passes(TICKER, "", 99_999)
    assert floors.passes(keys.kline("bybit", "BTCUSDT", "1m"), "", 1)


def test_another_time_altogether_passes(floors: Floors) -> None:
    """A recording is older than what was there before it by more than a moment."""
    assert floors.passes(TICKER, "", 100_000 - SAME_TIME_MS - 1)


def test_trades_come_once(floors: Floors) -> None:
    """Those that another worker published are left out, also after Redis has lost them."""
    assert [floors.is_new(TRADES, trade(number)) for number in ("t1", "t2")] == [False, True]
    floors.forget()
    assert not floors.is_new(TRADES, trade("t1"))
