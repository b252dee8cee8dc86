"""An end to waiting for a backend that is frozen: no time-out of the driver or the server is one.

What waits for such a backend sits in a call that nothing interrupts but the end of its socket. So each
connection of an engine is watched while it is in use, and the socket of one that is in use for too long is
shut down: the call fails, the connection is given up, and the next use opens another.
"""

import os
import socket
import threading
import time
from typing import Any

import structlog
from sqlalchemy import Engine, event

log = structlog.get_logger()


class _Watched:
    """A connection's socket, and since when (monotonic) it is in use; None while it rests.

    The socket is a second handle on the same one: a number that the driver gave back may be another's now.
    """

    def __init__(self, number: int) -> None:
        self.socket = socket.socket(fileno=os.dup(number))
        self.since: float | None = time.monotonic()


class Deadline:
    """Ends uses of an engine's connections that take longer than `limit_s`, give or take `look_s`."""

    def __init__(self, engine: Engine, limit_s: float, *, look_s: float = 0.5) -> None:
        self.cut = 0
        self._limit_s = limit_s
        self._look_s = look_s
        self._lock = threading.Lock()
        self._watched: dict[int, _Watched] = {}
        self._is_watching = False
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "checkout", self._begin)
        event.listen(engine, "checkin", self._end)
        event.listen(engine, "close", self._forget)

    def _connect(self, dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        """Connect in SQLAlchemy's stead: what it asks a new connection before its first use counts too."""
        connection = dialect.connect(*arguments, **options)
        with self._lock:
            self._watched[id(connection)] = _Watched(connection.fileno())
            if not self._is_watching:
                self._is_watching = True
                threading.Thread(target=self._watch, name="postgres-deadline", daemon=True).start()
        return connection

    def _begin(self, connection: Any, *_: Any) -> None:
        with self._lock:
            if watched := self._watched.get(id(connection)):
                watched.since = time.monotonic()

    def _end(self, connection: Any, _record: Any) -> None:
        with self._lock:
            if watched := self._watched.get(id(connection)):
                watched.since = None

    def _forget(self, connection: Any, _record: Any) -> None:
        with self._lock:
            if watched := self._watched.pop(id(connection), None):
                watched.socket.close()

    def _watch(self) -> None:
        """Look now and then, as long as there is a connection."""
        while True:
            time.sleep(self._look_s)
            with self._lock:
                if not self._watched:
                    self._is_watching = False
                    return
                late = time.monotonic() - self._limit_s
                for key, watched in list(self._watched.items()):
                    if watched.since is not None and watched.since < late:
                        del self._watched[key]
                        self._cut(watched)

    def _cut(self, watched: _Watched) -> None:
        self.cut += 1
        log.warning("postgres.silent", after_s=self._limit_s)
        with watched.socket:
            try:
                watched.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.info("postgres.gone", reason="the connection ended by itself meanwhile")
