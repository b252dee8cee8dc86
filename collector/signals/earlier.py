"""What earlier runs left, handed to the instruments of a venue as the database gives it.

Candles first, without which nothing is shown; then what was traded, and the day so far. A database that is
away is asked again.
"""

from collections.abc import Mapping
from itertools import groupby
from operator import attrgetter

import structlog

from collector.clock import CLOCK
from collector.history import WANTED
from collector.signals.instrument import InstrumentSignals
from collector.signals.memory import Left, SignalMemory, left_of
from db.errors import StoreUnavailable
from market.intervals import DAY_MS

log = structlog.get_logger()

_symbol_of = attrgetter("symbol")
RETRY_S = 2.0
"""How often a database that did not answer is asked again."""


class EarlierRuns:
    """For the thread of one venue's signals. `now`: monotonic seconds."""

    def __init__(self, venue: str, intervals: tuple[str, ...], memory: SignalMemory) -> None:
        self._venue = venue
        self._intervals = intervals
        self._memory = memory
        self._resume_at = self._read_at = 0.0
        self._unread: set[str] = set()
        """Instruments whose candles could not be read yet."""

    def fill(self, made: Mapping[str, InstrumentSignals], now: float) -> None:
        """Fill the series of new instruments; without the database they begin empty, and get it later."""
        try:
            past = self._memory.past(self._venue, list(made), self._intervals, WANTED)
        except StoreUnavailable as error:
            log.warning("history.unread", venue=self._venue, reason=str(error))
            past = {}
            for instrument in made.values():
                instrument.is_caught_up = False
            self._unread |= made.keys()
            self._read_at = now + RETRY_S
        InstrumentSignals.fill(
            [(made[symbol], interval, each) for (symbol, interval), each in past.items()], CLOCK.now_ms()
        )
        self._resume_at = 0.0

    def catch_up(self, instruments: Mapping[str, InstrumentSignals], now: float) -> None:
        """Give series that began empty what the database holds, once it answers."""
        if not self._unread or now < self._read_at:
            return
        self._read_at = now + RETRY_S
        symbols = [symbol for symbol in self._unread if symbol in instruments]
        try:
            klines = self._memory.newest_klines(self._venue, symbols, WANTED) if symbols else []
        except StoreUnavailable:
            return  # said already
        self._unread.clear()
        now_ms = CLOCK.now_ms()
        stored = {
            symbol: list(group) for symbol, group in groupby(sorted(klines, key=_symbol_of), _symbol_of)
        }
        for symbol in symbols:
            instruments[symbol].catch_up(stored.get(symbol, []), now_ms)

    def resume(self, instruments: Mapping[str, InstrumentSignals], now: float) -> None:
        """Tell instruments what was traded and what the day was, once it is known."""
        if now >= self._resume_at and not all(i.is_resumed for i in instruments.values()):
            self._read_trading(instruments, now)
            self._read_day(instruments)

    def _read_trading(self, instruments: Mapping[str, InstrumentSignals], now: float) -> None:
        """Go on with what was traded; until that is known nothing is."""
        try:
            left = left_of(self._memory, self._venue, CLOCK.now_ms())
        except StoreUnavailable as error:
            self._resume_at = now + RETRY_S
            log.warning("signals.unread", venue=self._venue, reason=str(error))
            return
        for symbol, instrument in instruments.items():
            if not instrument.is_resumed:
                instrument.resume(*left.get(symbol, Left([], [])))

    def _read_day(self, instruments: Mapping[str, InstrumentSignals]) -> None:
        """Take what is stored of the day, for what adds up over it; what cannot be read stays missing."""
        lacking = [symbol for symbol, i in instruments.items() if not i.flows.has_day]
        since = CLOCK.now_ms() // DAY_MS * DAY_MS
        try:
            stored = self._memory.minutes(self._venue, lacking, since) if lacking else {}
        except StoreUnavailable as error:
            log.warning("day.unread", venue=self._venue, reason=str(error))
            return
        for symbol in lacking:
            instruments[symbol].begin_day(stored.get(symbol), CLOCK.now_ms())
