"""One client of the exchange: what it is subscribed to, and its bounded outbox."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Protocol

from websockets.protocol import State

from collector.simulator.connection import Connection

MAX_BACKLOG = 16 * 2**20
"""Bytes that may wait for a client that does not read; with more, it is dropped."""


def text_frame(payload: bytes) -> bytes:
    """A whole WebSocket text frame, as a server sends it. Source: RFC 6455, section 5.2."""
    return _frame(0x81, payload)


def binary_frame(payload: bytes) -> bytes:
    """The same for bytes that are no text."""
    return _frame(0x82, payload)


def payload_of(frame: bytes) -> bytes:
    """What is inside one frame that a server sends."""
    return frame[{126: 4, 127: 10}.get(frame[1], 2) :]


def symbol_of(topic: str) -> str:
    """The symbol that a topic of either venue names, in upper case."""
    return topic.partition("@")[0].upper() if "@" in topic else topic.rpartition(".")[2]


def _frame(head: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((head, size)) + payload
    if size < 2**16:
        return bytes((head, 126)) + size.to_bytes(2, "big") + payload
    return bytes((head, 127)) + size.to_bytes(8, "big") + payload


class Subscriber(ABC):
    """Who follows topics. `wrapped`: Binance's events are wanted with the name of their stream."""

    is_awaited = True
    """Whether a recording begins only when it has subscribed."""

    def __init__(self, wrapped: bool = False) -> None:
        self.topics: dict[str, None] = {}
        self.wrapped = wrapped

    def send(self, payload: bytes, topic: str = "") -> None:
        """Take one text message; `topic` is "" for an answer."""
        self.send_frame(text_frame(payload), topic)

    @abstractmethod
    def send_frame(self, frame: bytes, topic: str = "") -> None:
        """Take one or more whole frames, all of one topic."""

    @property
    def backlog(self) -> int:
        """Bytes that have not been taken yet."""
        return 0


Gate = Callable[["Client", str, bytes], bytes]
"""What becomes of a frame of a topic on its way to a client: frames in its place, b"" for none."""


class Client(Subscriber):
    """A connected client. All frames queued in one turn of the event loop go out in one write."""

    def __init__(
        self,
        connection: Connection,
        wrapped: bool = False,
        *,
        venue: str = "",
        route: str = "",
        host: str = "",
    ) -> None:
        """`venue`, `route` and `host` say where it is connected: binance, /public/stream, localhost:8080."""
        super().__init__(wrapped)
        self.venue = venue
        self.route = route
        self.host = host
        self.pinged_at: float | None = None
        """When it last sent a ping of the venue's own, in the event loop's time."""
        self.gate: Gate | None = None
        """Set only while there are faults that meet frames."""
        self.may_have: Callable[[str], bool] = lambda _topic: True
        """Asked for every topic that the client wants."""
        self.most_backlog = MAX_BACKLOG
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._outbox: list[bytes] = []

    @property
    def connection(self) -> Connection:
        """The socket itself."""
        return self._connection

    def note_ping(self) -> None:
        """It sent a ping of the venue's own."""
        self.pinged_at = self._loop.time()

    def send_frame(self, frame: bytes, topic: str = "") -> None:
        """Queue one or more whole frames."""
        if self.gate is not None:
            frame = self.gate(self, topic, frame)
            if not frame:
                return
        self.queue(frame)

    def queue(self, frame: bytes) -> None:
        """Queue frames past the gate."""
        if not self._outbox:
            self._loop.call_soon(self.flush)
        self._outbox.append(frame)

    def flush(self) -> None:
        """Hand everything queued to the transport; a client too far behind is dropped."""
        if self._outbox and self.is_open:
            self._connection.transport.write(b"".join(self._outbox))
            if self.backlog > self.most_backlog:
                self._connection.transport.abort()
        self._outbox.clear()

    @property
    def is_open(self) -> bool:
        """Whether frames still reach the client."""
        return self._connection.state is State.OPEN

    @property
    def backlog(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._connection.transport.get_write_buffer_size() if self.is_open else 0

    async def drain(self) -> None:
        """Wait until the client has taken most of what was written, or is gone."""
        try:
            await self._connection.drain()
        except OSError:
            pass  # cut off in the middle: `is_open` says so from now on


class Feed(Protocol):
    """One venue's streams, as a session needs them. Topics are the venue's own stream names."""

    def serves(self, topic: str) -> bool:
        """Whether the topic exists."""

    def subscribe(self, client: Subscriber, topic: str) -> None:
        """Send the topic to the client from now on, beginning with what a newcomer needs."""

    def unsubscribe(self, client: Subscriber, topic: str) -> None:
        """Stop sending the topic to the client."""

    def welcome(self, client: Subscriber, topic: str) -> None:
        """Send a subscriber once more what a newcomer needs, where the venue does so."""
