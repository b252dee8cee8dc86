"""What comes with instruments that this worker takes: candles and tickers, open gaps, and what was missed.

At a start they are those of an earlier run; later those of another worker, which stopped, died, or has
fewer from now on. Reading waits for Postgres, so all of this has a thread of its own.
"""

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol, TypeVar

import structlog

from collector.clock import CLOCK
from collector.feed import Feed
from collector.history import Stored
from collector.leases.leases import HAND_OVER_S, LEAVING_ROUND_S
from collector.leases.share import GRACE_S
from collector.pipeline import Pipeline
from collector.signals import SignalMemory
from db.errors import StoreUnavailable
from db.history.screening import END_OF_TIME
from db.rows import GapRow, TickerRow
from market.events import Kline

log = structlog.get_logger()

PROVEN_WITHIN_S = min(GRACE_S, HAND_OVER_S - LEAVING_ROUND_S) - 0.5
"""Who hands instruments over goes on for a while after they were taken, and a little less if it is to stop;
what gives no datum here before that is missed in between."""
CHECK_EVERY_S = 0.1
FIRST_WITHIN_S = 3.0
"""What was read at the start tells of what is taken right then, and of nothing later."""
KLINES = 32
AGAIN_S = 5.0
LOOK_EVERY_S = 20.0
"""For gaps that last in the database and that nobody has: another worker left them a moment too late."""
REPAIRED_WITHIN_MS = 86_400_000
"""Gaps that began so long before are looked at again."""
CLOCKS_APART_MS = 2_000
"""What is told of the time before a start may lie so much before it: the venue's clock is not ours."""


Found = TypeVar("Found")


class Memory(SignalMemory, Protocol):
    """What the database remembers of a venue. Every call may raise StoreUnavailable."""

    def tickers(self) -> list[TickerRow]:
        """Last known tickers of all venues."""

    def newest_klines(self, venue: str, symbols: Sequence[str], per_series: int) -> list[Kline]:
        """The newest closed candles of these symbols, of every interval."""

    def stored_klines(self, venue: str, since: Mapping[str, int]) -> dict[tuple[str, str], Stored]:
        """What is held, by (symbol, interval), from `since[interval]` on."""

    def open_gaps(self, venue: str) -> list[GapRow]:
        """The gaps of a venue that last."""

    def unrepaired_gaps(self, venue: str, since: int) -> list[GapRow]:
        """The gaps of candles that began since then, are over, and of which no repair is known."""

    def last_seen(self, venue: str, before: int) -> dict[str, int]:
        """Symbol -> epoch ms of the last sign of it before that, by the venue's clock."""


class Missed(NamedTuple):
    """What the ledger and the rows tell of a venue before this worker."""

    held: list[GapRow]
    last_seen: dict[str, int]
    unrepaired: list[GapRow]
    """What was over, and whose candles an ended run may have had without a word."""


class _Taken(NamedTuple):
    symbols: Sequence[str]
    is_orphaned: bool
    at: int
    """Epoch ms."""
    prove_by: float = math.inf
    """When data of them must have come, monotonic."""


