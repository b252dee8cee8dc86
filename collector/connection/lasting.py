"""A connection that is opened again for ever.

A thread of its own opens the socket, reads frames and hands them on; it never waits for a store or for
REST. Everything that has to be sent is queued and leaves at the venue's pace from `service`, which the
feed calls from another thread. Time-outs and ages are on the monotonic clock.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

import structlog
import websocket

from collector.clock import CLOCK
from collector.connection.opening import Socket
from collector.connection.reasons import explain

log = structlog.get_logger()

BACKOFF_FIRST_S = 0.5
BACKOFF_EARLY_S = 8.0
"""The longest wait in the first minutes of an outage: most end soon, and no venue minds so few tries."""
EARLY_S = 120.0
BACKOFF_MOST_S = 60.0
BLOCKED_RETRY_S = 60.0
STEADY_S = 15.0
"""Data seen for this long on one connection makes the next failure a first one again. A socket that is cut as
often as that is opened 20 times in 5 minutes; venues allow an address some hundreds."""


class Handler(Protocol):
    """Who is told what happens on a connection. Called from the connection's own thread."""

    def on_open(self, connection: "Connection") -> None:
        """The socket is open; nothing is subscribed yet."""

    def on_frame(self, connection: "Connection", frame: bytes, recv_time: int) -> None:
        """A text or binary frame came; `recv_time` is epoch ms."""

    def on_close(self, connection: "Connection", state: str, reason: str) -> None:
        """The socket is gone, or could not be opened: ``reconnecting``, ``blocked`` or ``down``, and why."""


class Connection:
    """A socket that is opened again whenever it closes, until `stop`."""

    def __init__(
        self,
        name: str,
        urls: list[str],
        handler: Handler,
        *,
        send_every_s: float,
        proxy: str = "",
        wait: Callable[[], object] = lambda: None,
    ) -> None:
        """`urls` are tried in turn while they give no data. `proxy`: URL of an HTTP proxy, or "" for none.

        `wait()` returns when the first may be opened.
        """
        self.name = name
        self.handler = handler
        self._proxy = urlsplit(proxy)
        self._urls = deque(urls)
        self.opened_at = 0.0
        """Monotonic time of the last open; 0 while closed."""
        self.last_data_at = 0.0
        """Monotonic time of the last market datum on this socket, set by the handler."""
        self.generation = 0
        """Counts the opens; what was said of an earlier one is void."""
        self._send_every_s = send_every_s
        self._wait = wait
        self._ws: Socket | None = None
        self._outbox: deque[tuple[int, str]] = deque()
        self._next_send_at = 0.0
        self._failures = 0
        self._failing_since = 0.0
        self._abort_reason = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"ws-{name}", daemon=True)

    @property
    def url(self) -> str:
        """Where it connects to, or will next."""
        return self._urls[0]

    @property
    def has_queued(self) -> bool:
        """Whether frames still wait to be sent."""
        return bool(self._outbox)

    @property
    def is_breaking(self) -> bool:
        """Whether its socket was given up and is about to close."""
        return bool(self._abort_reason)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Close for good; returns at once. `join` waits for the thread."""
        self._stopping.set()
        self.abort("stopped")

    def join(self, timeout_s: float) -> None:
        """Wait for the thread to end."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def send(self, frame: str) -> None:
        """Queue a frame for this socket; it is forgotten if the socket closes first."""
        self._outbox.append((self.generation, frame))

    def service(self, now: float) -> None:
        """Send the next queued frame if the venue's pace allows. `now`: monotonic seconds."""
        ws = self._ws
        while ws is not None and self._outbox and now >= self._next_send_at:
            generation, frame = self._outbox.popleft()
            if generation != self.generation:
                continue
            self._next_send_at = now + self._send_every_s
            self._deliver(ws, frame)

    def ping(self) -> None:
        """Send a control ping: an idle link is not cut, and a dead one is found."""
        if self._ws is not None:
            self._deliver(self._ws, None)

    def abort(self, reason: str) -> None:
        """Break the socket; its thread notices, says why and opens another."""
        self._abort_reason = self._abort_reason or reason
        if (ws := self._ws) is not None:
            try:
                ws.wake()
            except OSError as error:
                log.debug("socket.shutdown_failed", connection=self.name, error=str(error))

    def _deliver(self, ws: Socket, frame: str | None) -> None:
        try:
            if frame is None:
                ws.ping()
            else:
                ws.send(frame)
        except (OSError, websocket.WebSocketException) as error:
            self.abort(f"sending failed: {error}")

    def _run(self) -> None:
        self._wait()
        while not self._stopping.is_set():
            state, reason = self._live_once()
            if self._stopping.is_set():
                return
            self.handler.on_close(self, state, reason)
            wait = self._backoff(state)
            log.warning(
                "connection.lost", connection=self.name, state=state, reason=reason, wait_s=round(wait, 1)
            )
            self._stopping.wait(wait)

    def _live_once(self) -> tuple[str, str]:
        """Open, read until the end, close. Returns the state and the reason that it ended with."""
        self._abort_reason = ""
        ws = Socket()
        try:
            self._open(ws)
            self._read(ws)
            return "reconnecting", self._abort_reason or "closed"
        except Exception as error:  # noqa: BLE001  (whatever it is, the answer is to open another socket)
            if self._abort_reason:
                return "reconnecting", self._abort_reason
            state, reason = explain(error, ws.handshake_response, self._proxy.geturl())
            return "reconnecting" if self.opened_at else state, reason
        finally:
            self._ws = None
            steady = self.opened_at and self.last_data_at - self.opened_at >= STEADY_S
            if steady or not self._failures:
                self._failing_since = time.monotonic()
            self._failures = 0 if steady else self._failures + 1
            if not self.last_data_at:
                self._urls.rotate(-1)
            self.opened_at = self.last_data_at = 0.0
            ws.shutdown()  # type: ignore[no-untyped-call]

    def _open(self, ws: Socket) -> None:
        ws.open(self.url, self._proxy)
        self.generation += 1
        self._outbox.clear()
        self._next_send_at = 0.0
        self.opened_at = time.monotonic()
        self._ws = ws
        log.info("connection.open", connection=self.name, url=self.url)
        self.handler.on_open(self)

    def _read(self, ws: Socket) -> None:
        while not self._stopping.is_set() and not self._abort_reason:
            try:
                opcode, data = ws.recv_data()
            except websocket.WebSocketTimeoutException:
                continue
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                code = int.from_bytes(data[:2], "big") if len(data) >= 2 else 1005
                raise websocket.WebSocketConnectionClosedException(
                    f"the venue closed with {code} {data[2:].decode(errors='replace')}".rstrip()
                )
            self.handler.on_frame(self, data, CLOCK.now_ms())

    def _backoff(self, state: str) -> float:
        """Seconds to wait before the next try: full jitter, growing to a minute; slow where refused."""
        if state == "blocked":
            return BLOCKED_RETRY_S * random.uniform(0.8, 1.2)
        is_early = time.monotonic() - self._failing_since < EARLY_S
        most = BACKOFF_EARLY_S if is_early else BACKOFF_MOST_S
        return random.uniform(0, min(most, BACKOFF_FIRST_S * 2 ** min(self._failures, 10)))
