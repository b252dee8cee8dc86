"""What an earlier run left, as signals need it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from collector.signals.rows import signal_of
from db.rows import SignalRow
from market.events import Kline
from market.indicators import Past
from market.indicators.day import Minutes
from market.paper import PaperState
from market.signals import Signal

LOOK_BACK_MS = 2 * 3_600_000
"""Signals this old may have horizons that are not there yet, and some time to spare."""


class SignalMemory(Protocol):
    """What the database remembers. Every call may raise StoreUnavailable."""

    def past(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> Mapping[tuple[str, str], Past]:
        """(symbol, interval) -> the newest `most` closed candles, ascending."""

    def newest_klines(self, venue: str, symbols: Sequence[str], per_series: int) -> list[Kline]:
        """The newest closed candles of these symbols, of every interval."""

    def owed_closes(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> Mapping[tuple[str, str], Sequence[int]]:
        """(symbol, interval) -> open times of closes without indicators, or with some that rest on a candle
        before it was revised, among the newest `most`."""

    def minutes(self, venue: str, symbols: Sequence[str], since: int) -> Mapping[str, Minutes]:
        """Symbol -> its closed 1m candles from epoch ms `since` on."""

    def paper_states(self, venue: str) -> list[tuple[str, int, dict[str, Any]]]:
        """(symbol, step, state) of all that paper trading has to remember."""

    def recent_signals(self, venue: str, since: int) -> list[tuple[SignalRow, set[int]]]:
        """A venue's signals from epoch ms `since` on, and the horizons of each that are priced already."""


class Left(NamedTuple):
    """What an earlier run left of one instrument."""

    states: list[tuple[int, PaperState]]
    signals: list[tuple[Signal, set[int]]]


def left_of(memory: SignalMemory, venue: str, now_ms: int) -> dict[str, Left]:
    """Symbol -> what an earlier run left of it. Raises StoreUnavailable."""
    found: dict[str, Left] = {}
    for symbol, step, state in memory.paper_states(venue):
        known = msgspec.convert(state, PaperState)
        found.setdefault(symbol, Left([], [])).states.append((step, known))
    for row, done in memory.recent_signals(venue, now_ms - LOOK_BACK_MS):
        found.setdefault(row.symbol, Left([], [])).signals.append((signal_of(row), done))
    return found
