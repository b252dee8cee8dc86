"""Lists of trades on their way to Redis: usually what is new of them, the whole list where it may be lost."""

from collections.abc import Callable, Iterator

from collector import render
from collector.floors import Floors
from collector.tape import Tape
from db.hot import keys
from db.hot.batch import Fence
from db.hot.writer import HotWriter, Sent
from market.events import Trade

AT_ONCE = 20
"""Whole lists that are sent together: some 300 kB."""


class Tapes:
    """Of one publisher, whose thread calls it. `keep(key, now)` lets a key live longer."""

    def __init__(self, writer: HotWriter, floors: Floors, keep: Callable[[str, float], None]) -> None:
        self._writer = writer
        self._floors = floors
        self._keep = keep
        self._whole: dict[str, tuple[list[Trade], Fence | None]] = {}

    def collect(self, key: str, tape: Tape, now: float, fence: Fence | None) -> None:
        """Take what has to go there, what is new with this round. The caller holds the pipeline's lock."""
        if tape.is_lost and (trades := tape.take_all()):
            self._whole[key] = trades, fence
        elif tape.new:
            for trade in tape.take_new():
                if self._floors.is_new(key, trade):
                    self._writer.append(key, render.trade_fields(trade), keys.TRADES_LENGTH, fence)
                    self._keep(key, now)

    def send_whole(self, now: float) -> Iterator[Sent]:
        """Send the whole lists, a few at a time, each within the time that Redis has to answer.

        Raises StoreUnavailable; then all lists are taken for lost again.
        """
        lists, self._whole = list(self._whole.items()), {}
        for at in range(0, len(lists), AT_ONCE):
            for key, (trades, fence) in lists[at : at + AT_ONCE]:
                entries = [render.trade_fields(trade) for trade in trades]
                self._writer.append_missing(key, "trade_id", entries, keys.TRADES_LENGTH, fence)
                self._keep(key, now)
            yield self._writer.send()

    def forget(self) -> None:
        """All lists are taken for lost again."""
        self._whole = {}
