"""What takers did, and order-flow imbalance per interval of venue time out of changes of the best levels."""

from typing import NamedTuple

import msgspec

from market.intervals import open_of
from market.measures import order_flow
from market.ticks import Best


class TakerVolume(NamedTuple):
    """What takers bought and what they sold, in base."""

    bought: float
    sold: float

    @property
    def delta(self) -> float:
        """Bought less sold: what an interval adds to CVD."""
        return self.bought - self.sold


def taker_volume(volume: float, bought: float | None) -> TakerVolume | None:
    """The two sides of a volume; None where it is not known who took."""
    return None if bought is None else TakerVolume(bought, max(0.0, volume - bought))


class FlowBar(msgspec.Struct, frozen=True, gc=False):
    """Σ of market.measures.order_flow over one interval, in base; ``is_whole``: nothing of it was missed."""

    open_time: int
    order_flow: float
    is_whole: bool


class OrderFlow:
    """Adds up one instrument's changes of best price and size; an interval ends when a later one begins.

    Changes come once, in the order of the stream; one that is late by its time counts where we are. An
    interval in which nothing changed has no bar.
    """

    __slots__ = ("_best", "_interval", "_is_lost", "_is_whole", "_open_time", "_sum")

    def __init__(self, interval: str) -> None:
        self._interval = interval
        self._best: Best | None = None
        self._open_time = -1
        self._sum = 0.0
        self._is_whole = False
        self._is_lost = True

    @property
    def forming(self) -> FlowBar | None:
        """The interval that is not over; None before the first change."""
        return None if self._open_time < 0 else FlowBar(self._open_time, self._sum, self._is_whole)

    def on_best(self, best: Best, event_time: int) -> FlowBar | None:
        """Take the best levels as they are now; the interval that ended by it, if one did."""
        if self._is_lost:
            self._is_whole = False
        open_time, ended = open_of(event_time, self._interval), None
        if open_time > self._open_time:
            ended = self.forming
            self._open_time, self._sum, self._is_whole = open_time, 0.0, not self._is_lost
        if self._best is not None:
            self._sum += order_flow(self._best, best)
        self._best, self._is_lost = best, False
        return ended

    def lose(self) -> None:
        """Changes may be missing: the interval is not whole, and no flow is made up across the gap."""
        self._best, self._is_lost = None, True
