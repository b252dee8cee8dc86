"""A connection that replaces another: nothing lost, nothing twice, also when the old one dies meanwhile."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from collector import rotation
from collector.feed import Feed
from collector.ledger import Ledger
from collector.resync import Resync
from db.rows import GapRow
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench

pytestmark = pytest.mark.wire

WAIT_S = 10.0
EVERY_S = 0.005


class Exchange:
    """Every client gets the same stream, each beginning with a snapshot of the book as it is then."""

    def __init__(self) -> None:
        self.is_mute_for_new = self.refuses = False
        self.sent: list[tuple[int, int]] = []
        """(time, update id) of every change of the best."""
        self.clients: list[ServerConnection] = []
        self._lock = threading.Lock()
        self._update_id = 0
        self._now = time.time_ns() // 1_000_000
        self._is_running = True
        self._server: Server = serve(self._handle, "127.0.0.1", 0, compression=None)
        self._threads = [
            threading.Thread(target=self._server.serve_forever),
            threading.Thread(target=self._run),
        ]
        for thread in self._threads:
            thread.start()
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def close(self) -> None:
        self._is_running = False
        self._server.shutdown()
        for thread in self._threads:
            thread.join(WAIT_S)

    def _handle(self, client: ServerConnection) -> None:
        try:
            for message in client:
                request = json.loads(message)
                if request["op"] != "subscribe":
                    continue
                answer = {"op": "subscribe", "success": not self.refuses, "req_id": request["req_id"]}
                client.send(json.dumps(answer | {"ret_msg": "busy" if self.refuses else ""}))
                if self.refuses:
                    continue
                with self._lock:
                    if not self.is_mute_for_new or not self.clients:
                        client.send(self._frame("snapshot"))
                        self.clients.append(client)
        except ConnectionClosed:
            return

    def _run(self) -> None:
        while self._is_running:
            with self._lock:
                self._update_id += 1
                self._now += 1
                self.sent.append((self._now, self._update_id))
                for client in list(self.clients):
                    try:
                        client.send(self._frame("delta"))
                    except ConnectionClosed:
                        self.clients.remove(client)
            time.sleep(EVERY_S)

    def _frame(self, kind: str) -> str:
        size = str(1 + self._update_id)
        data = {"s": "BTCUSDT", "b": [["100", size]], "a": [["101", "1"]], "u": self._update_id, "seq": 1}
        topic = "orderbook.50.BTCUSDT"
        return json.dumps({"topic": topic, "type": kind, "ts": self._now, "cts": self._now, "data": data})


class Setup:
    """A feed on that exchange, with a short life for each connection."""

    def __init__(self, rotate_s: float, dead_urls: Sequence[str]) -> None:
        self.exchange = Exchange()
        self.bench = Bench("bybit", "BTCUSDT", depth=50)
        self.gaps: list[GapRow] = []
        self.said: list[str] = []
        self.feed = Feed(
            self.bench.pipeline,
            self.bench.venue,
            self.bench.plan,
            [*dead_urls, self.exchange.url],
            resync=Resync(None),
            ledger=Ledger("bybit", self.gaps.append),
            record=lambda _venue, event, _detail: self.said.append(event),
            rotate_s=rotate_s,
        )
        self.bench.listener = self.feed.books

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, f"waited for: {what}; {self.said}"
            self.feed.keep(time.monotonic())
            time.sleep(0.005)

    def found(self) -> list[tuple[int, int]]:
        return [(t.ts, t.update_id) for t in self.bench.rows.ticks]

    def check_rows(self) -> None:
        """One row for every change from the first that was seen to the last."""
        found = self.found()
        first, last = found[0][1], found[-1][1]
        assert len(found) == len(set(found))
        assert found[1:] == [s for s in self.exchange.sent if first < s[1] <= last]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator["Make"]:
    """Makes a feed; everything is ended afterwards."""
    monkeypatch.setattr(rotation, "OVERLAP_S", 0.1)
    made: list[Setup] = []

    def start(rotate_s: float, dead_urls: Sequence[str] = ()) -> Setup:
        setup = Setup(rotate_s, dead_urls)
        made.append(setup)
        setup.feed.start([unknown_instrument("bybit", "BTCUSDT")])
        setup.until(lambda: len(setup.found()) > 10, "ticks")
        return setup

    yield start
    for setup in made:
        setup.feed.stop()
        setup.feed.join(time.monotonic() + WAIT_S)
        setup.exchange.close()


Make = Callable[..., Setup]


def test_rotations_lose_nothing_and_double_nothing(make: Make) -> None:
    """Three in a row under a steady stream; no gap, no reconnect, the books live throughout."""
    setup = make(0.3)
    setup.until(lambda: setup.said.count("rotated") >= 3, "three rotations")
    seen = len(setup.found())
    setup.until(lambda: len(setup.found()) > seen + 20, "ticks of the last connection")
    setup.check_rows()
    assert setup.gaps == []
    assert setup.bench.lost == []
    assert setup.bench.pipeline.statistics.reconnects == 0
    assert setup.feed.state == ("live", "")


def test_a_successor_that_brings_nothing_changes_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old connection goes on until another one proves itself."""
    monkeypatch.setattr(rotation, "PROVE_WITHIN_S", 0.5)
    setup = make(60.0)
    setup.exchange.is_mute_for_new = True
    setup.feed.lines[0].schedule.due_at = 0.0
    setup.until(lambda: "rotation failed" in setup.said, "a rotation that is given up")
    seen = len(setup.found())
    setup.until(lambda: len(setup.found()) > seen + 20, "ticks of the old connection")
    setup.check_rows()
    assert setup.gaps == []


