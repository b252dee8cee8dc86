"""`/api/ws`: what `/api/stream` tells, as messages of a WebSocket."""

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from typing import NoReturn
from wsgiref.types import StartResponse, WSGIEnvironment

import msgspec
from flask import Request, Response
from websockets.exceptions import WebSocketException
from websockets.frames import CloseCode
from websockets.http11 import Request as Opening
from websockets.http11 import Response as Handshake
from websockets.protocol import State
from websockets.server import ServerProtocol

from app.stream.open_stream import OpenStream

SWITCHING = 101
GOODBYE_S = 1.0
"""How long a client has to close its side."""
MOST_HEARD = 1024
"""Bytes of a message from a client; nothing that it says means anything."""


def read_handshake(asked: Request) -> tuple[ServerProtocol, Handshake] | None:
    """The beginning of a WebSocket and our answer to it, if that is what was asked for, as it should be."""
    protocol = ServerProtocol(max_size=MOST_HEARD)
    lines = (f"{name}: {value}" for name, value in asked.headers.items())
    text = "\r\n".join((f"{asked.method} / HTTP/1.1", *lines, "", ""))
    protocol.receive_data(text.encode("latin-1", "replace"))
    found = next((event for event in protocol.events_received() if isinstance(event, Opening)), None)
    answer = protocol.accept(found) if found is not None else None
    return (protocol, answer) if answer is not None and answer.status_code == SWITCHING else None


def is_foreign(asked: Request) -> bool:
    """Whether a page of somebody else's asks: its browser would send our password along."""
    origin = asked.headers.get("Origin")
    return origin is not None and origin.partition("://")[2] != asked.host


class WebSocketReply(Response):
    """A reply that takes the connection over, and closes it in the end. Of gunicorn alone."""

    def __init__(
        self, connection: socket.socket, protocol: ServerProtocol, handshake: Handshake, opened: OpenStream
    ) -> None:
        super().__init__()
        self._connection = connection
        self._protocol = protocol
        self._handshake = handshake
        self._opened = opened
        self._lock = threading.Lock()

    def __call__(self, _environ: WSGIEnvironment, _start: StartResponse) -> NoReturn:
        """Serve until one side has enough."""
        try:
            self._protocol.send_response(self._handshake)
            self._flush()
            listener = threading.Thread(target=self._listen, name="ws", daemon=True)
            listener.start()
            for piece in self._opened.frames():
                if not self._tell(piece):
                    break
            self._say_goodbye()
            listener.join(GOODBYE_S)
        except OSError:
            pass  # the client is gone
        finally:
            self._opened.close()
        raise StopIteration  # by which gunicorn knows that there is nothing left to send

    def _tell(self, piece: bytes) -> bool:
        """Send what a piece of the stream says; False once the WebSocket is closed."""
        with self._lock:
            if self._protocol.state is not State.OPEN:
                return False
            for message in messages(piece):
                if message:
                    self._protocol.send_text(message)
                else:
                    self._protocol.send_ping(b"")
        self._flush()
        return True

    def _say_goodbye(self) -> None:
        with self._lock:
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(CloseCode.GOING_AWAY)
        self._flush()

    def _listen(self) -> None:
        """Answer pings and closes until the client closes."""
        try:
            while data := self._connection.recv(4096):
                with self._lock:
                    self._protocol.receive_data(data)
                    self._protocol.events_received()
                self._flush()
                if self._protocol.close_expected():
                    break
        except (OSError, WebSocketException):
            pass  # it is over, whoever ended it
        self._opened.end(b"", time.monotonic())

    def _flush(self) -> None:
        with self._lock:  # else one's bytes could come between another's
            for data in self._protocol.data_to_send():
                if data:
                    self._connection.sendall(data)


def messages(piece: bytes) -> Iterator[bytes]:
    """The events of a piece as JSON: {"event", "id", "data"}; empty for a comment, which proves life."""
    for block in piece.split(b"\n\n"):
        fields = dict(_fields(block.split(b"\n")))
        if b"event" in fields:
            told = {
                "event": fields[b"event"].decode(),
                "id": fields[b"id"].decode() if b"id" in fields else None,
                "data": msgspec.Raw(fields[b"data"]),
            }
            yield msgspec.json.encode(told)
        elif b"" in fields:
            yield b""


def _fields(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for line in lines:
        name, colon, value = line.partition(b": ")
        if colon:
            yield name, value