class Heritage:
    """Reads what is remembered of instruments that are taken, and hands it on."""

    def __init__(
        self,
        memory: Memory,
        pipeline: Pipeline,
        feed: Feed,
        *,
        begin: Callable[[Sequence[str]], None],
        ask_history: Callable[[Sequence[str]], None],
        repair: Callable[[GapRow], None],
        wait_shown: Callable[[], object],
    ) -> None:
        """`begin(symbols)` has orphaned ones followed, of which no row may come before it is known what is
        missed; `ask_history(symbols)` asks REST for the candles that the database lacks; `repair(row)` has
        what a gap took asked for, and the ledger told;
        `wait_shown()` waits for what people see first, and not for long.
        """
        self.is_read = threading.Event()
        """Set when the first reading is over: rows of this run are to come later than that."""
        self._name = pipeline.name
        self._memory = memory
        self._pipeline = pipeline
        self._feed = feed
        self._begin = begin
        self._ask_history = ask_history
        self._repair = repair
        self._wait_shown = wait_shown
        self._taken: queue.Queue[_Taken | None] = queue.Queue()
        self._handed_over: list[tuple[float, Sequence[str]]] = []
        self._unread: list[_Taken] = []
        """What was taken while the database could not tell what was missed of it."""
        self._again_at = 0.0
        self._look_at = 0.0
        self._lasting: set[GapRow] = set()
        """The gaps that lasted when they were last looked for."""
        self._thread = threading.Thread(target=self._run, name=f"heritage-{self._name}", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Begin to end; returns at once."""
        self._taken.put(None)

    def on_taken(self, symbols: Sequence[str], *, is_orphaned: bool, taken_at: float) -> None:
        """These are this worker's, since `taken_at` (monotonic). `is_orphaned`: nobody follows them now."""
        now_ms = CLOCK.now_ms()
        self._taken.put(_Taken(symbols, is_orphaned, now_ms, taken_at + PROVEN_WITHIN_S))

    def recall(self, symbols: Sequence[str]) -> None:
        """Take what the database remembers, so that nothing starts empty that need not."""
        wanted = set(symbols)
        try:
            self._pipeline.remember(row for row in self._memory.tickers() if row.symbol in wanted)
            self._wait_shown()
            stored = self._memory.newest_klines(self._name, symbols, KLINES)
            self._pipeline.on_history(stored, is_stored=True)
        except StoreUnavailable as error:
            log.warning("history.unread", venue=self._name, reason=str(error))

    def _remember(self) -> None:
        """Know the last tickers before any datum comes: what a book comes before would be forgotten."""
        try:
            self._pipeline.remember(self._memory.tickers())
        except StoreUnavailable as error:
            log.warning("tickers.unread", venue=self._name, reason=str(error))

    def _run(self) -> None:
        self._remember()
        missed, read_at = self._read(), time.monotonic()
        self.is_read.set()
        while True:
            try:
                is_waiting = self._handed_over or self._unread
                taken = self._taken.get(timeout=CHECK_EVERY_S if is_waiting else LOOK_EVERY_S)
                if taken is None:
                    return
                self._take(taken, missed if time.monotonic() - read_at < FIRST_WITHIN_S else None)
            except queue.Empty:
                self._check_handed_over(time.monotonic())
                self._read_again(time.monotonic())
                self._look_for_left(time.monotonic())
            except Exception:
                log.exception("heritage.failed", venue=self._name)
            missed = None

    def _read(self, before: int = END_OF_TIME) -> Missed | None:
        return self._asked(
            lambda: Missed(
                self._memory.open_gaps(self._name),
                self._memory.last_seen(self._name, before),
                self._memory.unrepaired_gaps(self._name, CLOCK.now_ms() - REPAIRED_WITHIN_MS),
            )
        )

    def _asked(self, ask: Callable[[], Found]) -> Found | None:
        """What the ledger or the rows tell; None where the database does not answer."""
        try:
            return ask()
        except StoreUnavailable as error:
            log.warning("gaps.unread", venue=self._name, reason=str(error))
            return None

    def _take(self, taken: _Taken, missed: Missed | None) -> None:
        missed = missed or self._read()
        if taken.is_orphaned:
            self._begin(taken.symbols)
        if missed is not None:
            seen = missed.last_seen if taken.is_orphaned else {}
            self._miss(taken.symbols, missed.held, seen)
        else:
            self._unread.append(taken)
        if not taken.is_orphaned:
            self._handed_over.append((taken.prove_by, taken.symbols))
        self._have_candles(taken.symbols, missed)

    def _read_again(self, now: float) -> None:
        """What the database could not tell when these were taken, as of then."""
        while self._unread and now >= self._again_at:
            taken = self._unread[0]
            missed = self._read(taken.at - CLOCKS_APART_MS)
            if missed is None:
                self._again_at = now + AGAIN_S
                return
            del self._unread[0]
            self._miss(taken.symbols, missed.held, missed.last_seen if taken.is_orphaned else {})
            self._have_candles(taken.symbols, missed)

    def _have_candles(self, symbols: Sequence[str], missed: Missed | None) -> None:
        """What is stored first, for all else is judged by it: gaps to repair, and what to ask REST for."""
        self.recall(symbols)
        wanted = set(symbols)
        for row in missed.unrepaired if missed is not None else ():
            if row.symbol in wanted:
                self._repair(row)
        self._ask_history(symbols)

    def _check_handed_over(self, now: float) -> None:
        """What was handed over and gives no datum in time is missed since its last sign."""
        due = [it for it in self._handed_over if it[0] <= now]
        self._handed_over = [it for it in self._handed_over if it[0] > now]
        for prove_by, symbols in due:
            late, came_at = self._feed.late(symbols, prove_by)
            ask = partial(self._memory.last_seen, self._name, came_at or END_OF_TIME)
            if late and (seen := self._asked(ask)) is not None:
                self._miss(sorted(late), [], seen)

    def _look_for_left(self, now: float) -> None:
        """Go on with gaps of what is followed here that were left open, at the last look too."""
        if now < self._look_at:
            return
        self._look_at = now + LOOK_EVERY_S
        found = self._asked(lambda: self._memory.open_gaps(self._name))
        if found is None:
            return
        before, self._lasting = self._lasting, set(found)
        if left := before & self._lasting:
            self._feed.resume(sorted(left), {})

    def _miss(self, symbols: Sequence[str], held: Sequence[GapRow], last_seen: Mapping[str, int]) -> None:
        wanted = set(symbols)
        self._feed.resume(
            [row for row in held if row.symbol in wanted],
            {symbol: at for symbol, at in last_seen.items() if symbol in wanted},
        )
