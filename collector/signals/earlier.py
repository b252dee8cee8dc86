"""What earlier runs left, handed to the instruments of a venue as the database gives it.

Candles first, without which nothing is shown; then what was traded and the day so far; at last, when a start
is over, the indicators that a run did not come to keep. A database that is away is asked again.
"""

from collections import deque
from collections.abc import Mapping

import structlog

from collector.clock import CLOCK
from collector.signals.instrument import InstrumentSignals
from collector.signals.memory import Left, SignalMemory, left_of
from db.errors import StoreUnavailable
from market.indicators.arrays import DAY_MS

log = structlog.get_logger()

RETRY_S = 2.0
"""How often a database that did not answer is asked again."""
LOOK_BACK_AFTER_S = 5.0
"""When it is asked for closes without indicators: a start has more urgent questions."""
LOOK_BACK_AT = 10
"""Instruments of which that is asked at once: some 20 ms."""


class EarlierRuns:
    """For the thread of one venue's signals. `now`: monotonic seconds."""

    def __init__(self, venue: str, intervals: tuple[str, ...], memory: SignalMemory) -> None:
        self._venue = venue
        self._intervals = intervals
        self._memory = memory
        self._resume_at = 0.0
        self._look_back_at = 0.0
        self._unchecked: deque[str] = deque()
        """Instruments that may have closes without indicators."""

    def fill(self, made: Mapping[str, InstrumentSignals], now: float) -> None:
        """Fill the series of new instruments; without the database they begin empty."""
        try:
            past = self._memory.past(self._venue, list(made), self._intervals)
        except StoreUnavailable as error:
            log.warning("history.unread", venue=self._venue, reason=str(error))
            past = {}
        InstrumentSignals.fill(
            [(made[symbol], interval, each) for (symbol, interval), each in past.items()], CLOCK.now_ms()
        )
        self._unchecked.extend(made)
        self._resume_at, self._look_back_at = 0.0, now + LOOK_BACK_AFTER_S

    def hand_over(self, instruments: Mapping[str, InstrumentSignals], now: float, *, has_room: bool) -> None:
        """What instruments still lack, as far as it is time for it; `has_room`: for rows that can wait."""
        if now >= self._resume_at and not all(i.is_resumed for i in instruments.values()):
            self._resume(instruments, now)
            self._read_day(instruments)
        if has_room and self._unchecked and now >= self._look_back_at:
            self._look_back(instruments, now)

    def _resume(self, instruments: Mapping[str, InstrumentSignals], now: float) -> None:
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
            instruments[symbol].flows.begin(stored.get(symbol))

    def _look_back(self, instruments: Mapping[str, InstrumentSignals], now: float) -> None:
        """Have indicators stored that a run owed when it ended: candles are kept before them."""
        symbols = [self._unchecked.popleft() for _ in range(min(LOOK_BACK_AT, len(self._unchecked)))]
        try:
            owed = self._memory.closes_without_indicators(self._venue, symbols, self._intervals)
        except StoreUnavailable as error:
            self._unchecked.extend(symbols)
            self._look_back_at = now + RETRY_S
            log.warning("indicators.unread", venue=self._venue, reason=str(error))
            return
        for (symbol, interval), open_times in owed.items():
            if symbol in instruments:
                instruments[symbol].owe(interval, open_times)
        if owed:
            rows = sum(map(len, owed.values()))
            log.info("indicators.owed", venue=self._venue, series=len(owed), rows=rows)
