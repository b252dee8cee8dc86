"""A simulator in this process, and clients of it: what the tests of the wire share."""

import asyncio
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from websockets.sync.client import ClientConnection, connect

from collector.simulator.control import controlling
from collector.simulator.exchange import Backend, Exchange
from collector.simulator.server import listening

MINUTE_MS = 60_000
START = 1_763_600_040_000
"""The first ms of some minute."""
PATIENCE_S = 10.0


@contextmanager
def serving(make: Callable[[], Backend]) -> Iterator[int]:
    """The backend behind a port of its own, in a thread of its own."""
    with commanded(make) as exchange:
        yield exchange.port


class Commanded(NamedTuple):
    """An exchange that takes commands."""

    port: int
    control: int

    def tell(self, target: str, **body: Any) -> Any:
        """Command something; the answer."""
        return self._ask("POST", target, json.dumps(body).encode())

    def inject(self, kind: str, **fields: Any) -> int:
        """Let a fault begin; its id."""
        number: int = self.tell("/faults", kind=kind, **fields)["id"]
        return number

    def heal(self, number: int | None = None) -> Any:
        """End a fault, and tell what it did; without a number, end all."""
        if number is None:
            return self._ask("DELETE", "/faults")
        return self._ask("DELETE", f"/faults/{number}")[0]

    def ask(self, path: str) -> Any:
        """What the control port tells."""
        return self._ask("GET", path)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Any:
        url = f"http://127.0.0.1:{self.control}{path}"
        request = urllib.request.Request(url, data=body, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
            said = reply.read()
            return json.loads(said) if reply.headers["Content-Type"] == "application/json" else said.decode()


@contextmanager
def commanded(make: Callable[[], Backend]) -> Iterator[Commanded]:
    """The backend behind a port and a control port, in a thread of its own."""
    started, ports, errors = threading.Event(), [], []
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        stop = asyncio.Event()
        exchange = Exchange(make())
        async with listening(exchange, 0) as port:
            with controlling(exchange, 0) as control:
                ports.append(Commanded(port, control))
                loops.append((asyncio.get_running_loop(), stop))
                started.set()
                await stop.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:  # noqa: BLE001  raised again in the test's thread
            errors.append(error)
            started.set()

    thread = threading.Thread(target=run, name="simulator", daemon=True)
    thread.start()
    assert started.wait(PATIENCE_S)
    if not errors:
        yield ports[0]
        loop, stop = loops[0]
        if not loop.is_closed():  # it is, where the backend has failed
            loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE_S)
    if errors:
        raise errors[0]


@contextmanager
def socket(port: int, path: str, open_timeout: float = PATIENCE_S) -> Iterator[ClientConnection]:
    """A WebSocket to the simulator."""
    uri = f"ws://127.0.0.1:{port}{path}"
    with connect(
        uri, compression=None, max_size=None, max_queue=None, proxy=None, open_timeout=open_timeout
    ) as connection:
        yield connection


def say(connection: ClientConnection, **message: Any) -> None:
    """Send one request."""
    connection.send(json.dumps(message))


def hear(connection: ClientConnection, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
    """The next message."""
    message: dict[str, Any] = json.loads(connection.recv(timeout=timeout_s))
    return message


def hear_until(
    connection: ClientConnection, enough: Callable[[list[dict[str, Any]]], bool]
) -> list[dict[str, Any]]:
    """Messages up to and including the one that makes `enough` true of them."""
    messages = [hear(connection)]
    deadline = time.monotonic() + PATIENCE_S
    while not enough(messages):
        assert time.monotonic() < deadline, f"not enough after {len(messages)} messages, last {messages[-1]}"
        messages.append(hear(connection))
    return messages


def is_silent(connection: ClientConnection, seconds: float) -> bool:
    """Whether nothing comes for a while."""
    try:
        connection.recv(timeout=seconds)
    except TimeoutError:
        return True
    return False


def get(port: int, target: str) -> Any:
    """The JSON body of `GET target`."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{target}", timeout=PATIENCE_S) as reply:
        return json.loads(reply.read())


def refused(port: int, target: str) -> tuple[int, dict[str, Any]]:
    """Status and body of a `GET` that must fail."""
    try:
        get(port, target)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
    raise AssertionError(f"{target} was answered")


class BookCopy:
    """A client's own book: prices to sizes."""

    def __init__(self) -> None:
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}

    def replace(self, bids: list[list[str]], asks: list[list[str]]) -> None:
        """A snapshot."""
        self.bids, self.asks = {}, {}
        self.apply(bids, asks)

    def apply(self, bids: list[list[str]], asks: list[list[str]]) -> None:
        """Changes; size 0 removes."""
        for side, levels in ((self.bids, bids), (self.asks, asks)):
            for price, size in levels:
                side[float(price)] = float(size)
                if not float(size):
                    del side[float(price)]

    @property
    def top(self) -> tuple[float, float, float, float]:
        """Best bid, its size, best ask, its size."""
        bid, ask = max(self.bids), min(self.asks)
        return bid, self.bids[bid], ask, self.asks[ask]
