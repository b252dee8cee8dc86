"""One open stream: what waits for its reader, and how it ends."""

import _socket
import os
import queue
import random
import socket
from collections.abc import Callable, Iterator
from contextlib import closing

from app.stream.news import comment
from app.stream.wanted import EventId, Wanted

MOST_WAITING = 40
"""Pieces that wait for a slow reader; that many come in ten seconds at the soonest."""
RETRY_MS = (2_000, 4_000)
"""When a client is to come back: at a moment of its own, not with all others."""
SEND_BUFFER = 128 * 1024
"""What the system holds for a reader. Its own choice is megabytes, and hides who does not read."""

_GONE = (7, 8)
"""TCP_CLOSE and TCP_CLOSE_WAIT of Linux: the other end has closed."""


class OpenStream:
    """The hub puts, the request's own thread takes. `last_id`: of the event that the client got last."""

    def __init__(
        self,
        wanted: Wanted,
        last_id: EventId | None,
        connection: socket.socket | None,
        give_back: Callable[[], None],
    ) -> None:
        """`give_back` is called once, when it is closed. `connection`: None where the server hides it."""
        self.wanted = wanted
        self.last_id = last_id if wanted.is_events else None
        self.is_closed = False
        self.ended_at: float | None = None
        self._connection = connection
        self._give_back = give_back
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._last_words = b""
        if connection is not None:
            try:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            except OSError:
                pass  # it is gone already

    def put(self, piece: bytes) -> bool:
        """Hand the reader some frames; False if too many wait already."""
        if self._waiting.qsize() >= MOST_WAITING:
            return False
        self._waiting.put(piece)
        return True

    def end(self, last_words: bytes, now: float) -> None:
        """Let the reader have these words in place of all that waits, and then nothing more."""
        self.ended_at = now
        self._last_words = last_words
        self._waiting.put(None)

    def frames(self) -> Iterator[bytes]:
        """What is sent. Ends after `end`; nothing is to be awaited of a reader that is gone."""
        yield comment("tickdeck") + f"retry: {random.randint(*RETRY_MS)}\n\n".encode()
        while True:
            piece = self._waiting.get()
            if self.ended_at is not None or piece is None:
                yield self._last_words
                return
            yield piece

    def is_gone(self) -> bool:
        """Whether the reader has closed its end, where the system tells."""
        option = getattr(socket, "TCP_INFO", None)
        if self._connection is None or option is None:
            return False
        try:
            state = self._connection.getsockopt(socket.IPPROTO_TCP, option, 1)
        except OSError:
            return self._connection.fileno() < 0
        return state[0] in _GONE

    def cut(self) -> None:
        """Break the connection: of a reader that takes not even the last words, or has left."""
        self._shut(socket.SHUT_RDWR)

    def close(self) -> None:
        """To be called when the reply is over, however it ended."""
        if self.is_closed:
            return
        self.is_closed = True
        self._give_back()
        # A server would wait for another request on it, at its own end for the full grace.
        self._shut(socket.SHUT_RD)

    def _shut(self, how: int) -> None:
        # Past gevent, whose own shutdown raises in whoever waits to send what gunicorn logs as an error.
        if self._connection is not None:
            try:
                with closing(_socket.socket(fileno=os.dup(self._connection.fileno()))) as plain:
                    plain.shutdown(how)
            except OSError:
                pass  # it is gone already
