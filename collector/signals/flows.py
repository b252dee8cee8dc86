"""What takers bought and sold, what rested near mid, and how the best levels moved: of one instrument.

Looked at, not followed: order flow is of the looks at the book, and depth of one look a second.
"""

from collections.abc import Iterable
from typing import NamedTuple

from market.events import Kline, Levels
from market.indicators.day import DayTotals, Minutes
from market.measures import Depth, depth_within
from market.order_flow import FlowBar, OrderFlow, TakerVolume, taker_volume
from market.ticks import Best

DEPTHS_BPS = (10, 50)
LEVELS = 200
"""So many a side are looked at; where they end before the distance, depth is told not to be whole."""


class Volumes(NamedTuple):
    """Of one candle: what takers did, and order-flow imbalance; None where it is not known."""

    taker: TakerVolume | None = None
    order_flow: float | None = None


class Flows:
    """One instrument, for one thread; times are the venue's."""

    __slots__ = ("_bars", "_ended", "_takers", "changed", "day", "depths", "has_day")

    def __init__(self, intervals: Iterable[str]) -> None:
        self.day = DayTotals()
        self.has_day = False
        """Whether it was asked what is stored of the day."""
        self.depths: tuple[Depth | None, ...] = (None,) * len(DEPTHS_BPS)
        self.changed = False
        """Whether depth or the day is news."""
        self._bars = {interval: OrderFlow(interval) for interval in intervals}
        self._ended: dict[str, FlowBar] = {}
        self._takers: dict[str, tuple[int, TakerVolume | None]] = {}

    def take(self, kline: Kline) -> None:
        """Take a candle, forming or closed."""
        if kline.is_closed and kline.interval == "1m":
            self.day.take(kline)
            self.changed = True
        if kline.open_time >= self._takers.get(kline.interval, (0, None))[0]:
            known = taker_volume(kline.volume, kline.taker_buy_volume) if kline.complete else None
            self._takers[kline.interval] = (kline.open_time, known)

    def look(self, best: Best, time: int) -> None:
        """Take the best levels of a live book."""
        for interval, bars in self._bars.items():
            if (ended := bars.on_best(best, time)) is not None:
                self._ended[interval] = ended

    def lose(self) -> None:
        """The book is not live any more."""
        self._set_depths((None,) * len(DEPTHS_BPS))
        for bars in self._bars.values():
            bars.lose()

    def deepen(self, bids: Levels, asks: Levels) -> None:
        """Take the levels of a live book, best first."""
        self._set_depths(tuple(depth_within(bids, asks, bps) for bps in DEPTHS_BPS))

    def begin(self, past: Minutes | None) -> None:
        """Take what is stored of the day."""
        self.has_day = True
        if past is not None:
            self.day.fill(past)
            self.changed = True

    def of(self, interval: str, open_time: int) -> Volumes:
        """What is known of the candle of an interval that is shown."""
        at, taker = self._takers.get(interval, (-1, None))
        bars = (self._bars[interval].forming, self._ended.get(interval))
        flow = next((b.order_flow for b in bars if b and b.is_whole and b.open_time == open_time), None)
        return Volumes(taker if at == open_time else None, flow)

    def _set_depths(self, depths: tuple[Depth | None, ...]) -> None:
        self.changed = self.changed or depths != self.depths
        self.depths = depths
