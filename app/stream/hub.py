"""The one reader of Redis behind all open streams of a process. Runs in its own thread, while any is open."""

import threading
import time
from collections.abc import Callable, Sequence

import structlog

from app.ports import HotReader
from app.read_model import ReadModel
from app.stream.news import Event, Market, comment, reset
from app.stream.open_stream import OpenStream
from app.stream.tail import EventTail
from app.stream.wanted import EventId, Wanted
from db.errors import StoreUnavailable

log = structlog.get_logger()

ROUND_S = 0.25
"""How often `events` is read."""
COMMENT_S = 15.0
SWEEP_S = 1.0
"""How often it is looked which readers have left."""
CUT_S = 5.0
"""A reader that does not take its last words for so long is cut off."""
BREATH = 100
"""Streams served before others in this process get their turn."""

TOO_OLD = reset(
    "too_old", "events have gone that you did not get; read what you need anew, this goes on from now"
)
LOST = reset(
    "lost", "events may have gone while Redis was away; read what you need anew, this goes on from now"
)
TOO_SLOW = reset("too_slow", "you read slower than it comes; this ends here")
ENDING = comment("the server ends")


class Hub:
    """Tells every open stream what is new. `is_ending` says that the process is about to end."""

    def __init__(
        self,
        read_model: ReadModel,
        reader: HotReader,
        monotonic: Callable[[], float],
        market_every_s: float,
    ) -> None:
        self.is_ending: Callable[[], bool] = lambda: False
        self._read_model = read_model
        self._tail = EventTail(reader)
        self._monotonic = monotonic
        self._market_every_s = market_every_s
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._arrivals: list[OpenStream] = []
        self._open: list[OpenStream] = []
        self._market: Market | None = None
        self._version = ""
        self._was_away = False
        self._market_at = self._events_at = self._comment_at = self._swept_at = float("-inf")

    @property
    def count(self) -> int:
        """Streams that are open now."""
        return len(self._open) + len(self._arrivals)

    def add(self, stream: OpenStream) -> None:
        """Begin to serve it."""
        with self._lock:
            self._arrivals.append(stream)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stream", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while not self._is_idle():
            try:
                self.round()
            except Exception:
                log.exception("stream.failed")
            self._wake.wait(ROUND_S)
            self._wake.clear()

    def _is_idle(self) -> bool:
        with self._lock:
            if self._open or self._arrivals:
                return False
            self._thread = self._market = None
            self._tail.forget()
            return True

    def round(self) -> None:
        """Look once what is new, and tell it."""
        now = self._monotonic()
        with self._lock:
            arrivals, self._arrivals = self._arrivals, []
            known = self._open
            self._open = [stream for stream in (*known, *arrivals) if not stream.is_closed]
        if self.is_ending():
            self._end_all(now)
            return
        is_changed = self._see_market(now)
        is_lost, events = self._see_events(now)
        self._tell(known, self._pieces(is_changed, is_lost, events), now)
        self._welcome(arrivals, now)
        if self._tail.is_placed and not self._was_away:
            self._resume([stream for stream in self._open if stream.last_id is not None], now)
        self._keep_alive(now)

    def _see_market(self, now: float) -> bool:
        """Look at the market if it is time, or if it was not looked at yet; whether that was done."""
        if not any(stream.wanted.is_market for stream in self._open):
            self._market = None
            return False
        if self._market is not None and now - self._market_at < self._market_every_s:
            return False
        view = self._read_model.market()
        self._market, self._market_at = Market(view, self._read_model.interval, self._market), now
        return True

    def _see_events(self, now: float) -> tuple[bool, list[Event]]:
        """Whether events may have been lost, and those that are new."""
        if not any(stream.wanted.is_events for stream in self._open):
            self._tail.forget()
            self._was_away = False
            return False, []
        if self._tail.is_placed and now - self._events_at < ROUND_S * 0.8:  # woken by an arrival
            return False, []
        self._events_at = now
        try:
            is_lost = self._was_away and self._tail.has_lost()
            events = self._tail.news()
            self._was_away = False
        except StoreUnavailable:  # logged, and told in a notice, by the read model
            self._was_away = True
            return False, []
        return is_lost, events

    def _pieces(
        self, is_changed: bool, is_lost: bool, events: Sequence[Event]
    ) -> Callable[[OpenStream], bytes]:
        """What is new to each stream; made once for all that want the same."""
        made: dict[tuple[Wanted, bool], bytes] = {}
        market = self._market if is_changed else None

        def piece(stream: OpenStream) -> bytes:
            wanted, is_followed = stream.wanted, stream.last_id is None
            key = (wanted, is_followed)
            if key not in made:
                parts = [market.change(wanted)] if market is not None and wanted.is_market else []
                if is_followed and wanted.is_events:
                    parts += [LOST] * is_lost
                    parts += [event.frame for event in events if event.is_for(wanted)]
                made[key] = b"".join(parts)
            return made[key]

        return piece

    def _tell(self, streams: Sequence[OpenStream], piece: Callable[[OpenStream], bytes], now: float) -> None:
        for number, stream in enumerate(streams, 1):
            self._put(stream, piece(stream), now)
            if number % BREATH == 0:
                time.sleep(0)

    def _put(self, stream: OpenStream, piece: bytes, now: float) -> None:
        if not piece or stream.is_closed or stream.ended_at is not None:
            return
        if not stream.put(piece):
            log.info("stream.dropped", reason="too slow")
            stream.end(TOO_SLOW, now)

    def _welcome(self, arrivals: Sequence[OpenStream], now: float) -> None:
        for stream in arrivals:
            if self._market is not None and stream.wanted.is_market:
                self._put(stream, self._market.snapshot(stream.wanted), now)

    def _resume(self, streams: Sequence[OpenStream], now: float) -> None:
        """Tell those who name an event what came after it; many come back with the same one."""
        found: dict[EventId, list[Event] | None] = {}
        for stream in streams:
            last = stream.last_id
            assert last is not None
            if last not in found:
                try:
                    found[last] = self._tail.since(last)
                except StoreUnavailable:
                    self._was_away = True
                    return
            events = found[last]
            missed = TOO_OLD if events is None else _joined(events, stream.wanted)
            self._put(stream, missed, now)
            stream.last_id = None

    def _keep_alive(self, now: float) -> None:
        if now - self._comment_at >= COMMENT_S:
            self._comment_at = now
            self._tell(self._open, lambda _stream: comment(), now)
        if now - self._swept_at >= SWEEP_S:
            self._swept_at = now
            for stream in self._open:
                if stream.ended_at is None and stream.is_gone():
                    stream.end(b"", now)
                self._cut_if_due(stream, now)

    def _end_all(self, now: float) -> None:
        for stream in self._open:
            if stream.ended_at is None:
                stream.end(ENDING, now)
            self._cut_if_due(stream, now)

    def _cut_if_due(self, stream: OpenStream, now: float) -> None:
        if stream.ended_at is not None and now - stream.ended_at > CUT_S:
            stream.cut()


def _joined(events: Sequence[Event], wanted: Wanted) -> bytes:
    return b"".join(event.frame for event in events if event.is_for(wanted))
