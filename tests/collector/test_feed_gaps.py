"""What a feed missed, in the ledger."""

import json
import threading
import time

import pytest
from websockets.sync.server import ServerConnection

from collector.watchdog import Clock
from market.events import Trade
from market.instruments import unknown_instrument
from tests.collector.feed_rig import WAIT_S, Setup, snapshot

pytestmark = pytest.mark.wire


def test_what_has_an_impossible_time_is_missing(setup: Setup) -> None:
    """It is not let in, and the ledger says so until something good comes."""
    far = snapshot(2).replace('"cts": ', '"cts": 9')

    def script(server: ServerConnection, _count: int) -> None:
        for frame in (snapshot(1), far, snapshot(3)):
            server.send(frame)

    setup.venue.script = script
    setup.start()
    setup.until(lambda: len(setup.gaps) == 2, "a gap that is closed")
    assert [(g.cause, g.ended_at is None) for g in setup.gaps] == [("refused", True), ("refused", False)]


def test_a_venue_whose_data_is_all_refused_is_not_live(setup: Setup) -> None:
    """The reason says why, until something good comes."""
    far = snapshot(2).replace('"cts": ', '"cts": 9')
    clients: list[ServerConnection] = []

    def script(server: ServerConnection, _count: int) -> None:
        server.send(far)
        clients.append(server)

    setup.venue.script = script
    setup.start()
    setup.until(lambda: setup.feed.state[0] == "degraded", "a word of it")
    assert "orderbook.50.BTCUSDT: its time 9" in setup.feed.state[1]
    clients[0].send(snapshot(3))
    setup.until(lambda: setup.feed.state == ("live", ""), "the state after something good")


def test_trades_lost_on_a_sound_connection_are_in_the_ledger(setup: Setup) -> None:
    """From the one before to the one after, over already."""
    before, after = (Trade("BTCUSDT", str(n), 1.0, 1.0, "buy", n, n) for n in (100, 200))
    setup.start()
    setup.feed.missed.on_trades(before, after)
    assert gaps_of(setup, "trade") == [(100, None, "sequence"), (100, 200, "sequence")]


def gaps_of(setup: Setup, channel: str) -> list[tuple[int, int | None, str]]:
    return [(g.started_at, g.ended_at, g.cause) for g in setup.gaps if g.channel == channel]


def clock_of(setup: Setup, channel: str) -> Clock:
    watched = [pair for line in setup.feed.lines for pair in line.losses.watched]
    return next(clock for t, clock in watched if (t.symbol, t.channel) == ("BTCUSDT", channel))


def test_a_minute_of_which_nothing_came_is_in_the_ledger(setup: Setup) -> None:
    """Over already where candles came since, else until one comes; once, however it is found out."""
    setup.start()
    setup.feed.missed.on_candle("BTCUSDT", 600_000)
    clock = clock_of(setup, "kline")
    clock.first_time = 660_001
    setup.feed.missed.on_candle("BTCUSDT", 660_000)  # candles were not asked for when it began
    assert gaps_of(setup, "kline") == []
    clock.good_time = 800_000
    setup.feed.missed.on_candle("BTCUSDT", 720_000)
    assert gaps_of(setup, "kline") == [(720_000, None, "silent"), (720_000, 780_000, "silent")]
    setup.feed.missed.on_candle("BTCUSDT", 720_000)
    assert len(gaps_of(setup, "kline")) == 2
    setup.feed.missed.on_candle("BTCUSDT", 780_000)
    assert gaps_of(setup, "kline")[2:] == [(800_000, None, "silent")] and clock.is_lost


def test_what_was_missed_while_the_collector_was_down_is_in_the_ledger(setup: Setup) -> None:
    """From what the database last saw of an instrument to the first datum of each of its channels."""
    setup.venue.script = lambda server, count: server.send(snapshot(count))
    setup.start()
    setup.feed.resume([], {"BTCUSDT": 1_000})
    setup.until(lambda: any(g.ended_at for g in setup.gaps), "a gap that is closed")
    assert {(g.channel, g.cause, g.started_at) for g in setup.gaps if not g.ended_at} == {
        (channel, "crash", 1_000) for channel in ("book", "ticker", "trade", "kline")
    }
    assert [(g.symbol, g.channel) for g in setup.gaps if g.ended_at] == [("BTCUSDT", "book")]


