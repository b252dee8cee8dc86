"""What Postgres gives to one instrument's page, read in the background: no page waits for a slow query.

Candles and their indicators are read when one has closed, the last ten minutes of the top every two seconds,
signals and gaps every five; all only while somebody looks.
"""

import threading
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import structlog

from app.ports import Clock, History
from app.symbol_marks import CHANNELS, GAPS, SIGNALS, Marks, marks_of
from app.symbol_strips import Strips
from app.symbol_view import Digits, candle_columns, digits_of, encoded
from db.errors import StoreUnavailable
from db.history.ledger import GapFilter
from db.history.track import TrackFilter
from db.rows import IndicatorRow
from market.events import Kline
from market.intervals import BOOK, INTERVAL_MS, open_of

CANDLES = 400
CANDLE_TAIL = 3
"""Closed candles in every reply; whoever lacks earlier ones gets them all."""
WINDOW_MS = 600_000
STRIP_TAIL_MS = 30_000
SPAN_MS = 2_000
"""Of each span of the strips two ticks are shown: those with the lowest and the highest mid."""
LATE_MS = 20_000
"""Ticks are read again for so long: a tick is stored seconds after its time."""

STRIPS_EVERY_S = 2.0
CLOSE_EVERY_S = 2.0
MARKS_EVERY_S = 5.0
FEW_EVERY_S = 15.0
ALL_EVERY_S = 60.0
RETRY_S = 5.0
_EXPECTED_WITHIN_MS = 20_000
_FEW = 100

log = structlog.get_logger()


class Parts(NamedTuple):
    """The history as parts of a reply: all of it, or the tail alone. `state`: loading, ok or delayed.

    `tick_size` is None while the venue has not told it.
    """

    state: str
    digits: Digits
    tick_size: float | None
    candles: msgspec.Raw
    candle_tail: msgspec.Raw
    tail_from: int | None
    strips: msgspec.Raw
    strip_tail: msgspec.Raw
    strip_tail_from: int
    marks: Marks


class _Candles(NamedTuple):
    """Closed candles, encoded: some 40 kB where the candles themselves would take ten times that."""

    held: int
    newest: int
    """Open time of the newest; 0 if there is none."""
    newest_said: int
    """The same of the newest that has its indicators."""
    whole: msgspec.Raw
    tail: msgspec.Raw
    tail_from: int | None


