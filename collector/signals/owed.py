"""Indicators that were not kept, or became wrong, and that no live series remembers enough to tell.

An earlier run ended before it kept them, or a candle was revised behind them. They are computed from the
stored candles, apart from the live series.
"""

from collections import deque
from collections.abc import Iterable

import structlog

from collector.clock import CLOCK
from collector.signals.instrument import Outlet
from collector.signals.memory import SignalMemory
from collector.signals.rows import indicator_row
from db.errors import StoreUnavailable
from market.indicators import IndicatorSeries
from market.indicators.columns import MOST_BARS
from market.signals import rate

log = structlog.get_logger()

AFTER_S = 5.0
"""A start has more urgent questions; it is over by then."""
RETRY_S = 2.0
MOST = 1_500
"""Closes of a series that are looked at, the newest: a day of minutes."""
READ = MOST + MOST_BARS
"""Candles that are read to compute them: the oldest of them rests on those before it."""
AT_ONCE = 5
"""Instruments that are asked for together: some 0.3 s of the database."""


class OwedIndicators:
    """For the thread of one venue's signals, while nothing waits to be written. `now`: monotonic seconds."""

    def __init__(self, venue: str, intervals: tuple[str, ...], memory: SignalMemory, outlet: Outlet) -> None:
        self._venue = venue
        self._intervals = intervals
        self._memory = memory
        self._outlet = outlet
        self._unchecked: deque[str] = deque()
        self._owing: deque[tuple[str, str, set[int]]] = deque()
        """Symbol, interval, and open times of the closes."""
        self._resume_at = 0.0

    def follow(self, symbols: Iterable[str], now: float) -> None:
        """Look at these instruments too, when their start is over, or what was revised is stored."""
        self._unchecked.extend(symbol for symbol in symbols if symbol not in self._unchecked)
        self._resume_at = now + AFTER_S

    def turn(self, now: float) -> None:
        """Make up for some, if it is time for that; a database that is away is asked again."""
        if now < self._resume_at:
            return
        try:
            if self._owing:
                self._pay(*self._owing[0])
                self._owing.popleft()
            elif self._unchecked:
                self._look()
        except StoreUnavailable as error:
            self._resume_at = now + RETRY_S
            log.warning("indicators.unread", venue=self._venue, reason=str(error))

    def _look(self) -> None:
        symbols = [self._unchecked[n] for n in range(min(AT_ONCE, len(self._unchecked)))]
        owed = self._memory.owed_closes(self._venue, symbols, self._intervals, MOST)
        for _ in symbols:
            self._unchecked.popleft()
        self._owing.extend((*series, set(open_times)) for series, open_times in owed.items())
        if owed:
            rows = sum(map(len, owed.values()))
            log.info("indicators.owed", venue=self._venue, series=len(owed), rows=rows)

    def _pay(self, symbol: str, interval: str, open_times: set[int]) -> None:
        now_ms = CLOCK.now_ms()  # before the candles are read: what is said of a revision since then holds
        past = self._memory.past(self._venue, [symbol], [interval], READ).get((symbol, interval))
        if past is None:
            return
        series = IndicatorSeries(interval, kept=READ)
        IndicatorSeries.fill([(series, past)])
        series.begins = len(past.open_time) < READ
        for close in series.since(min(open_times)):
            if close.indicators.open_time in open_times:
                row = indicator_row(self._venue, symbol, interval, close.indicators, rate(close), now_ms)
                self._outlet.add_indicators(row)
