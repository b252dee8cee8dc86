"""What is made of one instrument's closed candles and books: indicators, signals, outcomes, paper trades."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from collector.history import WANTED
from collector.signals.flows import Flows, Volumes
from collector.signals.rows import indicator_row, outcome_row, paper_step_row, signal_row
from db.rows import IndicatorRow, OutcomeRow, PaperStepRow, SignalRow
from market.events import Kline
from market.indicators import CandleClose, ClosedIndicators, IndicatorSeries, Past, ProvisionalIndicators
from market.indicators.day import Minutes
from market.intervals import BOOK, close_of
from market.outcomes import OutcomeTracker
from market.paper import PaperDesk, PaperState, PaperTrade
from market.quotes import Quote
from market.signal_settings import SignalSettings
from market.signals import BookJudge, BookView, CandleJudge, Rating, Signal, rate

BULK = 64
"""As many closes at once are history, or a hole that was filled: their rows can wait."""


class Outlet(Protocol):
    """Where rows go that are made here."""

    @property
    def has_room(self) -> bool:
        """Whether rows that can wait may come now."""

    def add_indicators(self, row: IndicatorRow) -> None:
        """Keep what is said at a close."""

    def add_signal(self, row: SignalRow) -> None:
        """Keep a signal, and tell it."""

    def add_outcome(self, row: OutcomeRow) -> None:
        """Keep what became of a signal."""

    def add_paper_step(self, row: PaperStepRow) -> None:
        """Keep a step of paper trading."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Under which signals are made and traded: thresholds, the taker fee of one way, and intervals."""

    settings: SignalSettings
    taker_bps: float
    intervals: tuple[str, ...]


class Said:
    """What is shown of one series: the indicators, and the score of its last close."""

    __slots__ = ("indicators", "rating")

    def __init__(self, indicators: ClosedIndicators | ProvisionalIndicators, rating: Rating | None) -> None:
        self.indicators = indicators
        self.rating = rating


