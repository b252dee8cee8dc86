"""A connection that takes over from another: it proves that data comes before the old one may close.

Until then it keeps what it hears. At the change the old one's thread is ended first; what the new one has
kept is then played through the pipeline, where what the old one brought already is known by its sequence. So
nothing is lost, and nothing comes twice.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping

from collector.connection import Connection, Handler
from collector.pipeline import Pipeline
from collector.ports import Taken
from collector.subscriptions import Subscriptions
from collector.venues import Adapter, Decoded, Topic
from collector.watchdog import Clock
from market.events import Ack, FrameError, Pong, Rejected, Unexplained

OVERLAP_S = 1.0
"""How long both connections carry data at least."""
PROVE_WITHIN_S = 20.0
"""A successor that has not proven itself by then is given up."""
MAX_KEPT = 200_000
"""Frames that are kept; more than this is no overlap any more but a stall."""
ROTATE_BETWEEN = (0.8, 1.0)
"""Connections are replaced at different parts of their time, so that not all begin anew at once."""
ROTATE_AGAIN_S = 60.0
"""How long to wait after a rotation that failed."""


class Schedule:
    """When a connection is to be replaced, `due_at`; all in monotonic seconds."""

    def __init__(self, rotate_s: float) -> None:
        self._rotate_s = rotate_s
        self.begin(time.monotonic())

    def begin(self, now: float) -> None:
        """A connection begins its time."""
        self.due_at = now + self._rotate_s * random.uniform(*ROTATE_BETWEEN)

    def put_off(self, now: float) -> None:
        """It is being replaced; if that fails, it is tried again."""
        self.due_at = now + ROTATE_AGAIN_S


class Successor:
    """The new connection of a line, until it is the line's own."""

    def __init__(
        self,
        venue: Adapter,
        topics: Mapping[str, Topic],
        record: Callable[[str, str], None],
        make_connection: Callable[[Handler], Connection],
    ) -> None:
        self.connection = make_connection(self)
        self.subscriptions = Subscriptions(venue, self.connection, dict(topics), record)
        self.began_at = time.monotonic()
        self.failure = ""
        """Why it will never take over."""
        self._decode = venue.decode
        self._lock = threading.Lock()
        self._kept: list[tuple[Decoded, int]] = []
        self._heard: set[str] = set()
        self._opened_at = 0.0
        self._heir: Handler | None = None
        self.connection.start()

    def is_proven(self, clocks: Mapping[str, Clock], now: float) -> bool:
        """Whether it carries every topic that the old connection does. `clocks`: the old one's."""
        if self.failure or not self._opened_at or now - self._opened_at < OVERLAP_S:
            return False
        if self.connection.has_queued:
            return False
        with self._lock:
            return all(
                name in self._heard or clock.is_silent or clock.last_at < self._opened_at
                for name, clock in list(clocks.items())
            )

    def is_late(self, now: float) -> bool:
        """Whether it had its time."""
        return bool(self.failure) or now - self.began_at > PROVE_WITHIN_S

    def promote(self, pipeline: Pipeline, heir: Handler) -> list[Taken]:
        """Hand what was kept to the pipeline, and everything after it to `heir`; what came of it."""
        with self._lock:
            kept, self._kept = self._kept, []
            taken = pipeline.replay(kept)
            self._heir = heir
            self.connection.handler = heir
        return taken

    def on_open(self, _connection: Connection) -> None:
        """Ask for everything; what an earlier socket told is void."""
        with self._lock:
            self._kept.clear()
            self._heard.clear()
            self._opened_at = time.monotonic()
        self.subscriptions.begin()

    def on_frame(self, connection: Connection, frame: bytes, recv_time: int) -> None:
        """Keep it for the change."""
        with self._lock:
            heir = self._heir
            if heir is None:
                self._keep(frame, recv_time)
                return
        heir.on_frame(connection, frame, recv_time)

    def on_close(self, connection: Connection, state: str, reason: str) -> None:
        """The old one goes on; this one is given up."""
        with self._lock:
            heir = self._heir
            if heir is None:
                self.failure = f"{state}: {reason}"
                self._opened_at = 0.0
                return
        heir.on_close(connection, state, reason)

    def _keep(self, frame: bytes, recv_time: int) -> None:
        try:
            decoded = self._decode(frame, recv_time)
        except FrameError:
            return  # the old connection's frame says it; here it proves nothing
        for event in decoded.events:
            if isinstance(event, Ack | Rejected | Pong | Unexplained):
                self.subscriptions.on_answer(event)
        if decoded.topic:
            self._kept.append((decoded, recv_time))
            self._heard.add(decoded.topic)
        if len(self._kept) > MAX_KEPT:
            self.failure = f"more than {MAX_KEPT} frames before it was proven"
