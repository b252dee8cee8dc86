"""The strips of the Symbol page: best bid and ask, spread and imbalance over time, held as numbers. Pure."""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

from app.symbol_view import Digits, Values, rounded
from db.rows import TickRow
from market.measures import imbalance, spread_bps

_NAMES = ("bid", "ask", "spread_bps", "imbalance")
_MISSING = float("nan")
"""JSON has it as null."""


class Strips:
    """Changes of the top, ascending: 25 kB for 600 of them, a sixth of what the rows take."""

    def __init__(self) -> None:
        self._times = array("q")
        self._columns = [array("d") for _ in _NAMES]

    def extend(self, ticks: Sequence[TickRow], digits: Digits, *, begin: int, start: int) -> None:
        """Hold these from `start` on, instead of what was held there; nothing before `begin` stays."""
        kept = slice(bisect_left(self._times, begin), bisect_left(self._times, start))
        points = [_point(tick, digits) for tick in ticks]
        self._times = self._times[kept] + array("q", [tick.ts for tick in ticks])
        self._columns = [
            column[kept] + array("d", [point[i] for point in points])
            for i, column in enumerate(self._columns)
        ]

    def columns(self, start: int, until: int) -> Values:
        """All there is to show in [start, until), epoch ms."""
        first = bisect_left(self._times, start)
        named = zip(_NAMES, self._columns, strict=True)
        found: Values = {"from": start, "until": until, "ts": list(self._times[first:])}
        return found | {name: list(column[first:]) for name, column in named}


def _point(tick: TickRow, digits: Digits) -> list[float]:
    values = (
        rounded(tick.bid_price, digits.price),
        rounded(tick.ask_price, digits.price),
        rounded(spread_bps(tick.bid_price, tick.ask_price), 3),
        rounded(imbalance(tick.bid_size, tick.ask_size), 3),
    )
    return [_MISSING if value is None else value for value in values]