class InstrumentSignals:
    """One instrument. For one thread; times are the venue's, epoch ms.

    `said`: by interval, what is to be shown; `changed`: of which that is news.
    """

    def __init__(self, venue: str, symbol: str, terms: Terms, outlet: Outlet) -> None:
        self.said: dict[str, Said] = {}
        self.changed: set[str] = set()
        self.is_resumed = False
        """Whether it is known what an earlier run traded; until then nothing is traded."""
        self.is_caught_up = True
        """Whether it is known what was stored before. Until then series look as if they had just begun, and
        rows that may be wrong for it are not kept.
        """
        self.flows = Flows(terms.intervals)
        self._venue = venue
        self._symbol = symbol
        self._terms = terms
        self._outlet = outlet
        self._series = {interval: IndicatorSeries(interval) for interval in terms.intervals}
        self._judges = {
            interval: CandleJudge(symbol, interval, terms.settings) for interval in terms.intervals
        }
        self._book_judge = BookJudge(symbol, terms.settings)
        self._tracker = OutcomeTracker(terms.taker_bps)
        self._desk = PaperDesk(terms.settings, terms.taker_bps)
        self._ratings: dict[str, Rating | None] = {}
        self._forming: dict[str, Kline] = {}
        self._unstored: dict[str, tuple[int, int]] = {}
        """By interval, open times of the first and the last close whose rows are still to be kept."""
        self._step = 0

    @staticmethod
    def fill(stored: Sequence[tuple["InstrumentSignals", str, Past]], now_ms: int) -> None:
        """Begin series of instruments with the newest `WANTED` stored candles, or all there are.

        What they say of the newest is kept and shown.
        """
        IndicatorSeries.fill((one._series[interval], past) for one, interval, past in stored)
        for one, interval, past in stored:
            one._series[interval].begins = len(past.open_time) < WANTED
            if (close := one._series[interval].newest) is not None:
                one._say(interval, close, now_ms)

    def catch_up(self, klines: Iterable[Kline], now_ms: int) -> None:
        """Take the newest `WANTED` stored candles of each series, or all there are: it began without.

        What is said of the newest is kept and shown; rows that are stored already stay as they are.
        """
        stored: dict[str, list[Kline]] = {interval: [] for interval in self._series}
        for kline in klines:
            if kline.interval in stored:
                stored[kline.interval].append(kline)
        self.is_caught_up = True
        for interval, group in stored.items():
            series = self._series[interval]
            series.begins = len(group) < WANTED
            if closes := series.take(group):
                self._conclude(interval, closes[-1], now_ms, None, now_ms)
            series.is_behind = True

    def is_behind(self) -> bool:
        """Whether rows became wrong that can only be made of stored candles; says so once."""
        found = [series for series in self._series.values() if series.is_behind]
        for series in found:
            series.is_behind = False
        return bool(found)

    def resume(
        self, states: Iterable[tuple[int, PaperState]], signals: Iterable[tuple[Signal, set[int]]]
    ) -> None:
        """Go on from an earlier run: its steps of paper trading, its signals, and how far they are priced."""
        known = list(states)
        self._step = max((step for step, _ in known), default=0)
        self._desk = PaperDesk(self._terms.settings, self._terms.taker_bps, [state for _, state in known])
        self.is_resumed = True
        fired: dict[str, int] = {}
        for signal, done in signals:
            self._tracker.add(signal, done)
            if signal.interval == BOOK:
                fired[signal.rule] = max(signal.ts, fired.get(signal.rule, 0))
            elif (judge := self._judges.get(signal.interval)) is not None:
                judge.judged = max(judge.judged, signal.open_time)
        self._book_judge = BookJudge(self._symbol, self._terms.settings, fired_at=fired)
        for interval, series in self._series.items():
            if series.newest is not None:
                self._end(interval, series.newest)

    def begin_day(self, past: Minutes | None, now_ms: int) -> None:
        """Take what is stored of the day; it may be more than the series of minutes began with."""
        self.flows.begin(past)
        if self._begin_day() and (newest := self._series["1m"].newest) is not None:
            self._say("1m", newest, now_ms)

    def close(self, klines: Iterable[Kline], at: int, quote: Quote | None, now_ms: int) -> None:
        """Take closed candles of any interval, in the order they became known, at `at`; `quote`: of then."""
        known = [kline for kline in klines if kline.interval in self._series]
        for kline in known:
            self.flows.take(kline)
        by_interval = sorted(known, key=lambda kline: self._terms.intervals.index(kline.interval))
        for interval, group in groupby(by_interval, key=lambda k: k.interval):
            closes = self._take(interval, list(group))
            if len(closes) > BULK:
                self._owe(interval, closes[0].indicators.open_time, closes[-2].indicators.open_time)
                del closes[:-1]  # the others are too late for a signal
            for close in closes:
                self._conclude(interval, close, at, quote, now_ms)

    def store_past(self, now_ms: int) -> bool:
        """Keep what is said of one series' past and could wait; False where there is none."""
        if not self._unstored or not self.is_caught_up:
            return False
        interval, (first, last) = self._unstored.popitem()
        for close in self._series[interval].since(first):
            if close.indicators.open_time <= last:
                self._store(interval, close, rate(close), now_ms)
        return True

    def look(self, view: BookView, quote: Quote) -> None:
        """Take the next state of a live book, and the quote that it is."""
        for outcome in self._tracker.on_quote(quote):
            self._outlet.add_outcome(outcome_row(self._venue, outcome))
        if self.is_resumed:
            for step in self._desk.on_quote(quote):
                self._remember(step.state, step.trades)
        for signal in self._book_judge.look(view):
            self._fire(signal, self._atr())

    def lose_book(self) -> None:
        """The book is not live any more."""
        self._book_judge.lose()

    def form(self, forming: Mapping[str, Kline]) -> None:
        """Show what the indicators would be if the forming candles closed as they stand."""
        for interval, kline in forming.items():
            series = self._series.get(interval)
            if series is None or kline.is_closed or self._forming.get(interval) == kline:
                continue
            self._forming[interval] = kline
            self.flows.take(kline)
            if (found := series.provisional(kline)) is not None:
                self.said[interval] = Said(found, self._ratings.get(interval))
                self.changed.add(interval)

    def volumes(self) -> dict[str, Volumes]:
        """By interval, what is known of the volume of the candle that is shown."""
        return {name: self.flows.of(name, said.indicators.open_time) for name, said in self.said.items()}

    def _conclude(self, interval: str, close: CandleClose, at: int, quote: Quote | None, now_ms: int) -> None:
        """A close in order: what it says, positions whose time is up, signals."""
        self._say(interval, close, now_ms)
        self._end(interval, close)
        known_at = max(at, close_of(close.indicators.open_time, interval))
        for signal in self._judges[interval].judge(close, known_at, quote):
            self._fire(signal, close.indicators.atr)

    def _owe(self, interval: str, first: int, last: int) -> None:
        """Have the rows of these closes, and of those between, kept by `store_past`."""
        held = self._unstored.get(interval, (first, last))
        self._unstored[interval] = (min(first, held[0]), max(last, held[1]))

    def _take(self, interval: str, klines: list[Kline]) -> list[CandleClose]:
        """The closes that candles make. Minutes from before a series' memory may still change its day."""
        series = self._series[interval]
        closes = series.take(klines)
        told = {close.indicators.open_time for close in closes}
        changed = self._begin_day() if interval == "1m" and _may_mend(series, klines) else []
        if not changed:
            return closes
        if owed := [time for time in changed if time not in told]:
            self._owe(interval, owed[0], owed[-1])
        return [c for c in series.since(min(told)) if c.indicators.open_time in told] if told else []

    def _begin_day(self) -> list[int]:
        """Tell the series of minutes what the day was before them; open times of what that changes."""
        series = self._series.get("1m")
        if series is None or series.oldest is None:
            return []
        known = self.flows.day.before(series.oldest)
        return series.begin_day(*known) if known else []

    def _say(self, interval: str, close: CandleClose, now_ms: int) -> None:
        rating, found, series = rate(close), close.indicators, self._series[interval]
        if self.is_caught_up or series.has_run_up(found.open_time):
            self._store(interval, close, rating, now_ms)
        else:
            self._owe(interval, found.open_time, found.open_time)
        newest = series.newest
        if newest is not None and newest.indicators.open_time == found.open_time:
            self._ratings[interval] = rating
            self._forming.pop(interval, None)
            self.said[interval] = Said(found, rating)
            self.changed.add(interval)

    def _store(self, interval: str, close: CandleClose, rating: Rating | None, now_ms: int) -> None:
        row = indicator_row(self._venue, self._symbol, interval, close.indicators, rating, now_ms)
        self._outlet.add_indicators(row)

    def _end(self, interval: str, close: CandleClose) -> None:
        if self.is_resumed:
            for state in self._desk.on_close(interval, close_of(close.indicators.open_time, interval) + 1):
                self._remember(state, [])

    def _fire(self, signal: Signal, atr: float | None) -> None:
        self._outlet.add_signal(signal_row(self._venue, signal))
        self._tracker.add(signal)
        if self.is_resumed:
            self._remember(self._desk.on_signal(signal, atr), [])

    def _atr(self) -> float | None:
        """Of the shortest interval; None where it may not be relied on."""
        newest = self._series[self._terms.intervals[0]].newest
        return None if newest is None or newest.indicators.reason else newest.indicators.atr

    def _remember(self, state: PaperState, trades: list[PaperTrade]) -> None:
        """Steps are numbered by our clock, and rise also where that is set back."""
        self._step = max(self._step + 1, time.time_ns() // 1000)
        self._outlet.add_paper_step(paper_step_row(self._venue, self._symbol, state, trades, self._step))


def _may_mend(series: IndicatorSeries, klines: Sequence[Kline]) -> bool:
    """Whether these may tell of the day before the oldest candle: they are older, or it was not known."""
    newest, oldest = series.newest, series.oldest
    if newest is None or oldest is None:
        return False
    return newest.indicators.vwap is None or any(kline.open_time < oldest for kline in klines)
