"""Faults of books: levels that stay although they are gone, crossed books, snapshots out of a cache."""

import math
import re
from collections.abc import Mapping, Sequence

import msgspec

from collector.simulator.economy.candles import Trade
from collector.simulator.economy.coins import Listing
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.noise import FloatArray
from collector.simulator.faults.fault import (
    Fault,
    FaultRefused,
    Message,
    TopicFault,
    book_of,
    frame_of,
    message_of,
)
from collector.simulator.rest import BookView, Reply, Source
from collector.simulator.wire import Client, symbol_of
from market.book import Side

BOOK_TOPICS = "orderbook.*,*@depth*"
BOOK_PATHS = ("/fapi/v1/depth", "/v5/market/orderbook")
_DEPTH = 1000
"""Levels of a book that is remembered; a bid at the last of its asks crosses it however the market moves."""
_CROSSED_MS = 800
"""Deletions are withheld so long then, lest the market uncrosses a book; its client waits for a second."""
_SEQUENCED = re.compile(r"^orderbook\.(\d+)\.")
_PARTIAL = re.compile(r"@depth\d")

Levels = Sequence[Sequence[str]]


class DropDelete(TopicFault):
    """Deletions are not said until a client's book is crossed by that for a while; the notes say when."""

    topics: str = BOOK_TOPICS

    async def begin(self) -> None:
        self._copies: dict[tuple[Client, str], _Copy] = {}
        self._crossed: dict[str, float] = {}
        """Topic -> when a book was first crossed, ms."""
        for client in self.exchange.clients:
            for topic in filter(lambda topic: self.meets(client, topic), client.topics):
                view = await self.exchange.feed_of(client.venue).book(symbol_of(topic), _DEPTH)
                if view is not None:
                    self._copies[client, topic] = _Copy(topic, view.bids, view.asks)

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        message, now = message_of(frame), self.exchange.now(client.venue)
        book = book_of(message)
        if not book or now - self._crossed.get(topic, now) > _CROSSED_MS:
            return None
        if message.get("type") == "snapshot":
            self._copies[client, topic] = _Copy(topic, book["b"], book["a"])
            return None
        for side in ("b", "a"):
            book[side] = [level for level in book[side] if float(level[1])]
        copy = self._copies.get((client, topic))
        if copy is not None and copy.is_crossed_by(book["b"], book["a"]):
            self._crossed.setdefault(topic, now)
            self.notes.setdefault(f"crossed {topic}", int(now))
        return [frame_of(message)]


class _Copy:
    """The book of a client of a topic, as it is from what it was told."""

    def __init__(self, topic: str, bids: Levels, asks: Levels) -> None:
        depth = _SEQUENCED.search(topic)
        self._depth = int(depth[1]) if depth else _DEPTH
        self._bids, self._asks = Side(), Side()
        self.is_crossed_by(bids, asks)

    def is_crossed_by(self, bids: Levels, asks: Levels) -> bool:
        """Whether the book is crossed after these changes."""
        for side, levels in ((self._bids, bids), (self._asks, asks)):
            side.apply([(float(price), float(size)) for price, size in levels], 0.0, math.inf)
        for price in self._bids.prices[: -self._depth] + self._asks.prices[self._depth :]:
            (self._bids if price in self._bids.sizes else self._asks).drop(price)
        return bool(self._bids.prices and self._asks.prices) and self._bids.prices[-1] >= self._asks.prices[0]


class Cross(TopicFault):
    """The exchange's own book is crossed: a bid stands above the best asks, and is deleted in the end."""

    topics: str = BOOK_TOPICS

    async def begin(self) -> None:
        self._prices: dict[tuple[str, str], str] = {}
        self._true_sizes: dict[tuple[Client, str], str] = {}
        """By subscription that was told the bid: what rests there in truth."""
        self._is_over = False
        for client in self.exchange.clients:
            for topic in filter(lambda topic: self.meets(client, topic), client.topics):
                await self._choose(client.venue, symbol_of(topic))
        if not self._prices:
            raise FaultRefused("expected a book that somebody is subscribed to")

    def end(self) -> None:
        self._is_over = True

    @property
    def lingers(self) -> bool:
        return any(client.is_open for client, _ in self._true_sizes)

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        price = self._prices.get((client.venue, symbol_of(topic)))
        message = message_of(frame)
        book, key = book_of(message), (client, topic)
        if price is None or not book:
            return None
        is_partial = _PARTIAL.search(topic) is not None
        if is_partial or message.get("type") == "snapshot":
            self._true_sizes.pop(key, None)
        if self._is_over and key not in self._true_sizes:
            return None
        own = next((size for level, size in book["b"] if level == price), self._true_sizes.get(key, "0"))
        is_told = key in self._true_sizes
        book["b"] = [level for level in book["b"] if level[0] != price]
        if self._is_over:
            del self._true_sizes[key]
            book["b"].insert(0, [price, own])
        else:
            if not is_told:
                book["b"].insert(0, [price, "1"])
            if not is_partial:
                self._true_sizes[key] = own
        return [frame_of(message)]

    def on_reply(self, venue: str, path: str, query: dict[str, str], reply: Reply) -> Reply:
        price = self._prices.get((venue, query.get("symbol", "")))
        if path not in BOOK_PATHS or price is None or self._is_over or reply.status != 200:
            return reply
        body: Message = msgspec.json.decode(reply.body)
        book, side = (body, "bids") if venue == "binance" else (body["result"], "b")
        book[side] = [[price, "1"], *book[side]]
        return Reply(200, msgspec.json.encode(body), reply.headers)

    async def _choose(self, venue: str, symbol: str) -> None:
        if (venue, symbol) not in self._prices:
            view = await self.exchange.feed_of(venue).book(symbol, _DEPTH)
            if view is not None and view.asks:
                self._prices[venue, symbol] = view.asks[-1][0]


class OldBook(Fault):
    """REST answers books as they were when the fault began, as from a cache that nobody refreshes."""

    symbols: str = "*"

    async def begin(self) -> None:
        self._old: dict[str, _Remembered] = {}
        for venue in filter(self.is_of_venue, ("bybit", "binance")):
            feed = self.exchange.feed_of(venue)
            wanted = {s for s in self.symbols.split(",") if s in feed.listings} or {
                symbol_of(t) for c in self.exchange.clients if c.venue == venue for t in c.topics
            }
            books = {symbol: view for symbol in wanted if (view := await feed.book(symbol, _DEPTH))}
            self._old[venue] = _Remembered(feed, books)

    async def on_request(self, venue: str, path: str, query: dict[str, str]) -> Reply | None:
        old = self._old.get(venue)
        if old is None or path not in BOOK_PATHS or query.get("symbol") not in old.books:
            return None
        self.note(query["symbol"], venue)
        return await self.exchange.answer_from(old, venue, path, query)


class _Remembered:
    """A venue as it was at one moment, as far as its books go."""

    def __init__(self, source: Source, books: Mapping[str, BookView]) -> None:
        self.books = books
        self._source = source
        self._now = source.now()

    @property
    def listings(self) -> Mapping[str, Listing]:
        return self._source.listings

    def now(self) -> float:
        return self._now

    def candles(self, symbol: str, interval: str) -> FloatArray:
        return self._source.candles(symbol, interval)

    def trades(self, symbol: str) -> Sequence[Trade]:
        return self._source.trades(symbol)

    def instrument(self, symbol: str) -> Instrument | None:
        return self._source.instrument(symbol)

    async def book(self, symbol: str, depth: int) -> BookView | None:
        view = self.books[symbol]
        return view._replace(bids=view.bids[:depth], asks=view.asks[:depth])
