"""What the exchange really said: the record that a collector's rows are compared with.

It listens like a client, but in front of every fault, and from the moment it is asked to.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from collector.simulator.economy.coins import Listing
from collector.simulator.economy.history import (
    BUY_VOLUME,
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    TRADES,
    TURNOVER,
    VOLUME,
)
from collector.simulator.exchange import Exchange
from collector.simulator.faults.fault import FaultRefused
from collector.simulator.replay.books import Book, BybitBookFrame
from collector.simulator.wire import Subscriber, payload_of, symbol_of
from market.intervals import INTERVAL_MS

MOST_ROWS = 1_200_000
"""Ticks that are kept, of all instruments together; the oldest of each go first, and are counted."""

Row = tuple[int, int, float, float, float, float]
"""One change of best price or size: time, update id, bid, its size, ask, its size."""


class _Quote(msgspec.Struct):
    u: int
    T: int
    b: float
    B: float
    a: float
    A: float


class _AggTrade(msgspec.Struct):
    a: int


class _Event(msgspec.Struct):
    data: msgspec.Raw


class _Trades(msgspec.Struct):
    data: list[msgspec.Raw]


_event = msgspec.json.Decoder(_Event)
_quote = msgspec.json.Decoder(_Quote, strict=False)
_agg_trade = msgspec.json.Decoder(_AggTrade)
_trades = msgspec.json.Decoder(_Trades)
_book = msgspec.json.Decoder(BybitBookFrame)


class Instrument:
    """What was said of one instrument."""

    def __init__(self, most_rows: int, now: float) -> None:
        self.since_ms = int(now)
        self.ticks: deque[Row] = deque(maxlen=most_rows)
        self.ticks_seen = 0
        self.trades = 0
        self.book = Book()

    def see(self, row: Row) -> None:
        """Take the best price and size as they are now; a row if they have changed."""
        if not self.ticks or self.ticks[-1][2:] != row[2:]:
            self.ticks.append(row)
            self.ticks_seen += 1


class Ear(Subscriber):
    """Listens to one venue."""

    is_awaited = False

    def __init__(self) -> None:
        super().__init__(wrapped=True)
        self.instruments: dict[str, Instrument] = {}

    def send_frame(self, frame: bytes, topic: str = "") -> None:
        """Take a message."""
        heard = self.instruments[symbol_of(topic)]
        payload = payload_of(frame)
        if topic.endswith("@bookTicker"):
            q = _quote.decode(_event.decode(payload).data)
            heard.see((q.T, q.u, q.b, q.B, q.a, q.A))
        elif topic.endswith("@aggTrade"):
            heard.trades += 1
        elif topic.startswith("publicTrade."):
            heard.trades += len(_trades.decode(payload).data)
        elif topic.startswith("orderbook."):
            heard.book.take_bybit(_book.decode(payload))
            view = heard.book.view(1)
            (bid,), (ask,) = view.bids, view.asks
            prices = (float(bid[0]), float(bid[1]), float(ask[0]), float(ask[1]))
            heard.see((view.time, view.update_id, *prices))


class Truth:
    """The record of one exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._ears: dict[str, Ear] = {}

    def record(self, symbols: Mapping[str, Sequence[str]], depth: int) -> None:
        """Begin anew with these symbols of each venue. Raises FaultRefused.

        `depth` is that of the Bybit book whose best levels are ticks.
        """
        topics = {
            "bybit": lambda symbol: (f"orderbook.{depth}.{symbol}", f"publicTrade.{symbol}"),
            "binance": lambda symbol: (f"{symbol.lower()}@bookTicker", f"{symbol.lower()}@aggTrade"),
        }
        wanted = [(venue, s, t) for venue, names in symbols.items() for s in names for t in topics[venue](s)]
        for venue, _, topic in wanted:
            if not self._exchange.feed_of(venue).serves(topic):
                raise FaultRefused(f"{venue} has no topic {topic}")
        self.stop()
        most_rows = MOST_ROWS // max(1, len(wanted) // 2)
        for venue, symbol, topic in wanted:
            ear = self._ears.setdefault(venue, Ear())
            feed = self._exchange.feed_of(venue)
            ear.instruments.setdefault(symbol, Instrument(most_rows, feed.now()))
            feed.subscribe(ear, topic)
            ear.topics[topic] = None

    def stop(self) -> None:
        """Listen no more, and forget."""
        for venue, ear in self._ears.items():
            for topic in ear.topics:
                self._exchange.feed_of(venue).unsubscribe(ear, topic)
        self._ears.clear()

    def told(self, venue: str, symbol: str, first_ms: int, last_ms: int) -> dict[str, Any]:
        """What was said of one instrument from `first_ms` to `last_ms`, as data. Raises FaultRefused."""
        ear = self._ears.get(venue)
        heard = ear.instruments.get(symbol) if ear else None
        if heard is None:
            raise FaultRefused(f"{venue} {symbol} is not recorded")
        return {
            "now": int(self._exchange.now(venue)),
            "since": heard.since_ms,
            "ticks": [row for row in heard.ticks if first_ms <= row[0] <= last_ms],
            "ticks_forgotten": heard.ticks_seen - len(heard.ticks),
            "trades": heard.trades,
            "klines": self._candles(venue, symbol, first_ms, last_ms),
        }

    def _candles(self, venue: str, symbol: str, first_ms: int, last_ms: int) -> dict[str, list[list[float]]]:
        """The closed candles that lie in the time or touch it, by interval."""
        feed = self._exchange.feed_of(venue)
        listing = feed.listings.get(symbol)
        found: dict[str, list[list[float]]] = {}
        if listing is None:
            return found
        for interval, step in INTERVAL_MS.items():
            rows = feed.candles(symbol, interval)[:-1]
            inside = (rows[:, OPEN_TIME] + step > first_ms) & (rows[:, OPEN_TIME] <= last_ms)
            found[interval] = [_candle(listing, row) for row in rows[inside]]
        return found


def _candle(listing: Listing, row: "np.ndarray[Any, Any]") -> list[float]:
    """Open time, open, high, low, close, volume, turnover, trades, the takers' buys: as they are printed."""
    prices = [float(listing.price(row[column])) for column in (OPEN, HIGH, LOW, CLOSE)]
    volumes = [float(listing.size(row[VOLUME])), float(listing.turnover(row[TURNOVER]))]
    return [int(row[OPEN_TIME]), *prices, *volumes, int(row[TRADES]), float(listing.size(row[BUY_VOLUME]))]
