"""What the HTTP endpoints answer, and what they need to know for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import msgspec
import numpy as np

from collector.simulator.economy.candles import Trade
from collector.simulator.economy.coins import Listing
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.noise import FloatArray

Query = Mapping[str, str]


@dataclass(slots=True)
class Reply:
    """One HTTP answer; the body is JSON."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


class BookView(NamedTuple):
    """A book as REST gives it: levels as text, best first; `time` is the venue's, ms."""

    bids: Sequence[Sequence[str]]
    asks: Sequence[Sequence[str]]
    update_id: int
    sequence: int
    time: int


class Source(Protocol):
    """What stands behind one venue's REST endpoints."""

    @property
    def listings(self) -> Mapping[str, Listing]:
        """What is traded, by symbol."""

    def now(self) -> float:
        """The venue's time, epoch ms."""

    def candles(self, symbol: str, interval: str) -> FloatArray:
        """Closed candles and the running one, oldest first: (n, 10), in ticks and lots."""

    def trades(self, symbol: str) -> Sequence[Trade]:
        """The newest trades, oldest first."""

    def instrument(self, symbol: str) -> Instrument | None:
        """The simulated instrument, for its 24-hour and funding figures; None where nothing knows them."""

    async def book(self, symbol: str, depth: int) -> BookView | None:
        """The best `depth` levels; waits until they are known. None if they will never be."""


def table(row: str, columns: Sequence[FloatArray]) -> msgspec.Raw:
    """A JSON array with one `row` (a %-template of one JSON array) for each entry of the columns.

    Formatting all rows at once is three times faster than one value after the other, and backfill asks for
    hundreds of thousands.
    """
    count = len(columns[0])
    values = np.column_stack(columns).ravel().tolist() if count else []
    return msgspec.Raw(("[" + ",".join([row] * count) + "]") % tuple(values))


def encoded(value: object) -> bytes:
    """JSON."""
    return msgspec.json.encode(value)


def whole(query: Query, name: str) -> int | None:
    """An integer parameter, None if it was not given. Raises ValueError if it is not a number."""
    text = query.get(name, "")
    return int(text) if text else None
