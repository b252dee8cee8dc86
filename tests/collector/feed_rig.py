"""A feed against a venue that says what a test wants."""

import json
import queue
import threading
import time
from collections.abc import Callable, Iterator

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from collector.feed import Feed
from collector.ledger import Ledger
from collector.resync import Resync
from db.rows import GapRow
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench

WAIT_S = 5.0


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
