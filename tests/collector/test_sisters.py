"""What an instrument's streams show about one another."""

import json

import pytest

from collector.sisters import NEVER, Sisters
from collector.venues import Topic
from collector.watchdog import Clock
from tests.collector.fakes import Bench

NOW = 1_763_600_000_000


def trade_frame(venue: str, number: int, *, in_book: bool) -> bytes:
    """A public trade of either venue; outside the book it is a retail order's."""
    if venue == "bybit":
        row = {
            "T": NOW,
            "s": "BTCUSDT",
            "S": "Buy",
            "v": "1",
            "p": "100",
            "i": f"t{number}",
            "RPI": not in_book,
        }
        return json.dumps({"topic": "publicTrade.BTCUSDT", "ts": NOW, "data": [row]}).encode()
    data = {
        "e": "aggTrade",
        "E": NOW,
        "s": "BTCUSDT",
        "a": number,
        "p": "100",
        "q": "1",
        "T": NOW,
        "m": False,
    }
    data["nq"] = "1" if in_book else "0.000"
    return json.dumps({"stream": "btcusdt@aggTrade", "data": data}).encode()


@pytest.mark.parametrize("venue", ["bybit", "binance"])
def test_only_trades_of_the_book_show_that_it_stands_still(venue: str) -> None:
    """Retail and block orders are dealt beside it: a book that rests meanwhile is not dead."""
    bench = Bench(venue, "BTCUSDT")
    sisters, clock = Sisters(), Clock()
    topic = Topic("trades", "", "trade", "BTCUSDT")
    for at, number, in_book in ((10.0, 1, False), (20.0, 2, True), (30.0, 3, False)):
        bench.pipeline.on_frame(trade_frame(venue, number, in_book=in_book), NOW)
        clock.hear(at)
        sisters.look(bench.pipeline.states["BTCUSDT"], [(topic, clock)], at)
        assert sisters.moved_at("book") == sisters.moved_at("top") == (NEVER if at < 20 else 20.0)
