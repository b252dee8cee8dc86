"""One instrument's order book: its levels, and where in the venue's sequence it stands.

Floats: the venue's own decimal text is the key's source, so equal prices are equal floats. How each venue
keeps its book whole is in `market.book_rules`.
"""

from bisect import bisect_left, insort

from market.events import BookDelta, BookSnapshot, Levels

SERVED_LEVELS = 20
"""Of each side, what readers get."""


class Side:
    """The levels of one side: sizes by price, and the prices in ascending order."""

    __slots__ = ("prices", "sizes")

    def __init__(self) -> None:
        self.sizes: dict[float, float] = {}
        self.prices: list[float] = []

    def replace(self, levels: Levels) -> None:
        """Take `levels` as the whole side."""
        self.sizes = {price: size for price, size in dict(levels).items() if size > 0}
        self.prices = sorted(self.sizes)

    def apply(self, changes: Levels, floor: float, ceiling: float) -> None:
        """Set or (size 0) delete levels; none outside [floor, ceiling] is taken in."""
        sizes, prices = self.sizes, self.prices
        for price, size in changes:
            if size > 0:
                if price in sizes:
                    sizes[price] = size
                elif floor <= price <= ceiling:
                    sizes[price] = size
                    insort(prices, price)
            elif price in sizes:
                del sizes[price]
                del prices[bisect_left(prices, price)]

    def drop(self, price: float) -> None:
        """Delete one level that is held."""
        del self.sizes[price]
        del self.prices[bisect_left(self.prices, price)]


class Book:
    """Both sides and where in the venue's sequence they stand."""

    __slots__ = ("asks", "bids", "event_time", "is_live", "recv_time", "sequence", "update_id")

    def __init__(self) -> None:
        self.bids = Side()
        self.asks = Side()
        self.update_id = 0
        self.sequence: int | None = None
        """Of the last event, where the venue has one that goes on over a restart of its service."""
        self.event_time = 0
        self.recv_time = 0
        self.is_live = False

    @property
    def is_crossed(self) -> bool:
        """Whether the best bid is at or above the best ask, which no real book is."""
        bids, asks = self.bids.prices, self.asks.prices
        return bool(bids and asks and bids[-1] >= asks[0])

    def top(self) -> tuple[float | None, float | None, float | None, float | None]:
        """Best bid price and size, best ask price and size; None where a side is empty."""
        bids, asks = self.bids, self.asks
        bid = bids.prices[-1] if bids.prices else None
        ask = asks.prices[0] if asks.prices else None
        return (
            bid,
            None if bid is None else bids.sizes[bid],
            ask,
            None if ask is None else asks.sizes[ask],
        )

    def best(self, count: int) -> tuple[Levels, Levels]:
        """The best `count` levels of bids and asks, best first."""
        bids, asks = self.bids, self.asks
        return (
            [(price, bids.sizes[price]) for price in reversed(bids.prices[-count:])],
            [(price, asks.sizes[price]) for price in asks.prices[:count]],
        )

    def replace(self, snapshot: BookSnapshot) -> None:
        """Take a snapshot as the whole book."""
        self.bids.replace(snapshot.bids)
        self.asks.replace(snapshot.asks)
        self._stamp(snapshot)
        self.is_live = True

    def apply(self, delta: BookDelta, floor: float = 0.0, ceiling: float = float("inf")) -> None:
        """Take the next delta; bids below `floor` and asks above `ceiling` are not ours to know."""
        self.bids.apply(delta.bids, floor, float("inf"))
        self.asks.apply(delta.asks, 0.0, ceiling)
        self._stamp(delta)

    def _stamp(self, event: BookSnapshot | BookDelta) -> None:
        self.update_id = event.update_id
        self.sequence = event.sequence
        self.event_time = event.event_time
        self.recv_time = event.recv_time
