"""A feed against a scripted Bybit on loopback: bad frames, silence, refusals."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from collector import silence, subscriptions
from collector.feed import Feed
from collector.ledger import Ledger
from collector.resync import Resync
from db.rows import GapRow
from market.events import Trade
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench

pytestmark = pytest.mark.wire

WAIT_S = 5.0
GARBAGE = [b"\x00\xff\x00", b'{"topic":"orderbook.50.BTCUSDT","type":"delta","da', b"[" * 10_000_000]


def snapshot(update_id: int) -> str:
    now = time.time_ns() // 1_000_000
    data = {"s": "BTCUSDT", "b": [["100", "1"]], "a": [["101", "1"]], "u": update_id, "seq": update_id}
    return json.dumps(
        {"topic": "orderbook.50.BTCUSDT", "type": "snapshot", "ts": now, "cts": now, "data": data}
    )


def _messages(server: ServerConnection) -> Iterator[str | bytes]:
    """What a client says until it is gone, however it goes."""
    try:
        yield from server
    except ConnectionClosed:
        return


class Venue:
    """A server that acks subscriptions and then does what a test puts into `script`."""

    def __init__(self) -> None:
        self.requests: queue.Queue[dict[str, object]] = queue.Queue()
        self.refuse: set[str] = set()
        self.script: Callable[[ServerConnection, int], None] = lambda _server, _count: None
        self._count = 0
        self._server: Server = serve(self._handle, "127.0.0.1", 0, compression=None)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def _handle(self, server: ServerConnection) -> None:
        self._count += 1
        count = self._count
        for message in _messages(server):
            request = json.loads(message)
            if request["op"] != "subscribe":
                continue
            self.requests.put(request)
            bad = [topic for topic in request["args"] if topic in self.refuse]
            words = f"error:handler not found,topic:{bad[0]}" if bad else ""
            answer = {"op": "subscribe", "success": not bad, "ret_msg": words, "req_id": request["req_id"]}
            server.send(json.dumps(answer))
            if not bad:
                self.script(server, count)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join(WAIT_S)


class Setup:
    """A feed of one or more symbols on a scripted venue, served a few times a second."""

    def __init__(self, *symbols: str) -> None:
        self.venue = Venue()
        self.bench = Bench("bybit", *symbols, depth=50)
        self.gaps: list[GapRow] = []
        self.said: queue.Queue[tuple[str, str]] = queue.Queue()
        self.feed = Feed(
            self.bench.pipeline,
            self.bench.venue,
            self.bench.plan,
            [self.venue.url],
            resync=Resync(None),
            ledger=Ledger("bybit", self.gaps.append),
            record=lambda _venue, event, detail: self.said.put((event, detail)),
        )
        self.bench.listener = self.feed.books
        self._symbols = symbols

    def start(self) -> None:
        self.feed.start(unknown_instrument("bybit", s) for s in self._symbols)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Serve the feed until a condition holds."""
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited for: {what}"
            self.feed.keep(time.monotonic())
            time.sleep(0.02)

    @property
    def book_state(self) -> str:
        return self.bench.pipeline.states["BTCUSDT"].book_state


@pytest.fixture
def setup() -> Iterator[Setup]:
    """A feed of BTCUSDT."""
    made = Setup("BTCUSDT", "NOPEUSDT")
    yield made
    made.feed.stop()
    made.feed.join(time.monotonic() + WAIT_S)
    made.venue.close()


def test_unreadable_frames_are_counted_and_three_in_a_row_break_the_socket(setup: Setup) -> None:
    """Binary, truncated and huge ones; the next socket brings the book back, and the state says why."""

    def script(server: ServerConnection, count: int) -> None:
        server.send(snapshot(count))
        for frame in GARBAGE if count == 1 else []:
            server.send(frame)

    setup.venue.script = script
    setup.start()
    setup.until(lambda: setup.bench.pipeline.states["BTCUSDT"].rules.book.update_id == 2, "the second socket")
    assert setup.bench.pipeline.statistics.faults["frame"] == 3
    assert setup.bench.pipeline.statistics.reconnects == 1
    said = [setup.said.get_nowait() for _ in range(setup.said.qsize())]
    assert ("disconnected", "bybit-linear-0: 3 unreadable frames in a row") in said


def test_single_unreadable_frames_break_nothing(setup: Setup) -> None:
    """Data in between shows that the socket is sound."""

    def script(server: ServerConnection, _count: int) -> None:
        for number in range(1, 6):
            server.send(b"\x00")
            server.send(snapshot(number))

    setup.venue.script = script
    setup.start()
    setup.until(
        lambda: setup.bench.pipeline.states["BTCUSDT"].rules.book.update_id == 5, "the fifth snapshot"
    )
    assert setup.bench.pipeline.statistics.reconnects == 0
    assert setup.feed.state == ("live", "")


