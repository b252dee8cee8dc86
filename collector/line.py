"""The topics of one route that travel together: over one socket, and over two while it is replaced."""

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Sequence

import structlog

from collector.clock import CLOCK
from collector.connection import Connection, Handler
from collector.ledger import Ledger
from collector.losses import Losses
from collector.pipeline import Pipeline
from collector.ports import Taken
from collector.resync import Resync, mark_books
from collector.rotation import Schedule, Successor
from collector.silence import Silence
from collector.state import InstrumentState
from collector.subscriptions import Subscriptions
from collector.venues import Adapter, Topic
from collector.watchdog import Clock
from market.events import FrameError

log = structlog.get_logger()

TELL_EVERY_S = 1.0
"""How often refused frames are told of at most."""
BAD_FRAMES = 3
"""Unreadable frames in a row after which the socket is not trusted any more."""
RETIRE_WITHIN_S = 1.0


class Line:
    """One connection with its topics, and the clocks that tell how each of them is."""

    def __init__(
        self,
        name: str,
        route: str,
        pipeline: Pipeline,
        venue: Adapter,
        ledger: Ledger,
        record: Callable[[str, str], None],
        open_connection: Callable[[str, Handler, str], Connection],
        *,
        resync: Resync,
        rotate_s: float,
    ) -> None:
        """`open_connection(name, handler, first_url)` makes one; `rotate_s`: how long it may live."""
        self.name, self.route = name, route
        self._silence = Silence()
        self.clock = self._silence.clock
        self.losses = Losses(pipeline, ledger, lambda: self.topics)
        self.clocks = self.losses.clocks
        self.trouble: tuple[str, str] | None = ("reconnecting", "connecting")
        self.connected_at = 0  # epoch ms
        self.schedule = Schedule(rotate_s)
        self.successor: Successor | None = None
        self._pipeline = pipeline
        self._venue = venue
        self._record = record
        self._resync = resync
        self._open_connection = open_connection
        self._numbers = itertools.count(1)
        self._change = threading.RLock()  # topics come and go by one thread, connections by another
        self._bad_frames = 0
        self._untold = 0
        self._tell_at = float("-inf")
        self.connection = open_connection(name, self, "")
        self.subscriptions = Subscriptions(venue, self.connection, {}, self._record)

    @property
    def topics(self) -> dict[str, Topic]:
        """What it should carry."""
        return self.subscriptions.topics

    @property
    def is_well(self) -> bool:
        """Whether data comes, and nothing that it asked for still waits to be sent."""
        return self.trouble is None and not self.connection.has_queued and not self.connection.is_breaking

    @property
    def _sockets(self) -> list[Subscriptions]:
        """What its connection carries, and the one that is to replace it."""
        return [self.subscriptions, *(s.subscriptions for s in [self.successor] if s is not None)]

    def add(self, topics: Iterable[Topic], clocks: dict[str, Clock] | None = None) -> None:
        """Carry more topics, with the clocks that they had elsewhere."""
        new = {topic.name: topic for topic in topics}
        now = time.monotonic()
        with self._change:
            for name in new:
                clock = self.clocks[name] = (clocks or {}).get(name) or Clock()
                clock.ask(now)
            self.topics.update(new)
            if self.connection.opened_at:
                self._resync.begin(self._pipeline, new.values())
            for subscriptions in self._sockets:
                subscriptions.add(new)

    def drop(self, names: Sequence[str]) -> dict[str, Clock]:
        """Carry these no longer; returns their clocks."""
        with self._change:
            found = {name: clock for name in names if (clock := self.losses.drop(name)) is not None}
            for subscriptions in self._sockets:
                subscriptions.drop(found)
        return found

    def renew(self, names: Sequence[str]) -> None:
        """Ask for these anew, on the same socket."""
        now = time.monotonic()
        for name in names:
            if (clock := self.clocks.get(name)) is not None:
                clock.ask(now)
            if (topic := self.topics.get(name)) is not None and topic.channel == "trade":
                self._pipeline.interrupt(topic.symbol)
        self.subscriptions.end(names)
        self.subscriptions.ask(names)

    def start(self) -> None:
        """Open the connection; returns at once."""
        self.connection.start()

    def stop(self) -> None:
        """Close for good; returns at once."""
        for subscriptions in self._sockets:
            subscriptions.connection.stop()

    def join(self, deadline: float) -> None:
        """Wait for the threads until `deadline`, monotonic; then show the books as stale."""
        for subscriptions in self._sockets:
            subscriptions.connection.join(max(0.0, deadline - time.monotonic()))
        mark_books(self._pipeline, self.topics.values(), InstrumentState.detach)

    def ping(self) -> None:
        """Keep the sockets from being cut as idle."""
        for subscriptions in self._sockets:
            subscriptions.ping()

    def keep(self, now: float) -> None:
        """Send what is due, notice silence, and change connections. `now`: monotonic seconds."""
        self.subscriptions.retry(now)
        for subscriptions in self._sockets:
            subscriptions.connection.service(now)
        if self.connection.has_queued and self.connection.opened_at:
            for clock in [self.clock, *self.clocks.values()]:
                if not clock.is_good:
                    clock.ask(now)  # a first datum is not late before it was asked for
        if self.successor is not None:
            self._keep_successor(self.successor, now)
        elif now >= self.schedule.due_at and self.trouble is None:
            self._rotate(now)
        if self.connection.opened_at:
            self._watch(now)

    def forgive(self, pause_s: float, now: float) -> None:
        """This process was stopped for a while, which is nobody's silence."""
        for clock in [self.clock, *self.clocks.values()]:
            clock.forgive(pause_s, now)

    def on_open(self, connection: Connection) -> None:
        """Ask for every topic; books begin anew."""
        if self.trouble is None:  # a successor should have taken over, and went too
            self._lose_all("reconnecting", "closed while it was replaced")
        now = time.monotonic()
        self.connected_at = CLOCK.now_ms()
        self._bad_frames = 0
        self._silence.begin(now)
        if connection.generation > 1:
            self._pipeline.statistics.reconnects += 1
        for clock in list(self.clocks.values()):
            clock.ask(now)
        self._resync.begin(self._pipeline, list(self.topics.values()))
        self.subscriptions.begin()
        self._record("connected", connection.name)

    def on_frame(self, _connection: Connection, frame: bytes, recv_time: int) -> None:
        """Hand a frame to the pipeline and deal with the venue's answers."""
        try:
            taken = self._pipeline.on_frame(frame, recv_time)
        except FrameError as error:
            self._on_bad_frame(error)
            return
        if self._bad_frames:
            self._bad_frames = 0
        if taken.is_data:
            self._hear(taken, time.monotonic())
        for answer in taken.answers:
            refused = self.subscriptions.on_answer(answer)
            if (topic := self.topics.get(refused)) is not None:
                self.losses.lose(topic, "refused", self.subscriptions.refused.get(refused, ""))

    def on_close(self, connection: Connection, state: str, reason: str) -> None:
        """Say what is missed from now on, show the books as stale, and say why."""
        successor = self.successor
        if successor is not None and successor.is_proven(self.clocks, time.monotonic()):
            return  # `keep` puts it in this one's place
        if self.trouble != (state, reason):
            self._record("disconnected", f"{connection.name}: {reason}")
        self._lose_all(state, reason)

    def _lose_all(self, state: str, reason: str) -> None:
        self.trouble = (state, reason)
        cause = "silent" if self._silence.reason else "disconnect"
        for topic in list(self.topics.values()):
            self.losses.lose(topic, cause, reason)
        self._silence.end()
        self.losses.close()
        mark_books(self._pipeline, self.topics.values(), InstrumentState.detach)

    def _hear(self, taken: Taken, now: float) -> None:
        """A datum came."""
        self.connection.last_data_at = now
        self._silence.hear(now)
        self.losses.hear(taken, now)
        if self.trouble is not None:
            self._on_data_again()

    def _watch(self, now: float) -> None:
        """Break a socket on which nothing comes any more."""
        if self.topics and self._silence.is_too_long(list(self.clocks.values()), now):
            refused = "".join(f", {why}" for why in list(self.subscriptions.refused.values())[:1])
            self._silence.reason = f"no data for {self.clock.age(now):.1f} s{refused}"
            self.connection.abort(self._silence.reason)

    def _on_bad_frame(self, error: FrameError) -> None:
        self._untold += 1
        if (now := time.monotonic()) >= self._tell_at:  # a venue that changed its ways sends thousands
            name, frames, self._untold = self.connection.name, self._untold, 0
            log.warning("frame.refused", connection=name, error=str(error)[:300], frames=frames)
            self._tell_at = now + TELL_EVERY_S
        if (topic := self.topics.get(error.topic)) is not None:  # the socket is sound, what came is not
            self.losses.lose(topic, "refused", f"it cannot be read: {str(error)[:200]}")
            return
        self._bad_frames += 1
        if self._bad_frames >= BAD_FRAMES:
            self.connection.abort(f"{BAD_FRAMES} unreadable frames in a row")

    def _on_data_again(self) -> None:
        self.trouble = None
        mark_books(self._pipeline, self.topics.values(), InstrumentState.revive_book)
        self._record("live", self.connection.name)

    def _rotate(self, now: float) -> None:
        """Open a second connection, to replace the first before the venue cuts it."""
        self.schedule.put_off(now)
        self._record("rotating", self.name)
        name = f"{self.name}-{next(self._numbers)}"
        with self._change:
            url = self.connection.url  # where data comes from now; another may be dead

            def opened(handler: Handler) -> Connection:
                return self._open_connection(name, handler, url)

            self.successor = Successor(self._venue, self.topics, self._record, opened)

    def _keep_successor(self, successor: Successor, now: float) -> None:
        if successor.is_proven(self.clocks, now):
            self._promote(successor)
        elif successor.is_late(now):
            reason = successor.failure or "it carries less than the old one"
            self._record("rotation failed", f"{self.name}: {reason}")
            successor.connection.stop()
            self.successor = None
            if self.trouble is None and not self.connection.opened_at:
                self._lose_all("reconnecting", "closed while it was replaced")

    def _promote(self, successor: Successor) -> None:
        """The second connection is the first one now."""
        old = self.connection
        old.stop()
        old.join(RETIRE_WITHIN_S)
        with self._change:
            if self.trouble is not None:  # the old one was lost before: nothing is continued
                self._resync.begin(self._pipeline, list(self.topics.values()))
            self.connection, self.successor = successor.connection, None
            self.connected_at = CLOCK.now_ms()
            self.subscriptions = successor.subscriptions
            self._silence.reason = ""
            now = time.monotonic()
            self.schedule.begin(now)
            for clock in [self.clock, *self.clocks.values()]:
                if clock.age(now) == 0.0:
                    clock.ask(now)
            for taken in successor.promote(self._pipeline, self):
                if taken.is_data:
                    self._hear(taken, now)
        self._record("rotated", f"{old.name} → {self.connection.name}")
