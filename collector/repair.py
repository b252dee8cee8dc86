"""What is asked of REST when a gap is over, so that the ledger can say how much of it was had again.

Candles come back whole. Trades do where the venue gives old ones, and make provisional candles right. What
was missed of books and tickers no venue gives again.
"""

import threading
from collections import deque

from collector.backfill import Backfill
from collector.ledger import Ledger
from collector.pipeline import Pipeline
from collector.venues import Topic
from db.rows import GapRow
from market.events import Trade

CLOCK_OFF_MS = 5_000
CLOCK_EVERY_S = 5.0


class Repair:
    """The repairs of one venue. No method waits for REST; `on_lost` and `on_closed` are the ledger's."""

    def __init__(self, backfill: Backfill, pipeline: Pipeline, ledger: Ledger) -> None:
        self._backfill = backfill
        self._pipeline = pipeline
        self._ledger = ledger
        self._lock = threading.Lock()
        self._last_trades: dict[str, Trade] = {}
        """The last trade before the gap, of each symbol whose trades are missing."""
        self._closed: deque[GapRow] = deque()
        self._clock_at = float("-inf")

    def on_lost(self, topic: Topic) -> None:
        """A gap has opened. The pipeline's lock may be held."""
        state = self._pipeline.states.get(topic.symbol)
        if topic.channel == "trade" and state is not None and state.last_trade is not None:
            with self._lock:
                self._last_trades[topic.symbol] = state.last_trade

    def on_closed(self, row: GapRow) -> None:
        """A gap is over. The pipeline's lock may be held."""
        if row.channel in ("kline", "trade"):
            self._closed.append(row)

    def keep(self, now: float) -> None:
        """Ask for what the gaps took that are over. `now`: monotonic seconds; may wait for the venue's clock.

        Which candles are over is judged by the venue's clock: where a gap ended later than that says, the
        clock has changed and is asked first.
        """
        rows = [self._closed.popleft() for _ in range(len(self._closed))]
        if any((row.ended_at or 0) > self._backfill.venue_now() + CLOCK_OFF_MS for row in rows):
            self._closed.extendleft(reversed(rows))
            if now - self._clock_at >= CLOCK_EVERY_S:
                self._clock_at = now
                self._backfill.ask_clock()
            return
        for row in rows:
            self._begin(row, row.ended_at or row.started_at)

    def _begin(self, row: GapRow, ended_at: int) -> None:
        if row.channel == "kline":
            self._backfill.refill.after_gap(
                row.symbol,
                row.started_at,
                ended_at,
                lambda recovered, is_whole: self._ledger.repaired(row, recovered, is_whole=is_whole),
            )
            return
        with self._lock:
            last = self._last_trades.pop(row.symbol, None)
        hole = None if last is None else (last.event_time, ended_at)
        self._backfill.ask_trades(
            row.symbol, last, ended_at, lambda trades, bridges: self._take(row, trades, hole, bridges)
        )

    def _take(self, row: GapRow, trades: list[Trade], hole: tuple[int, int] | None, bridges: bool) -> None:
        self._pipeline.on_history_trades(row.symbol, trades, hole if bridges else None)
        self._ledger.repaired(row, len(trades), is_whole=bridges)
