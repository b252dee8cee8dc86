"""What Postgres gives to one question of the Signals page, read in the background."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import structlog

from app.part import Part, part_of
from app.ports import Clock, History
from app.record_view import equity_columns, score_rows, signal_rows, trade_rows
from db.errors import StoreUnavailable
from db.history.record import RecordedTrade, RecordFilter
from db.history.track import TrackPlace
from market.decimals import places_of
from market.intervals import INTERVAL_MS

OPEN_ROWS = 200
PAST_ROWS = 100
WINDOW_MS = 30 * INTERVAL_MS["1d"]
"""Of the equity curve; the scoreboard's is the same."""
ROWS_EVERY_S = 2.0
SUMS_EVERY_S = 15.0
REST = 10
"""Sums are not read again for so many times as long as they took."""
SHARED_EVERY_S = 15.0
RETRY_S = 5.0

log = structlog.get_logger()


class Question(NamedTuple):
    """What the page asks for. Empty names leave out none; `before`: where the page before this one ended."""

    venue: str
    symbol: str
    interval: str
    rule: str
    side: str
    show: Literal["signals", "trades"]
    before: TrackPlace | None


class Parts(NamedTuple):
    """The parts of the page by name, as of `read_at` (epoch ms). `state`: loading, ok or delayed."""

    state: str
    read_at: int
    by_name: Mapping[str, Part]
    open_trades: tuple[RecordedTrade, ...] = ()


class Common:
    """What all questions have in common: the digits of prices, and the scoreboard."""

    def __init__(self, reader: History, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self.places: dict[tuple[str, str], int] = {}
        self.board: list[dict[str, Any]] = []

    def refresh(self) -> None:
        """Read it anew where it is old. Raises StoreUnavailable."""
        with self._lock:
            if self._clock.monotonic() - self._read_at < SHARED_EVERY_S:
                return
            known = self._reader.instruments()
            self.places = {(i.venue, i.symbol): places_of(i.tick_size) for i in known if i.tick_size}
            self.board = self._reader.scoreboard()
            self._read_at = self._clock.monotonic()


class RecordHistory:
    """The answer to one question. `refresh` may run in any thread, one at a time."""

    def __init__(
        self,
        question: Question,
        venues: Callable[[], tuple[str, ...]],
        common: Common,
        reader: History,
        clock: Clock,
    ) -> None:
        """`venues`: those that are shown where none is named; simulated and real ones never mix."""
        self.was_read = threading.Event()
        self.parts = Parts("loading", clock.now_ms(), {})
        self._question = question
        self._venues = venues
        self._common = common
        self._reader = reader
        self._clock = clock
        self._running = threading.Lock()
        self._rows_due = self._sums_due = 0.0
        self._board_of: tuple[tuple[str, ...], list[dict[str, Any]]] | None = None

    def is_due(self) -> bool:
        """Whether there is something to read now and nobody reads."""
        return not self._running.locked() and self._clock.monotonic() >= self._rows_due

    def refresh(self) -> None:
        """Read what is due; what was read before stays when Postgres does not answer."""
        if not self._running.acquire(blocking=False):
            return
        try:
            self.parts = self._read()
        except StoreUnavailable as error:
            if self.parts.state != "delayed":  # once, not with every try
                log.warning("record.unavailable", error=str(error))
            self.parts = self.parts._replace(state="delayed")
            self._rows_due = self._clock.monotonic() + RETRY_S
        finally:
            self._running.release()
            self.was_read.set()

    def _read(self) -> Parts:
        asked, read_at = self._question, self._clock.now_ms()
        venues = (asked.venue,) if asked.venue else self._venues()
        wanted = RecordFilter(venues, asked.symbol, asked.interval, asked.rule, asked.side)
        self._common.refresh()
        found = self._reader.newest_trades(wanted, is_open=True, limit=OPEN_ROWS)
        by_name = dict(self.parts.by_name)
        by_name["open"] = part_of(
            {
                "count": self._reader.open_trades(wanted) if found.end else len(found.rows),
                "rows": trade_rows(found.rows, self._common.places),
            }
        )
        by_name["past"] = self._past(wanted)
        if (venues, self._common.board) != self._board_of:
            by_name["board"] = self._board(venues)
        self._rows_due = self._clock.monotonic() + ROWS_EVERY_S
        if self._clock.monotonic() >= self._sums_due:
            by_name["equity"] = self._equity(wanted, read_at)
        return Parts("ok", read_at, by_name, tuple(found.rows))

    def _past(self, wanted: RecordFilter) -> Part:
        asked, places = self._question, self._common.places
        chosen: dict[str, Any] = {"before": asked.before, "limit": PAST_ROWS}
        if asked.show == "signals":
            signals = self._reader.newest_signals(wanted, **chosen)
            rows, end = signal_rows(signals.rows, places), signals.end
        else:
            trades = self._reader.newest_trades(wanted, is_open=False, **chosen)
            rows, end = trade_rows(trades.rows, places), trades.end
        return part_of({"show": asked.show, "rows": rows, "end": end and f"{end.us}.{end.id}"})

    def _board(self, venues: tuple[str, ...]) -> Part:
        chosen = {"interval": self._question.interval, "rule": self._question.rule}
        self._board_of = venues, self._common.board
        board = [row for row in self._common.board if row["venue"] in venues]
        return part_of({"rows": score_rows(board, chosen)})

    def _equity(self, wanted: RecordFilter, now: int) -> Part:
        began = self._clock.monotonic()
        since = now - WINDOW_MS
        since -= since % INTERVAL_MS["1h"]  # so that it, and the version, stays for an hour
        made = part_of(equity_columns(self._reader.equity(wanted, since), since))
        ended = self._clock.monotonic()
        self._sums_due = ended + max(SUMS_EVERY_S, REST * (ended - began))
        return made
