"""What one connection was asked to carry, and what its venue answered."""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping

import structlog

from collector.connection import Connection
from collector.venues import Adapter, Topic
from market.events import Ack, ControlEvent, Pong, Rejected, Unexplained

log = structlog.get_logger()

RETRY_S = 60.0
RETRY_MOST_S = 3_600.0
"""How often what was refused is asked for again: at first, and in the end."""


class Subscriptions:
    """The topics of one connection. `topics` is what it should carry, also where the venue refuses it."""

    def __init__(
        self,
        venue: Adapter,
        connection: Connection,
        topics: dict[str, Topic],
        record: Callable[[str, str], None],
    ) -> None:
        """`record(event, detail)` keeps what happens for people to read."""
        self.topics = topics
        self.refused: dict[str, str] = {}
        """What this socket does not carry, and why; asked for again, less and less often."""
        self._venue = venue
        self.connection = connection
        self._record = record
        self._ids = itertools.count(1)
        self._asked: dict[str, list[str]] = {}
        self._said: dict[str, str] = {}
        self._retry_s = RETRY_S
        self._retry_at = 0.0

    def begin(self) -> None:
        """A new socket: ask for everything."""
        self._asked.clear()
        self.ask(list(self.topics))

    def add(self, topics: Mapping[str, Topic]) -> None:
        """Carry these too."""
        self.topics.update(topics)
        if self.connection.opened_at:
            self.ask(topics)

    def drop(self, names: Iterable[str]) -> None:
        """Carry these no longer."""
        gone = [name for name in names if self.topics.pop(name, None)]
        for name in gone:
            self.refused.pop(name, None)
        if gone and self.connection.opened_at:
            self.end(gone)

    def ask(self, names: Iterable[str]) -> None:
        """Subscribe."""
        asked = list(names)
        for name in asked:
            self.refused.pop(name, None)
        for batch in self._venue.batches(asked):
            request_id = next(self._ids)
            self._asked[str(request_id)] = batch
            self.connection.send(self._venue.subscribe(batch, request_id))

    def end(self, names: Iterable[str]) -> None:
        """Unsubscribe."""
        for batch in self._venue.batches(list(names)):
            self.connection.send(self._venue.unsubscribe(batch, next(self._ids)))

    def ping(self) -> None:
        """The application's ping, where the venue wants one, and a control ping."""
        frame = self._venue.ping(next(self._ids))
        if frame is not None:
            self.connection.send(frame)
        self.connection.ping()

    def retry(self, now: float) -> None:
        """Ask again for what was refused, when it is time. `now`: monotonic seconds."""
        if self.refused and now >= self._retry_at:
            self._retry_s = min(RETRY_MOST_S, 2 * self._retry_s)
            self._retry_at = now + self._retry_s
            self.ask(list(self.refused))

    def on_answer(self, answer: ControlEvent) -> str:
        """An ack, a refusal or something of no interest; returns the topic that is refused, else ""."""
        if isinstance(answer, Pong | Unexplained):
            return ""
        request_id = answer.request_id
        if isinstance(answer, Rejected) and not request_id:
            request_id = self._request_of(answer.topic)
        names = self._asked.pop(request_id, [])
        if names and not isinstance(answer, Ack):
            return self._on_rejected(answer, names)
        return ""

    def _request_of(self, topic: str | None) -> str:
        """The request that asked for a topic, for a refusal that does not say which it refuses."""
        return next((n for n, names in list(self._asked.items()) if topic in names), "")

    def _on_rejected(self, answer: Rejected, names: list[str]) -> str:
        """One bad topic spoils its whole request: leave it out, or look for it by halves."""
        log.warning(
            "topics.rejected", connection=self.connection.name, reason=answer.reason, topics=len(names)
        )
        if answer.topic not in names and len(names) > 1:
            half = len(names) // 2
            self.ask(names[:half])
            self.ask(names[half:])
            return ""
        bad = answer.topic if answer.topic in names else names[0]
        if rest := [n for n in names if n != bad]:
            self.ask(rest)
        if bad is None or bad not in self.topics or "already subscribed" in answer.reason:
            return ""
        self._refuse(bad, answer.reason)
        return bad

    def _refuse(self, name: str, reason: str) -> None:
        if not self.refused and time.monotonic() >= self._retry_at:
            self._retry_s = RETRY_S
            self._retry_at = time.monotonic() + RETRY_S
        self.refused[name] = reason
        if self._said.get(name) != reason:
            self._said[name] = reason
            self._record("rejected", reason if name in reason else f"{name}: {reason}")