def test_an_old_connection_that_dies_hands_over_to_a_proven_successor(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a gap: the new one has kept what came since."""
    setup = make(60.0)
    monkeypatch.setattr(rotation, "OVERLAP_S", 30.0)  # it would not take over by itself
    line = setup.feed.lines[0]
    line.schedule.due_at = 0.0
    setup.until(lambda: len(setup.exchange.clients) == 2, "a successor")
    seen = len(setup.found())
    setup.until(lambda: len(setup.found()) > seen + 5, "an overlap")
    monkeypatch.setattr(rotation, "OVERLAP_S", 0.0)
    setup.exchange.clients[0].close()
    setup.until(lambda: "rotated" in setup.said, "the change")
    seen = len(setup.found())
    setup.until(lambda: len(setup.found()) > seen + 20, "ticks of the new connection")
    setup.check_rows()
    assert setup.gaps == []


def test_a_successor_that_is_refused_topics_does_not_take_over(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the old connection carries must not be lost to a mood of the venue."""
    monkeypatch.setattr(rotation, "PROVE_WITHIN_S", 2.0)
    setup = make(60.0)
    setup.exchange.refuses = True
    setup.feed.lines[0].schedule.due_at = 0.0
    setup.until(lambda: "rotation failed" in setup.said, "a rotation that is given up")
    assert "rejected" in setup.said
    seen = len(setup.found())
    setup.until(lambda: len(setup.found()) > seen + 20, "ticks of the old connection")
    setup.check_rows()
    assert setup.gaps == []


def test_topics_that_come_and_go_meanwhile_are_those_of_the_successor(make: Make) -> None:
    """The universe changes when it likes; afterwards the line carries exactly what is followed."""
    setup = make(60.0)
    setup.feed.follow([unknown_instrument("bybit", "OLDUSDT")])
    line = setup.feed.lines[0]
    line.schedule.due_at = 0.0
    setup.until(lambda: line.successor is not None, "a successor")
    setup.feed.unfollow(["OLDUSDT"])
    setup.feed.follow([unknown_instrument("bybit", "NEWUSDT")])
    setup.until(lambda: "rotated" in setup.said, "the change")
    assert {topic.symbol for topic in line.topics.values()} == {"BTCUSDT", "NEWUSDT"}
    assert set(line.topics) == set(line.clocks)
    seen = len(setup.found())
    setup.until(lambda: len(setup.found()) > seen + 20, "ticks of the new connection")
    setup.check_rows()


def test_a_successor_begins_where_the_data_comes_from(make: Make) -> None:
    """The first URL is dead: after the second was found, no rotation tries it again."""
    setup = make(float("inf"), ["ws://127.0.0.1:9"])
    (line,) = setup.feed.lines
    line.schedule.due_at = 0.0
    setup.until(lambda: line.successor is not None, "a successor")
    assert line.successor is not None
    assert line.successor.connection.url == line.connection.url != "ws://127.0.0.1:9"
    setup.until(lambda: "rotated" in setup.said, "a rotation")
    assert "rotation failed" not in setup.said


def test_when_both_connections_are_cut_the_ledger_says_so(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The successor that should have taken over is gone before it could."""
    setup = make(60.0)
    monkeypatch.setattr(rotation, "OVERLAP_S", 30.0)
    setup.feed.lines[0].schedule.due_at = 0.0
    setup.until(lambda: len(setup.exchange.clients) == 2, "a successor")
    seen = len(setup.found())
    setup.until(lambda: len(setup.found()) > seen + 5, "an overlap")
    monkeypatch.setattr(rotation, "OVERLAP_S", 0.0)
    successor = setup.feed.lines[0].successor
    assert successor is not None
    for client in list(setup.exchange.clients):
        client.close()
    while not successor.failure:
        time.sleep(0.001)
    setup.until(lambda: any(g.ended_at for g in setup.gaps), "a gap that is closed")
    opened, closed = (g for g in setup.gaps if g.channel == "book")
    assert (opened.channel, opened.cause, closed.started_at) == ("book", "disconnect", opened.started_at)
    ended_at, found = closed.ended_at, {u for _, u in setup.found()}
    assert ended_at is not None
    missing = [ts for ts, u in setup.exchange.sent if min(found) < u < max(found) and u not in found]
    assert all(opened.started_at < ts < ended_at for ts in missing)
