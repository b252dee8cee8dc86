"""What is appended to `events` with the next round of the publisher."""

from collections import deque

from collector import render
from collector.clock import CLOCK
from db.hot.writer import HotWriter
from db.rows import FeedEventRow, GapRow, KlineRow, SignalRow

MAX_EVENTS = 2_000


class Announcer:
    """Takes events from any thread; the oldest are forgotten while Redis is away."""

    def __init__(self) -> None:
        self._events: deque[tuple[str, str, str, str]] = deque(maxlen=MAX_EVENTS)

    def candle(self, row: KlineRow) -> None:
        """Say that a candle closed."""
        self._add("candle", row.venue, row.kline.symbol, render.candle_event(row.kline))

    def gap(self, row: GapRow) -> None:
        """Say that a gap opened, ended or was repaired."""
        self._add("gap", row.venue, row.symbol, render.gap_event(row))

    def signal(self, row: SignalRow) -> None:
        """Say that a rule fired."""
        self._add("signal", row.venue, row.symbol, render.signal_event(row))

    def feed(self, row: FeedEventRow) -> None:
        """Say what happened to a feed."""
        self._add("feed", row.venue, "", render.feed_event(row))

    def tell(self, writer: HotWriter) -> None:
        """Hand everything on."""
        while self._events:
            kind, venue, symbol, data = self._events.popleft()
            now = CLOCK.now_ms()
            writer.event(kind=kind, time_ms=now, venue=venue, symbol=symbol, data=data)

    def _add(self, kind: str, venue: str, symbol: str, data: str) -> None:
        self._events.append((kind, venue, symbol, data))