def test_a_refused_topic_is_left_out_and_the_rest_asked_again(setup: Setup) -> None:
    """One bad symbol takes no other with it."""
    setup.venue.refuse = {t.name for t in setup.bench.venue.stream.topics("NOPEUSDT", setup.bench.plan)}
    setup.venue.script = lambda server, _count: server.send(snapshot(1))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "the good symbol's book")
    requests = [setup.venue.requests.get_nowait()["args"] for _ in range(setup.venue.requests.qsize())]
    assert len(requests) == 5
    assert not set(map(str, requests[-1])) & setup.venue.refuse  # type: ignore[call-overload]  # a list of topics


def test_a_topic_that_was_refused_is_asked_for_again(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal may be a mood of the venue; meanwhile the state says what is missing."""
    monkeypatch.setattr(subscriptions, "RETRY_S", 0.5)
    setup.venue.refuse = {"orderbook.50.BTCUSDT"}
    setup.venue.script = lambda server, _count: server.send(snapshot(1).replace("BTCUSDT", "NOPEUSDT"))
    setup.start()
    setup.until(lambda: setup.feed.state[0] == "degraded", "a state that tells of it")
    assert "orderbook.50.BTCUSDT is refused: error:handler not found" in setup.feed.state[1]
    setup.venue.refuse = set()
    setup.venue.script = lambda server, _count: server.send(snapshot(2))
    setup.until(lambda: setup.book_state == "live", "the book")
    setup.until(lambda: setup.feed.state == ("live", ""), "a state that is well again")
    assert setup.bench.pipeline.statistics.reconnects == 0


def test_a_venue_that_refuses_everything_is_not_live(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """No topic is given up for good: the next socket asks for all of them."""
    monkeypatch.setattr(silence, "FIRST_SILENT_S", 1.0)
    setup.venue.refuse = {
        t.name for s in ("BTCUSDT", "NOPEUSDT") for t in setup.bench.venue.stream.topics(s, setup.bench.plan)
    }
    setup.venue.script = lambda server, count: server.send(snapshot(count))
    setup.start()
    setup.until(lambda: setup.feed.state[0] == "reconnecting" and "not found" in setup.feed.state[1], "words")
    setup.venue.refuse = set()
    setup.until(lambda: setup.book_state == "live", "the book")


def test_a_market_that_rests_from_the_start_breaks_no_socket(setup: Setup) -> None:
    """One state of the book, and then nothing: that is no habit to go by."""
    setup.venue.script = lambda server, _count: server.send(snapshot(1))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    for ahead_s in range(30):
        setup.feed.keep(time.monotonic() + ahead_s)
    assert setup.bench.pipeline.statistics.reconnects == 0
    assert [gap for gap in setup.gaps if gap.cause == "silent" and gap.channel != "ticker"] == []


def test_silence_breaks_the_socket_and_is_in_the_ledger(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing for a while: the book is stale, a new socket is opened; the last levels stay meanwhile."""
    monkeypatch.setattr(silence, "SILENT_S", 0.3)
    first = snapshot(1)

    def script(server: ServerConnection, count: int) -> None:
        for _ in range(silence.HEARD):
            server.send(first if count == 1 else snapshot(count))

    setup.venue.script = script
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    setup.until(lambda: setup.book_state == "stale", "a stale book")
    assert setup.bench.pipeline.states["BTCUSDT"].rules.book.top() == (100.0, 1.0, 101.0, 1.0)
    monkeypatch.setattr(silence, "SILENT_S", 60.0)
    setup.until(lambda: setup.book_state == "live", "the book again")
    assert setup.bench.pipeline.statistics.reconnects == 1
    setup.until(lambda: setup.feed.state == ("live", ""), "a live feed")
    opened, closed = (g for g in setup.gaps if g.channel == "book")
    assert (opened.channel, opened.cause, opened.ended_at) == ("book", "silent", None)
    assert opened.started_at == json.loads(first)["cts"]
    assert closed.ended_at is not None and closed.ended_at > opened.started_at
    assert closed._replace(ended_at=None) == opened


def test_a_socket_that_never_says_anything_is_replaced(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    """Acknowledged, and silent from the beginning: E1 and E3."""
    monkeypatch.setattr(silence, "FIRST_SILENT_S", 0.3)
    setup.venue.script = lambda server, count: server.send(snapshot(count)) if count > 1 else None
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    assert setup.bench.pipeline.statistics.reconnects == 1
    assert setup.gaps == []  # nothing was ever had that could be missing


def test_a_pause_of_our_own_is_nobodys_silence(setup: Setup) -> None:
    """A process that was stopped for a minute breaks no socket when it wakes."""
    setup.venue.script = lambda server, count: server.send(snapshot(count))
    setup.start()
    setup.until(lambda: setup.book_state == "live", "a live book")
    for ahead_s in (60.0, 60.1, 64.0):
        setup.feed.keep(time.monotonic() + ahead_s)
    assert setup.book_state == "live"
    assert setup.gaps == []


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
    setup.feed.on_trades_missed(before, after)
    assert [(g.channel, g.started_at, g.ended_at, g.cause) for g in setup.gaps] == [
        ("trade", 100, None, "sequence"),
        ("trade", 100, 200, "sequence"),
    ]


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
