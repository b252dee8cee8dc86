"""A socket with bounds: on how long its handshake takes, and on how large a message may be."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import SplitResult, unquote

import websocket

OPEN_WITHIN_S = 10.0
"""For the whole handshake. The library's own time-out is for each read of it."""
READ_TIMEOUT_S = 1.0
MOST_BYTES = 16 * 1024 * 1024
"""The largest messages of both venues are far below 1 MB; one above this is not read to its end."""
_READ_BYTES = 65_536


class Socket(websocket.WebSocket):
    """A WebSocket of the client library, within these bounds."""

    def __init__(self) -> None:
        super().__init__(skip_utf8_validation=True, enable_multithread=True)
        self.frame_buffer = _Frames(self._recv, skip_utf8_validation=True)
        self.cont_frame = _Message(fire_cont_frame=False, skip_utf8_validation=True)

    def open(self, url: str, proxy: SplitResult) -> None:
        """Connect. `proxy`: of HTTP, without a host for none. Raises what the library does, TimeoutError."""
        with self._in_time():
            self.connect(  # type: ignore[no-untyped-call]
                url,
                timeout=OPEN_WITHIN_S,
                redirect_limit=0,
                suppress_origin=True,
                http_proxy_host=proxy.hostname,
                http_proxy_port=proxy.port or 80,
                http_proxy_auth=(
                    (unquote(proxy.username), unquote(proxy.password or "")) if proxy.username else None
                ),
                http_no_proxy=None if proxy.hostname else ["*"],
            )
        self.settimeout(READ_TIMEOUT_S)
        self.sock = _BufferedSocket(self.sock)  # type: ignore[assignment]  # it has all that is used

    def wake(self) -> None:
        """Have the thread that reads find the socket closed; `close` would not wake it. Raises OSError."""
        if self.sock is not None:
            self.sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Break the socket when the time for opening it is over. Raises TimeoutError then."""
        is_over = threading.Event()

        def give_up() -> None:
            is_over.set()
            with suppress(OSError):
                self.wake()

        timer = threading.Timer(OPEN_WITHIN_S, give_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except Exception as error:
            if is_over.is_set():
                raise TimeoutError from error
            raise
        finally:
            timer.cancel()


class _Frames(websocket.frame_buffer):
    """Refuses a frame by the length that its header tells."""

    def recv_length(self) -> None:
        super().recv_length()
        _check_size(self.length or 0)


class _Message(websocket.continuous_frame):
    """Refuses a message whose parts together are too long."""

    def add(self, frame: Any) -> None:
        super().add(frame)
        _check_size(len(self.cont_data[1]) if self.cont_data else 0)


def _check_size(size: int) -> None:
    if size > MOST_BYTES:
        raise websocket.WebSocketPayloadException(
            f"a message of {size:,} bytes, of which no more than {MOST_BYTES:,} are read"
        )


class _BufferedSocket:
    """A socket that is read 64 kB at a time: one system call serves many small frames."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._data = b""
        self._at = 0

    def recv(self, size: int) -> bytes:
        if self._at >= len(self._data):
            self._data, self._at = self._sock.recv(_READ_BYTES), 0
        chunk: bytes = self._data[self._at : self._at + size]
        self._at += len(chunk)
        return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
