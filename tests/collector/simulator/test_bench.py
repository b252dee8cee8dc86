"""The bench's frames: whole, current, and a chain that a client accepts."""

import json
import time
from typing import Any

import pytest

from collector.simulator.bench.backend import Bench
from collector.simulator.bench.frames import MINUTE, NOW, Field, Kind, Loop
from tests.collector.simulator.exchange import BookCopy, get, hear_until, say, serving, socket

pytestmark = pytest.mark.wire


def test_times_and_ids_are_filled_in_place() -> None:
    """Each pass has the current time and ids that go on where the pass before ended."""
    counter = [Field(Kind.COUNTER, 5_000_000_000_000 + number, 2) for number in range(2)]
    loop = Loop([['{"u":', counter[0], ',"T":', NOW, "}"], ['{"t":', MINUTE, ',"u":', counter[1], "}"]])
    now = 1_763_600_040_123
    bodies = [loop.chunk(0, 2, passes, now + passes)[2:].split(b"\x81") for passes in range(2)]
    texts = [[json.loads(body[body.index(b"{") :]) for body in pair] for pair in bodies]
    assert texts[0] == [
        {"u": 5_000_000_000_000, "T": now},
        {"t": 1_763_600_040_000, "u": 5_000_000_000_001},
    ]
    assert [text["u"] for text in texts[1]] == [5_000_000_000_002, 5_000_000_000_003]
    assert texts[1][0]["T"] == now + 1


def test_bybit_books_chain_over_many_passes() -> None:
    """A snapshot, then deltas with u + 1 for ever; the book keeps its depth, and its top always changes."""
    topics = ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT", "tickers.BTCUSDT", "kline.1.BTCUSDT"]
    topics += ["orderbook.1.ETHUSDT"]
    with serving(lambda: Bench(rate=10_000)) as port, socket(port, "/v5/public/linear") as bybit:
        say(bybit, op="subscribe", args=topics)
        messages = hear_until(bybit, lambda heard: len(heard) > 2000)
    book, last, top = BookCopy(), 0, None
    seen: list[dict[str, Any]] = [message for message in messages if "topic" in message]
    for message in seen:
        assert abs(message["ts"] - time.time() * 1000) < 20_000
        if message["topic"] == topics[0]:
            data = message["data"]
            assert (message["type"] == "snapshot") == (last == 0) and (not last or data["u"] == last + 1)
            book.apply(data["b"], data["a"])
            assert len(book.bids) == len(book.asks) == 50 and book.top != top
            last, top = data["u"], book.top
    assert {message["topic"] for message in seen} == set(topics)
    trades = [message["data"][0]["i"] for message in seen if message["topic"] == topics[1]]
    assert len(set(trades)) == len(trades) > 100


def test_binance_streams_flow_on_their_routes() -> None:
    """bookTicker and depth20 with rising u on one socket, aggTrade with a + 1 on the other."""
    with (
        serving(lambda: Bench(rate=10_000)) as port,
        socket(port, "/public/stream?streams=btcusdt@bookTicker/btcusdt@depth20@100ms") as public,
        socket(
            port, "/market/stream?streams=btcusdt@aggTrade/btcusdt@kline_1m/btcusdt@markPrice@1s"
        ) as market,
    ):
        books = [message["data"] for message in hear_until(public, lambda heard: len(heard) > 500)]
        others = [message["data"] for message in hear_until(market, lambda heard: len(heard) > 500)]
        assert get(port, "/fapi/v1/exchangeInfo")["symbols"]
    ids = [event["u"] for event in books if event["e"] == "bookTicker"]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert all(len(event["b"]) == 20 for event in books if event["e"] == "depthUpdate")
    trades = [event["a"] for event in others if event["e"] == "aggTrade"]
    assert trades == list(range(trades[0], trades[0] + len(trades)))
    assert {event["e"] for event in others} == {"aggTrade", "kline", "markPriceUpdate"}


def test_the_rate_is_kept() -> None:
    """A client gets about what was asked for, by the times in the frames."""
    rate = 2000
    with serving(lambda: Bench(rate)) as port, socket(port, "/v5/public/linear") as bybit:
        say(bybit, op="subscribe", args=["publicTrade.BTCUSDT", "publicTrade.ETHUSDT"])
        messages = hear_until(bybit, lambda heard: len(heard) > rate // 4)
    times = [message["ts"] for message in messages if "topic" in message]
    assert 180 < times[-1] - times[0] < 1500
