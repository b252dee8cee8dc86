"""A server's socket that knows its session, and that can be held, reset, or cut by the venue's own rules."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from websockets.asyncio.server import ServerConnection

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Session(Protocol):
    """What a client says, and how it is answered."""

    def receive(self, message: str | bytes) -> None:
        """Act on one frame and answer it."""

    def close(self) -> None:
        """The socket is gone."""


class Connection(ServerConnection):
    """A socket that Binance cuts when it talks too much: control frames count, so frames are counted here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.make_session: Callable[[], Session]
        self.opened_at = self.loop.time()
        self.most_per_second = 0
        self._heard: deque[float] = deque()
        self._cut: asyncio.Task[None] | None = None
        self._unread: list[bytes] | None = None

    def process_event(self, event: Any) -> None:
        super().process_event(event)
        if not self.most_per_second:
            return
        now = self.loop.time()
        self._heard.append(now)
        while now - self._heard[0] > 1.0:
            self._heard.popleft()
        if len(self._heard) > self.most_per_second:
            self.say_goodbye(1008, "Too many requests")

    def data_received(self, data: bytes) -> None:
        if self._unread is None:
            super().data_received(data)
        else:
            self._unread.append(data)

    def hold(self) -> None:
        """Read nothing more, so that not even pings are answered."""
        if self._unread is None:
            self._unread = []

    def let_go(self) -> None:
        """Read what has come in the meantime, and go on."""
        unread, self._unread = self._unread or [], None
        for data in unread:
            if not self.transport.is_closing():
                self.data_received(data)

    def say_goodbye(self, code: int, reason: str) -> None:
        """Close with a closing handshake; at once, without waiting for it."""
        if self._cut is None:
            self._cut = self.loop.create_task(self.close(code, reason))

    def reset(self, frame: bytes = b"") -> None:
        """Break the connection with a TCP reset, in the middle of `frame` if one is given."""
        if self.transport.is_closing():
            return
        if frame:
            self.transport.write(frame[: max(1, len(frame) // 2)])
        link = self.transport.get_extra_info("socket")
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()
