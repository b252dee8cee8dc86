"""What the player knows of the recorded market: books, tickers, and the steps of price and size."""

from collections.abc import Iterable, Sequence
from heapq import nlargest, nsmallest
from math import gcd

import msgspec

from collector.simulator.economy.coins import Listing
from collector.simulator.rest import BookView

Levels = list[tuple[str, str]]


class _BybitBookData(msgspec.Struct):
    b: Levels
    a: Levels
    u: int
    seq: int


class BybitBookFrame(msgspec.Struct):
    """An orderbook message."""

    type: str
    data: _BybitBookData
    cts: int


class TickerFrame(msgspec.Struct):
    """A tickers message."""

    type: str
    data: dict[str, str]
    cs: int
    ts: int


class DiffFrame(msgspec.Struct):
    """The `data` of a depth message."""

    E: int
    T: int
    U: int
    u: int
    b: Levels
    a: Levels


class RestBookFrame(msgspec.Struct):
    """A recorded REST book snapshot."""

    lastUpdateId: int  # noqa: N815  the venue's name
    T: int
    bids: Levels
    asks: Levels


class Book:
    """One book, its levels as they were written. Binance's is known from the recorded REST snapshot on."""

    def __init__(self) -> None:
        self.is_synced = False
        self.update_id = 0
        self.sequence = 0
        self.time = 0
        self._bids: dict[float, tuple[str, str]] = {}
        self._asks: dict[float, tuple[str, str]] = {}
        self._early: list[DiffFrame] = []

    def take_bybit(self, frame: BybitBookFrame) -> None:
        """A snapshot replaces, a delta changes."""
        if frame.type == "snapshot":
            self._bids.clear()
            self._asks.clear()
        self._apply(frame.data.b, frame.data.a)
        self.update_id, self.sequence, self.time = frame.data.u, frame.data.seq, frame.cts
        self.is_synced = True

    def take_diff(self, frame: DiffFrame) -> None:
        """A Binance diff; kept aside while there is no snapshot to apply it to."""
        if not self.is_synced:
            self._early.append(frame)
        elif frame.u >= self.update_id:  # diffs older than the snapshot still come after it
            self._apply(frame.b, frame.a)
            self.update_id, self.time = frame.u, frame.T

    def take_rest(self, frame: RestBookFrame) -> None:
        """A recorded REST snapshot: the first one begins the book, and the later diffs follow."""
        if self.is_synced:
            return
        self.is_synced = True
        self._apply(frame.bids, frame.asks)
        self.update_id, self.time = frame.lastUpdateId, frame.T
        for early in self._early:
            self.take_diff(early)
        self._early.clear()

    def view(self, depth: int) -> BookView:
        """The best levels, best first."""
        bids = [self._bids[price] for price in nlargest(depth, self._bids)]
        asks = [self._asks[price] for price in nsmallest(depth, self._asks)]
        return BookView(bids, asks, self.update_id, self.sequence, self.time)

    def _apply(self, bids: Levels, asks: Levels) -> None:
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            for price, size in levels:
                if float(size):
                    side[float(price)] = (price, size)
                else:
                    side.pop(float(price), None)


def listing_from(symbol: str, levels: Sequence[tuple[str, str]]) -> Listing:
    """What the venue's list must have said: the largest steps that all prices and sizes are multiples of."""
    return Listing(symbol, _step(price for price, _ in levels), _step(size for _, size in levels))


def _step(texts: Iterable[str]) -> str:
    """The greatest common divisor of decimal texts, with their decimals; "1" for none."""
    values = list(texts)
    places = max((len(text.partition(".")[2]) for text in values), default=0)
    step = gcd(*(round(float(text) * 10**places) for text in values)) or 1
    return f"{step / 10**places:.{places}f}"
