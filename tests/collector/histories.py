"""A database for the writer and its parts that does as it is told."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from collector.writer import Writer
from db.errors import StoreUnavailable
from db.rows import Batch, FeedEventRow, GapRow, KlineRow, SignalRow, TickerRow, TickRow
from db.spool import Spool
from market.events import Kline
from market.instruments import Instrument

GONE = StoreUnavailable("gone")
GAP = GapRow("bybit", "BTCUSDT", "book", 1_000, None, "silent", "no", 0, "")
CANDLE = KlineRow("bybit", Kline("BTCUSDT", "1m", 0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, True, 1, 1))


def tick(update_id: int) -> TickRow:
    return TickRow("bybit", "BTCUSDT", 1_000 + update_id, update_id, 1.0, 1.0, 2.0, 1.0, 5)


def batch(name: str, *update_ids: int) -> Batch:
    return Batch(name, ticks=[tick(n) for n in update_ids])


class FakeHistory:
    """Takes batches, unless an answer is an error; `refuses` tells which rows it never takes."""

    def __init__(self, *answers: Exception | None, always: Exception | None = None) -> None:
        """`answers` come first, one a write; after them `always`, None being success."""
        self.batches: list[Batch] = []
        self.failed: list[Batch] = []
        self.instruments: list[Sequence[Instrument]] = []
        self.answers = deque(answers)
        self.always = always
        self.refuses: Callable[[Batch], Exception | None] = lambda _batch: None
        self.check_answers: deque[Exception] = deque()
        self.checked = self.aimed = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.written = threading.Event()

    @property
    def update_ids(self) -> list[int]:
        """Of the ticks that were taken, in that order."""
        return [row.update_id for batch in self.batches for row in batch.ticks]

    def check(self) -> None:
        self.checked += 1
        if self.check_answers:
            raise self.check_answers.popleft()

    def aim(self) -> None:
        self.aimed += 1

    def write(self, batch: Batch) -> int:
        self.may_go_on.wait(30)
        answer = self.answers.popleft() if self.answers else self.always or self.refuses(batch)
        if answer is not None:
            self.failed.append(batch)
            raise answer
        self.batches.append(batch)
        self.written.set()
        return batch.size

    def save_instruments(self, instruments: Sequence[Instrument]) -> None:
        self.instruments.append(instruments)


@contextmanager
def opened(directory: Path, max_mb: int = 10) -> Iterator[Spool]:
    """A spool in a directory."""
    spool = Spool(directory, max_mb)
    spool.open(lambda _event, _detail: None, lambda _row: None)
    yield spool
    spool.close()


class Told:
    """What a writer told those around it."""

    def __init__(self) -> None:
        self.news: list[KlineRow] = []
        self.gaps: list[GapRow] = []
        self.signals: list[SignalRow] = []
        self.feed_events: list[FeedEventRow] = []
        self.written: list[Batch] = []
        self.hopeless: list[str] = []


def make(
    history: FakeHistory,
    directory: Path,
    *,
    flush_interval_ms: int = 1,
    unsaved_tickers: Callable[[], Iterable[TickerRow]] = list,
    max_mb: int = 10,
) -> tuple[Writer, Told]:
    """A writer on a fake database and a spool of its own, not started."""
    told = Told()
    writer = Writer(
        history,
        Spool(directory, max_mb),
        worker_id="w",
        flush_interval_ms=flush_interval_ms,
        unsaved_tickers=unsaved_tickers,
        on_news=told.news.append,
        on_gap=told.gaps.append,
        on_signal=told.signals.append,
        on_feed_event=told.feed_events.append,
        on_written=told.written.append,
        on_hopeless=told.hopeless.append,
    )
    return writer, told
