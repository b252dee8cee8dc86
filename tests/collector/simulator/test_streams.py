"""Streams on a clock of the test's, where waiting for them on a socket would be slow."""

import itertools
import json
from random import Random
from typing import Any

import pytest

from collector.simulator.economy.coins import coins
from collector.simulator.economy.history import Source
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.path import Path
from collector.simulator.streams import binance, bybit
from collector.simulator.wire import Subscriber, payload_of
from tests.collector.simulator.exchange import MINUTE_MS, START

pytestmark = pytest.mark.wire

NOW = START + 5_000
COINS = coins()


class Listener(Subscriber):
    """Remembers when each message came."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.heard: list[tuple[float, dict[str, Any]]] = []

    def send_frame(self, frame: bytes, topic: str = "") -> None:
        assert topic
        self.heard.append((self.now, json.loads(payload_of(frame))))


def listen(venue: str, topic: str, seconds: int) -> tuple[Instrument, list[tuple[float, dict[str, Any]]]]:
    """What one topic of a little-traded coin says."""
    coin = next(coin for coin in COINS if coin.symbol == "ORDIUSDT")
    instrument = Instrument(Source(Path(COINS, 1), coin, coin.listing(venue), venue), NOW, Random(2))
    maker = (bybit if venue == "bybit" else binance).maker_of(topic)
    assert maker is not None
    listener = Listener()
    instrument.attach(listener, topic, lambda: maker(topic, instrument))
    now = float(NOW)
    while now < NOW + seconds * 1000:
        listener.now = now
        now = max(instrument.visit(now), now + 1.0)
    return instrument, listener.heard


def test_depth_1_repeats_itself_after_three_quiet_seconds() -> None:
    """Each message is a change with u + 1, or, three quiet seconds later, the same again with the same u."""
    _, heard = listen("bybit", "orderbook.1.ORDIUSDT", 400)
    repeats = 0
    for (before_ms, before), (now_ms, message) in itertools.pairwise(heard):
        step = message["data"]["u"] - before["data"]["u"]
        same = all(message["data"][side] == before["data"][side] for side in "ba")
        assert (step, same) in ((1, False), (0, True))
        if same:
            assert now_ms - before_ms >= 3000
            repeats += 1
        assert now_ms - before_ms < 3100
    assert repeats > 3


def test_a_closed_candle_comes_at_once_on_both_venues() -> None:
    """Within 50 ms after the turn, once for each minute, also for a coin that hardly trades."""
    for venue, topic in (("bybit", "kline.1.ORDIUSDT"), ("binance", "ordiusdt@kline_1m")):
        _, heard = listen(venue, topic, 190)
        turns = []
        for now_ms, message in heard:
            rows = message["data"] if venue == "bybit" else [message["k"]]
            turns += [now_ms for row in rows if row.get("confirm") or row.get("x")]
        assert [int(turn) // MINUTE_MS for turn in turns] == [START // MINUTE_MS + 1 + i for i in range(3)]
        assert all(turn % MINUTE_MS < 50 for turn in turns)


def test_timed_streams_keep_their_beat() -> None:
    """markPrice@1s once a second, ticker every two, whatever the coin does."""
    for topic, beat_ms in (("ordiusdt@markPrice@1s", 1000), ("ordiusdt@ticker", 2000)):
        _, heard = listen("binance", topic, 20)
        gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(heard)]
        assert len(heard) >= 20_000 / beat_ms - 1
        assert all(beat_ms <= gap < beat_ms + 50 for gap in gaps)


def test_a_stream_that_nobody_wants_is_gone() -> None:
    """The last client that leaves takes the stream and its journal along."""
    coin = COINS[0]
    instrument = Instrument(Source(Path(COINS, 1), coin, coin.listing("binance"), "binance"), NOW, Random(2))
    client = Listener()
    instrument.attach(client, "btcusdt@depth", lambda: binance.DiffStream("btcusdt@depth", instrument))
    assert len(instrument.book.journals) == 1
    instrument.detach(client, "btcusdt@depth")
    assert not instrument.streams and not instrument.book.journals and not instrument.book.bids.touched