class SeriesHistory:
    """The history of one venue, symbol and interval. `refresh` may run in any thread, one at a time."""

    def __init__(self, series: tuple[str, str, str], reader: History, clock: Clock) -> None:
        self.was_read = threading.Event()
        self._venue, self._symbol, self._interval = series
        self._reader = reader
        self._clock = clock
        self._running = threading.Lock()
        self._digits = Digits()
        self._tick_size: float | None = None
        self._candles = _candles_of([], [], self._digits)
        self._marks = marks_of([], [], self._digits)
        self._strips = Strips()
        self._until = 0
        self._due = {"digits": 0.0, "klines": 0.0, "ticks": 0.0, "all_ticks": 0.0, "marks": 0.0}
        self.parts = self._encoded("loading")

    def is_due(self) -> bool:
        """Whether there is something to read now and nobody reads."""
        now = self._clock.monotonic()
        return not self._running.locked() and any(now >= due for due in self._due.values())

    def refresh(self) -> None:
        """Read what is due; what was read before stays when Postgres does not answer."""
        if not self._running.acquire(blocking=False):
            return
        try:
            self.parts = self._encoded(self._read())
        finally:
            self._running.release()
            self.was_read.set()

    def _read(self) -> str:
        """Read what is due; the state of it all."""
        try:
            self._read_due()
        except StoreUnavailable as error:
            if self.parts.state != "delayed":  # once, not with every try
                log.warning("history.unavailable", venue=self._venue, symbol=self._symbol, error=str(error))
            self._due = dict.fromkeys(self._due, self._clock.monotonic() + RETRY_S)
            return "delayed"
        return "ok"

    def _read_due(self) -> None:
        now = self._clock.monotonic()
        if now >= self._due["digits"]:
            self._read_digits()
            self._due["digits"] = now + ALL_EVERY_S
        if now >= self._due["klines"]:
            self._read_candles()
            self._due["klines"] = now + self._until_next_candle_s()
        if now >= self._due["ticks"]:
            is_all = now >= self._due["all_ticks"]
            self._read_ticks(is_all=is_all)
            self._due["ticks"] = now + STRIPS_EVERY_S
            if is_all:
                self._due["all_ticks"] = now + ALL_EVERY_S
        if now >= self._due["marks"]:
            self._read_marks()
            self._due["marks"] = now + MARKS_EVERY_S

    def _read_candles(self) -> None:
        series = (self._venue, self._symbol, self._interval)
        klines = self._reader.klines(*series, limit=CANDLES)
        said = self._reader.indicators(*series, limit=CANDLES)
        self._candles = _candles_of(klines, said, self._digits)

    def _read_marks(self) -> None:
        signals = [
            signal
            for interval in (self._interval, BOOK)
            for signal in self._reader.signals(
                TrackFilter(self._venue, self._symbol, interval), limit=SIGNALS
            ).rows
        ]
        gaps = self._reader.gaps(GapFilter(self._venue, self._symbol, CHANNELS), limit=GAPS).rows
        self._marks = marks_of(signals, gaps, self._digits)

    def _read_digits(self) -> None:
        before = self._digits
        for known in self._reader.instruments():
            if (known.venue, known.symbol) == (self._venue, self._symbol):
                self._digits, self._tick_size = digits_of(known.tick_size, known.lot_size), known.tick_size
        if self._digits != before:  # what is held has the digits of before
            self._due |= {"klines": 0.0, "ticks": 0.0, "all_ticks": 0.0, "marks": 0.0}

    def _until_next_candle_s(self) -> float:
        """Seconds until a further closed candle may be there; sooner while it or its indicators lack."""
        now = self._clock.now_ms()
        opened, length = open_of(now, self._interval), INTERVAL_MS[self._interval]
        is_missing = min(self._candles.newest, self._candles.newest_said) < opened - length
        if is_missing and now - opened < _EXPECTED_WITHIN_MS:
            return CLOSE_EVERY_S
        if self._candles.newest < opened - length or self._candles.held < _FEW:
            return FEW_EVERY_S
        return min(ALL_EVERY_S, (opened + length - now) / 1000 + 0.5)

    def _read_ticks(self, *, is_all: bool) -> None:
        """Bring the strips up to now. Spans have fixed places in time: reading one again changes nothing."""
        until = _whole(self._clock.now_ms()) + SPAN_MS
        begin = until - WINDOW_MS
        start = begin if is_all else max(begin, _whole(self._until - LATE_MS))
        points = 2 * (until - start) // SPAN_MS
        found = self._reader.ticks_downsampled(
            self._venue, self._symbol, start=start, end=until, max_points=points
        )
        self._strips.extend(found, self._digits, begin=begin, start=start)
        self._until = until

    def _encoded(self, state: str) -> Parts:
        candles, until = self._candles, self._until
        return Parts(
            state,
            self._digits,
            self._tick_size,
            candles.whole,
            candles.tail,
            candles.tail_from,
            encoded(self._strips.columns(until - WINDOW_MS, until)),
            encoded(self._strips.columns(until - STRIP_TAIL_MS, until)),
            until - STRIP_TAIL_MS,
            self._marks,
        )


def _candles_of(klines: Sequence[Kline], said: Sequence[IndicatorRow], digits: Digits) -> _Candles:
    tail = klines[-CANDLE_TAIL:]
    return _Candles(
        len(klines),
        klines[-1].open_time if klines else 0,
        said[-1].open_time if said else 0,
        encoded(candle_columns(klines, said, digits)),
        encoded(candle_columns(tail, said[-CANDLE_TAIL:], digits)),
        tail[0].open_time if tail else None,
    )


def _whole(time_ms: int) -> int:
    return time_ms - time_ms % SPAN_MS
