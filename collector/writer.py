"""Rows for Postgres: nothing that receives data ever waits for the database or the disk.

Rows queue in memory; every `FLUSH_INTERVAL_MS` they are formed into batches. A batch keeps its name and its
rows until it is written, through every retry, and writing it twice changes nothing. The sender takes it from
the outbox; what the database does not take in time waits in the spool. The queue is bounded too: if even
the disk stands still, the oldest ticks go, counted and told to the ledger; nothing else ever does.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from collector.clock import CLOCK
from collector.outbox import Outbox
from collector.sender import History, Sender
from db.rows import (
    Batch,
    FeedEventRow,
    GapRow,
    IndicatorRow,
    KlineRow,
    OutcomeRow,
    PaperStepRow,
    SignalRow,
    TickerRow,
    TickRow,
)
from db.spool import Spool
from db.spool.losses import Instrument as Name
from db.spool.losses import Loss, add, losses_of
from market.instruments import Instrument

log = structlog.get_logger()

MAX_BATCH = 5_000
LEAST_BATCH = 500
"""Ticks in a batch, however slow the database is: each costs the disk a write where it has to wait."""
MAX_PAST = 2_000
"""Candles of the past in a batch: there are many at a first start, and live rows go before them."""
MAX_TICKS = 200_000
ROOM = 4_000
"""Rows that may wait while more of the past is added to them."""
FULL = 10_000
"""With more rows in memory the past is asked for no faster than it is stored: whole, it takes 100 MB."""
MAX_DETAIL = 500
"""Characters of what is said of an event or a gap."""
TICKERS_EVERY_S = 5.0
LEAST_KEPT_AFTER_S = 0.1
"""A batch is not written to disk sooner, however short the flush interval is."""
CLOSING_S = 1.0
"""Of the time to stop, what is left for the disk."""


class Writer:
    """Takes rows from any thread and has them written in order."""

    def __init__(
        self,
        history: History,
        spool: Spool,
        *,
        worker_id: str,
        flush_interval_ms: int,
        unsaved_tickers: Callable[[], Iterable[TickerRow]],
        on_news: Callable[[KlineRow], None],
        on_gap: Callable[[GapRow], None],
        on_signal: Callable[[SignalRow], None],
        on_feed_event: Callable[[FeedEventRow], None],
        on_written: Callable[[Batch], None],
        on_hopeless: Callable[[str], None],
    ) -> None:
        """`unsaved_tickers()` gives what changed since its last call.

        `on_news` hears of each new candle, `on_gap` of each gap that opens and each change of one,
        `on_signal` of each rule that fires, `on_feed_event` of what happens to a feed, `on_written` of each
        batch that was committed without waiting in the spool, `on_hopeless` why we are not let in.
        """
        self._spool = spool
        self._outbox = Outbox(spool)
        self._sender = Sender(
            history,
            self._outbox,
            spool,
            past=self._next_past,
            on_written=on_written,
            on_hopeless=on_hopeless,
        )
        self._worker_id = worker_id
        self._interval_s = flush_interval_ms / 1000
        self._unsaved_tickers = unsaved_tickers
        self._on_news = on_news
        self._on_gap = on_gap
        self._on_signal = on_signal
        self._on_feed_event = on_feed_event
        self._ticks: deque[TickRow] = deque()
        self._klines: deque[KlineRow] = deque()
        self._past: deque[KlineRow] = deque()
        self._feed_events: deque[FeedEventRow] = deque(maxlen=10_000)
        self._gaps: deque[GapRow] = deque()
        self._indicators: deque[IndicatorRow] = deque()
        self._signals: deque[SignalRow] = deque()
        self._outcomes: deque[OutcomeRow] = deque()
        self._paper_steps: deque[PaperStepRow] = deque()
        self._in_hand: Batch | None = None
        self._losses: dict[Name, Loss] = {}
        self._lost_rows = 0
        self._losing = threading.Lock()
        self._tickers_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    @property
    def state(self) -> str:
        """How it goes with the database: starting, up, behind, down, refused or schema."""
        return self._sender.state

    @property
    def rows_written(self) -> int:
        """Rows that were new to the database."""
        return self._sender.rows_written

    @property
    def rows_dropped(self) -> int:
        """Rows that are lost: no room was left for them."""
        return self._lost_rows + self._spool.dropped + self._sender.rows_dropped

    @property
    def queued(self) -> int:
        """Rows that are in memory and nowhere else."""
        queues: tuple[deque[Any], ...] = (
            self._ticks, self._klines, self._past, self._feed_events, self._gaps, self._indicators,
            self._signals, self._outcomes, self._paper_steps,
        )  # fmt: skip
        return sum(len(queue) for queue in queues) + self._outbox.rows

    @property
    def has_room(self) -> bool:
        """Whether rows that can wait may come: little waits, and the database takes it."""
        waiting = len(self._past) + len(self._indicators) + self._outbox.rows + self._spool.rows
        return self._outbox.is_open and waiting < ROOM

    @property
    def is_full(self) -> bool:
        """Whether so many rows wait in memory that no more should be asked for."""
        return self.queued > FULL

    def add_tick(self, row: TickRow) -> None:
        """Keep a tick."""
        self._ticks.append(row)
        if len(self._ticks) > MAX_TICKS:
            self._lose(self._ticks.popleft())

    def add_kline(self, row: KlineRow, *, is_news: bool) -> None:
        """Keep a closed candle; news if it closed just now, else told by REST and to be had again."""
        if is_news:
            self._klines.append(row)
            self._on_news(row)
        else:
            self._past.append(row)

    def add_gap(self, row: GapRow) -> None:
        """Keep a gap as it is known now. States may repeat; an older one changes nothing back."""
        kept = row._replace(detail=row.detail[:MAX_DETAIL])
        self._gaps.append(kept)
        self._on_gap(kept)

    def add_indicators(self, row: IndicatorRow) -> None:
        """Keep what is said at a close."""
        self._indicators.append(row)

    def add_signal(self, row: SignalRow) -> None:
        """Keep a signal."""
        self._signals.append(row)
        self._on_signal(row)

    def add_outcome(self, row: OutcomeRow) -> None:
        """Keep what became of a signal."""
        self._outcomes.append(row)

    def add_paper_step(self, row: PaperStepRow) -> None:
        """Keep a step of paper trading."""
        self._paper_steps.append(row)

    def record(self, venue: str, event: str, detail: str) -> None:
        """Keep what happened to a feed; `venue` is empty where it is not one feed's matter."""
        log.info("feed.event", venue=venue, what=event, detail=detail)
        row = FeedEventRow(_now_ms(), venue, self._worker_id, event, detail[:MAX_DETAIL])
        self._feed_events.append(row)
        self._on_feed_event(row)

    def save_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Keep what a venue says of its instruments."""
        self._sender.save_instruments(instruments)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Have everything written, or kept on disk, and end; False if rows are left in memory.

        Candles of the past are left: the next start asks for what it does not find.
        """
        end = time.monotonic() + timeout_s
        self._stopping.set()
        self._past.clear()
        if self._thread.is_alive():
            self._thread.join(timeout_s / 2)
        self._sender.finish(max(0.0, end - time.monotonic() - CLOSING_S))
        self._outbox.close()
        is_kept = self._spool.close()
        return is_kept and not self._thread.is_alive() and self.queued == 0

    def _run(self) -> None:
        self._spool.open(self._tell, self._on_gap)
        self._sender.start()
        while not self._stopping.wait(self._interval_s):
            self._tick(is_last=False)
        self._tick(is_last=True)

    def _tell(self, event: str, detail: str) -> None:
        self.record("", event, detail)

    def _tick(self, *, is_last: bool) -> None:
        try:
            self._outbox.keep_older(max(self._interval_s, LEAST_KEPT_AFTER_S))
            with_tickers = is_last or time.monotonic() - self._tickers_at >= TICKERS_EVERY_S
            while (batch := self._in_hand or self._cut(with_tickers=with_tickers)) is not None:
                self._in_hand = batch  # should it fail to be put, it is put again at the next tick
                self._outbox.put(batch)
                self._in_hand, with_tickers = None, False
            with self._losing:
                losses, self._losses = self._losses, {}
            self._spool.add_losses(losses)
            if self._past:
                self._outbox.wake.set()
        except Exception:
            log.exception("writer.failed")

    def _cut(self, *, with_tickers: bool) -> Batch | None:
        """The next batch, or None when nothing waits. Candles of the past go to the spool, if anywhere."""
        tickers = self._new_tickers() if with_tickers else []
        past = [] if self._outbox.is_open else _take(self._past, MAX_PAST)
        return _batch_of(
            ticks=_take(self._ticks, max(LEAST_BATCH, self._sender.pace)),
            klines=_take(self._klines, MAX_BATCH) + past,
            tickers=tickers,
            feed_events=_take(self._feed_events, MAX_BATCH),
            gaps=_take(self._gaps, MAX_BATCH),
            indicators=_take(self._indicators, MAX_BATCH),
            signals=_take(self._signals, MAX_BATCH),
            outcomes=_take(self._outcomes, MAX_BATCH),
            paper_steps=_take(self._paper_steps, MAX_BATCH),
        )

    def _new_tickers(self) -> list[TickerRow]:
        self._tickers_at = time.monotonic()
        try:
            return list(self._unsaved_tickers())
        except Exception:
            log.exception("tickers.failed")
            return []

    def _next_past(self) -> Batch | None:
        return _batch_of(klines=_take(self._past, MAX_PAST))

    def _lose(self, row: TickRow) -> None:
        with self._losing:
            self._lost_rows += 1
            add(self._losses, losses_of([row]))


def _batch_of(**rows: list[Any]) -> Batch | None:
    batch = Batch(uuid.uuid4().hex, **rows)
    return batch if batch.size else None


def _take(queue: deque[Any], most: int) -> list[Any]:
    """Up to `most` rows from the front; other threads may append meanwhile."""
    found: list[Any] = []
    while len(found) < most:
        try:
            found.append(queue.popleft())
        except IndexError:
            break
    return found


def _now_ms() -> int:
    return CLOCK.now_ms()
