"""Trades over a hole: from the last one that was seen, by id where the venue allows it, else the newest."""

import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from collector.backfill.jobs import HISTORY, Job
from collector.clock import CLOCK
from collector.venues import Request, RestAdapter
from market.events import Trade

MOST_PAGES = 20
MOST_WALKS = 10
"""Holes of one symbol that wait at once; a newer one takes the place of the oldest, which stays as it is."""
Done = Callable[[list[Trade], bool], None]


class Bridge(NamedTuple):
    """Trades after the last one seen, oldest first; `is_whole` if none is missing between and among them."""

    trades: list[Trade]
    is_whole: bool


def by_id(last: Trade, found: Sequence[Trade]) -> Bridge:
    """Trades whose ids count up by one: a jump is a hole."""
    chain = [last, *found]
    return Bridge(list(found), all(int(b.trade_id) == int(a.trade_id) + 1 for a, b in pairwise(chain)))


def newest(last: Trade, found: Sequence[Trade]) -> Bridge:
    """The newest trades, whose ids say nothing: whole if they reach back to the last one seen."""
    for at, trade in enumerate(found):
        if trade.trade_id == last.trade_id:
            return Bridge(list(found[at + 1 :]), is_whole=True)
    later = [trade for trade in found if trade.event_time > last.event_time]
    reaches_back = bool(found) and found[0].event_time < last.event_time
    same_time = any(trade.event_time == last.event_time for trade in found)
    return Bridge(later, reaches_back and not same_time)


class Walk:
    """The requests for one hole, one after the other; `done(trades, is_whole)` is called once."""

    def __init__(
        self,
        rest: RestAdapter,
        submit: Callable[[Job], None],
        symbol: str,
        last: Trade,
        until_ms: int,
        done: Done,
        number: int = 0,
    ) -> None:
        """`number` counts the walks of this symbol."""
        self._rest = rest
        self._submit = submit
        self._symbol = symbol
        self._last = last
        self._until_ms = until_ms
        self._done = done
        self._key = ("trades", symbol, number % MOST_WALKS)
        self._found: list[Trade] = []
        self._is_whole = True
        self._pages = 0

    def step(self, in_s: float = 0.0) -> None:
        """Ask for the next trades; after the candles of gaps, of which they are only a finer picture."""
        not_before = time.monotonic() + in_s if in_s > 0 else 0.0
        self._submit(
            Job(self._key, self._symbol, HISTORY, self._make, self._on_body, self._finish, not_before)
        )

    def _make(self) -> Request:
        return self._rest.trades_request(self._symbol, self._found[-1] if self._found else self._last)

    def _on_body(self, body: bytes) -> None:
        page = self._rest.parse_trades(body, self._symbol, CLOCK.now_ms())
        self._pages += 1
        if not self._rest.TRADES_BY_ID:
            self._take(newest(self._last, page))
            self._end()
            return
        self._take(by_id(self._found[-1] if self._found else self._last, page))
        if len(page) < self._rest.TRADES_LIMIT or page[-1].event_time >= self._until_ms:
            self._end()
        elif self._pages < MOST_PAGES:
            self.step()
        else:
            self._finish()

    def _take(self, bridge: Bridge) -> None:
        self._found += bridge.trades
        self._is_whole = self._is_whole and bridge.is_whole

    def _finish(self) -> None:
        """There will be no more."""
        self._is_whole = False
        self._end()

    def _end(self) -> None:
        self._done([t for t in self._found if t.event_time <= self._until_ms], self._is_whole)