def test_a_stop_opens_gaps_that_the_next_start_closes(setup: Setup) -> None:
    """Cause `restart`, from the last datum of each topic that had one; candles have their instrument's."""
    setup.venue.script = lambda server, count: server.send(snapshot(count))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    setup.feed.stop()
    setup.feed.join(time.monotonic() + WAIT_S)
    assert {(g.channel, g.cause, g.ended_at) for g in setup.gaps} == {
        ("book", "restart", None),
        ("kline", "restart", None),
    }
    assert len(setup.gaps) == 2


def test_symbols_come_and_go_while_the_feed_runs(setup: Setup) -> None:
    """A new one is subscribed on the open socket; one that is left is unsubscribed and forgotten."""
    setup.venue.script = lambda server, count: server.send(snapshot(count))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    setup.feed.follow([unknown_instrument("bybit", "ETHUSDT")])
    setup.feed.unfollow(["NOPEUSDT"])
    setup.until(lambda: setup.venue.requests.qsize() > 1, "the new subscription")
    requests = [setup.venue.requests.get_nowait()["args"] for _ in range(setup.venue.requests.qsize())]
    assert "orderbook.50.ETHUSDT" in requests[-1]  # type: ignore[operator]  # a list of topics
    assert set(setup.bench.pipeline.states) == {"BTCUSDT", "ETHUSDT"}
    assert setup.bench.pipeline.statistics.reconnects == 0


def test_without_connections_a_feed_is_not_live(setup: Setup) -> None:
    """Before it knows its instruments, and when there are none."""
    assert setup.feed.state == ("reconnecting", "waiting for instruments")
    setup.feed.start([])
    assert setup.feed.state == ("down", "no symbol of this venue is configured")


def test_a_gap_asks_for_that_topic_alone(setup: Setup) -> None:
    """Unsubscribe, subscribe, and the new snapshot makes the book whole."""
    sent = threading.Event()

    def script(server: ServerConnection, _count: int) -> None:
        if not sent.is_set():
            sent.set()
            server.send(snapshot(1))
            server.send(snapshot(9).replace("snapshot", "delta"))
        else:
            server.send(snapshot(20))

    setup.venue.script = script
    setup.start()
    setup.until(lambda: setup.bench.pipeline.states["BTCUSDT"].rules.book.update_id == 20, "the new snapshot")
    requests = [setup.venue.requests.get_nowait()["args"] for _ in range(setup.venue.requests.qsize())]
    assert requests[-1] == ["orderbook.50.BTCUSDT"]
    assert setup.bench.pipeline.statistics.gaps == 1
    assert setup.bench.pipeline.statistics.reconnects == 0


def test_a_reconnect_is_a_hole_in_the_trades(setup: Setup) -> None:
    """Minutes between the last trade of one socket and the first of the next are not taken for known."""
    minute = time.time_ns() // 60_000_000_000 * 60_000 - 120_000

    def script(server: ServerConnection, count: int) -> None:
        entry = {"T": minute + 120_000 * (count - 1), "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "9"}
        data = [entry | {"i": f"id-{count}"}]
        message = {"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": entry["T"], "data": data}
        server.send(json.dumps(message))
        if count == 1:
            server.close()

    setup.venue.script = script
    setup.start()
    trades = setup.bench.pipeline.states["BTCUSDT"].candles.trades
    setup.until(lambda: trades.bar(minute + 120_000) is not None, "the trade of the second socket")
    assert trades.bar(minute) is not None
    assert not trades.covers(minute + 60_000)


def test_a_sound_frame_that_cannot_be_used_costs_its_topic_alone(setup: Setup) -> None:
    """However many of them: the socket stays, and the ledger says what is missing."""
    null = snapshot(2).replace('[["100", "1"]]', "null")

    def script(server: ServerConnection, _count: int) -> None:
        for frame in (snapshot(1), null, null, null, null, snapshot(3)):
            server.send(frame)

    setup.venue.script = script
    setup.start()
    setup.until(lambda: len(setup.gaps) == 2, "a gap that is closed")
    assert [(g.channel, g.cause) for g in setup.gaps] == [("book", "refused")] * 2
    assert setup.bench.pipeline.statistics.faults["frame"] == 4
    assert setup.bench.pipeline.statistics.reconnects == 0
