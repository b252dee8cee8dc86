"""Trades whose ids rise by one, and what their runs prove (market.received)."""

from bisect import bisect_right
from collections.abc import Sequence

from market.events import Trade

MAX_RUNS = 256
"""Unbroken runs of ids kept; only a venue that loses ids all the time has more, and then the oldest go."""

COUNTED = 10
"""Ids in a row that show that this source's do rise by one; before that a jump says nothing."""


class _Run:
    """Ids first..last without a hole, and the stretch of time they prove."""

    __slots__ = ("first", "last", "start", "until")

    def __init__(self, number: int, time: int) -> None:
        self.first = self.last = number
        self.start, self.until = time + 1, time


class NumberedTrades:
    """Trades whose ids rise by one (Binance's aggregate ids): a jump is a loss, even on a quiet connection,
    and ids that join prove that nothing was lost, even across a reconnect."""

    def __init__(self) -> None:
        self.live_since: int | None = None
        self._runs: list[_Run] = []
        self._newest: _Run | None = None
        """The run the stream extends; None after an interruption."""
        self._floor = -1

    def misses_before(self, trade: Trade) -> bool:
        newest = self._newest
        if newest is None or int(trade.trade_id) <= newest.last + 1:
            return False
        return any(run.last - run.first >= COUNTED for run in self._runs)

    def take(self, trade: Trade) -> int:
        number, run = int(trade.trade_id), self._newest
        if run is not None and number == run.last + 1:
            run.last = number
            if trade.event_time > run.until:
                run.until = trade.event_time
            return number
        return self._take_live(number, trade.event_time)

    def take_old(self, trade: Trade) -> int:
        return self._insert(int(trade.trade_id), trade.event_time)

    def cover(self, trades: Sequence[Trade], start: int, until: int) -> None:  # noqa: ARG002  (ids tell it)
        run = self._run_of(int(trades[-1].trade_id)) if trades else None
        if run is not None:
            run.until = max(run.until, until)

    def interrupt(self) -> None:
        self.live_since = self._newest = None

    def covers(self, start: int, until: int) -> bool:
        return any(run.start <= start and until <= run.until for run in self._runs)

    def forget(self, before: int) -> None:
        while len(self._runs) > 1 and (self._runs[0].until < before or len(self._runs) > MAX_RUNS):
            self._floor = self._runs.pop(0).last

    def _take_live(self, number: int, time: int) -> int:
        """A trade that does not follow on the one before: a repeat, a late one, or the first after a loss."""
        if self.live_since is None:
            self.live_since = time + 1
        order = self._insert(number, time)
        self._newest = self._runs[-1] if self._runs else None
        return order

    def _insert(self, number: int, time: int) -> int:
        if number <= self._floor:
            return -1
        at = bisect_right(self._runs, number, key=lambda run: run.first)
        before = self._runs[at - 1] if at else None
        if before is not None and number <= before.last:
            return -1
        if before is not None and number == before.last + 1:
            before.last, before.until = number, max(before.until, time)
        else:
            before = _Run(number, time)
            self._runs.insert(at, before)
            at += 1
        if at < len(self._runs) and self._runs[at].first == number + 1:
            after = self._runs.pop(at)
            before.last, before.until = after.last, max(before.until, after.until)
            if self._newest is after:
                self._newest = before
        return number

    def _run_of(self, number: int) -> _Run | None:
        at = bisect_right(self._runs, number, key=lambda run: run.first)
        found = self._runs[at - 1] if at else None
        return found if found is not None and number <= found.last else None
