"""A Binance book that falls back to whole tops and returns, on sockets that are played by hand."""

import json
import time

from collector.connection import Connection, Handler
from collector.feed import Feed
from collector.ledger import Ledger
from collector.resync import Resync
from db.rows import GapRow
from market.events import BookSnapshot
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench

SYMBOL = "BTCUSDT"


class Socket(Connection):
    """Open from the beginning; sends nothing."""

    def start(self) -> None:
        self.opened_at = time.monotonic()
        self.handler.on_open(self)


class SocketFeed(Feed):
    """A feed whose connections are such sockets."""

    def _open_connection(self, name: str, route: str, handler: Handler, _first_url: str) -> Connection:
        return Socket(name, [f"ws://nowhere/{route}"], handler, send_every_s=0.0)


class Setup:
    """A feed of one symbol whose REST is played by hand too."""

    def __init__(self) -> None:
        self.bench = Bench("binance", SYMBOL)
        self.gaps: list[GapRow] = []
        self.resync = Resync(lambda _symbol, _done: None)
        self.feed = SocketFeed(
            self.bench.pipeline, self.bench.venue, self.bench.plan, ["ws://nowhere"],
            resync=self.resync, ledger=Ledger("binance", self.gaps.append),
            record=lambda _venue, _event, _detail: None,
        )  # fmt: skip
        self.bench.listener = self.feed.books
        self.feed.start([unknown_instrument("binance", SYMBOL)])
        self.line = next(line for line in self.feed.lines if line.route == "public")

    @property
    def book_state(self) -> str:
        return self.bench.pipeline.states[SYMBOL].book_state

    def send(self, stream: str, update_id: int, previous: int) -> None:
        now = _now_ms()
        data = {
            "e": "depthUpdate", "s": SYMBOL, "E": now, "T": now, "U": previous + 1, "u": update_id,
            "pu": previous, "b": [["100", "1"]], "a": [["101", "1"]],
        }  # fmt: skip
        frame = json.dumps({"stream": f"btcusdt@{stream}@100ms", "data": data}).encode()
        self.line.on_frame(self.line.connection, frame, now)

    def snapshot(self, update_id: int) -> None:
        """REST answers."""
        levels = [(100.0, 1.0)], [(101.0, 1.0)]
        self.bench.pipeline.on_snapshot(BookSnapshot(SYMBOL, *levels, update_id, _now_ms(), _now_ms()))

    def lose_and_fall_back(self) -> None:
        """A live book loses an update, and REST gives no snapshot."""
        self.send("depth", 10, 9)
        self.snapshot(10)
        self.send("depth", 11, 10)
        self.send("depth", 13, 12)
        assert (self.book_state, len(self.gaps)) == ("syncing", 1)
        self.resync.on_hopeless(SYMBOL)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_the_gap_of_a_book_ends_with_the_first_whole_top() -> None:
    """Whichever stream brings it."""
    setup = Setup()
    setup.lose_and_fall_back()
    setup.send("depth20", 20, 15)
    assert setup.book_state == "live"
    assert [(gap.cause, gap.ended_at is None) for gap in setup.gaps] == [
        ("sequence", True), ("sequence", False),
    ]  # fmt: skip


def test_no_book_is_built_on_a_whole_top_that_comes_late() -> None:
    """Back on snapshots by REST: twenty levels are not the whole book, so a late one of them is dropped."""
    setup = Setup()
    setup.lose_and_fall_back()
    setup.send("depth20", 20, 15)
    setup.feed.books.keep(time.monotonic() + 301.0, is_rest_well=True)
    setup.send("depth20", 21, 20)
    setup.send("depth", 22, 21)
    assert setup.book_state == "syncing"
    setup.snapshot(22)
    setup.send("depth", 23, 22)
    assert setup.book_state == "live"
