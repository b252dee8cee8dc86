"""One venue of a player: who is subscribed to what, and what it knows from the frames it has played."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from collector.simulator.economy.candles import Trade
from collector.simulator.economy.coins import Listing
from collector.simulator.economy.history import COLUMNS
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.noise import FloatArray
from collector.simulator.replay.books import (
    Book,
    BybitBookFrame,
    DiffFrame,
    RestBookFrame,
    TickerFrame,
    listing_from,
)
from collector.simulator.replay.recordings import REST_BOOK, Frame, Recording
from collector.simulator.rest import BookView
from collector.simulator.streams.bybit import INTERVALS
from collector.simulator.wire import Subscriber, symbol_of

_SAMPLE = 20
_DIFF = re.compile(r"^([^@]+@depth)(@\w+)?$")
_PARTIAL = re.compile(r"^([^@]+@depth)(5|10|20)(@100ms|@500ms)?$")
_PARTIAL_MS = {None: 250.0, "@100ms": 100.0, "@500ms": 500.0}

_bybit_book = msgspec.json.Decoder(BybitBookFrame)
_ticker = msgspec.json.Decoder(TickerFrame)
_diff = msgspec.json.Decoder(DiffFrame)
_rest_book = msgspec.json.Decoder(RestBookFrame)


class Timekeeper(Protocol):
    """What a venue needs of its player."""

    @property
    def elapsed_ms(self) -> float:
        """Recorded time since the start."""

    def note_subscription(self) -> None:
        """Somebody has subscribed."""


class PlayedVenue(ABC):
    """What both venues share. REST knows the recorded instruments and books, and no history."""

    def __init__(self, player: Timekeeper, recordings: Sequence[Recording]) -> None:
        self._player = player
        self._clock_ms = max((it.clock_ms for it in recordings), default=0.0)
        self._topics = {topic: None for it in recordings for topic in it.topics}
        self._books: dict[str, Book] = {}
        self._news = asyncio.Event()
        self._has_ended = False
        self._clients: dict[str, dict[Subscriber, None]] = {}
        self.wanted = {need for topic in self._topics if (need := self.need_of(topic))}
        self.listings = self._infer_listings([frame for it in recordings for frame in it.frames])

    @property
    def backlog(self) -> int:
        """Bytes that wait for the slowest client."""
        return max((client.backlog for clients in self._clients.values() for client in clients), default=0)

    def now(self) -> float:
        """The recording's time."""
        return self._clock_ms + self._player.elapsed_ms

    def subscribe(self, client: Subscriber, topic: str) -> None:
        """Send the topic to the client from now on."""
        self._clients.setdefault(topic, {})[client] = None
        self.welcome(client, topic)
        if client.is_awaited:
            self.wanted.discard(self.need_of(topic))
            self._player.note_subscription()

    def unsubscribe(self, client: Subscriber, topic: str) -> None:
        """Stop sending the topic to the client."""
        self._clients.get(topic, {}).pop(client, None)

    def end(self) -> None:
        """All frames have been played."""
        self._has_ended = True
        self._news.set()

    def candles(self, symbol: str, interval: str) -> FloatArray:  # noqa: ARG002  no history is recorded
        """None are recorded: (0, 10)."""
        return np.empty((0, COLUMNS))

    def trades(self, symbol: str) -> Sequence[Trade]:  # noqa: ARG002  no history is recorded
        """None are given."""
        return ()

    def instrument(self, symbol: str) -> Instrument | None:  # noqa: ARG002  nothing is simulated
        """Nothing is simulated here."""
        return None

    async def book(self, symbol: str, depth: int) -> BookView | None:
        """The book as far as it has been played; waits until the recording has given one."""
        while not (book := self._book(symbol)).is_synced:
            if self._has_ended:
                return None
            self._news.clear()
            await self._news.wait()
        return book.view(depth)

    def _book(self, symbol: str) -> Book:
        return self._books.setdefault(symbol, Book())

    def _infer_listings(self, frames: Sequence[Frame]) -> dict[str, Listing]:
        """Steps of price and size, from the first books of each symbol."""
        levels: dict[str, list[tuple[str, str]]] = {symbol_of(topic): [] for topic in self._topics}
        seen: dict[str, int] = {}
        for frame in frames:
            symbol = symbol_of(frame.topic)
            is_rest = frame.topic.startswith(REST_BOOK + ".")
            if is_rest or seen.get(symbol, 0) < _SAMPLE:
                found = self.levels_of(frame)
                seen[symbol] = seen.get(symbol, 0) + bool(found)
                levels[symbol] += found
        return {symbol: listing_from(symbol, found) for symbol, found in levels.items()}

    @abstractmethod
    def serves(self, topic: str) -> bool:
        """Whether the topic exists."""

    @abstractmethod
    def need_of(self, topic: str) -> str:
        """What must be subscribed before the clock starts, for the topic not to be missed; "" for nothing."""

    @abstractmethod
    def levels_of(self, frame: Frame) -> list[tuple[str, str]]:
        """The levels of a book frame; [] of any other."""

    @abstractmethod
    def welcome(self, client: Subscriber, topic: str) -> None:
        """Send a new client what it needs to begin in mid-recording."""

    @abstractmethod
    def play(self, frame: Frame) -> None:
        """Send a frame to its subscribers, and learn from it."""


class BybitPlayer(PlayedVenue):
    """Bybit. A client that comes late, or again, gets a fresh snapshot of what was played."""

    def __init__(self, player: Timekeeper, recordings: Sequence[Recording]) -> None:
        self._tickers: dict[str, TickerFrame] = {}
        super().__init__(player, recordings)

    def serves(self, topic: str) -> bool:
        if topic in self._topics:
            return True
        match topic.split("."):
            case ["kline", code, symbol]:
                return code in INTERVALS and symbol in self.listings
            case ["tickers" | "publicTrade" | "allLiquidation", symbol]:
                return symbol in self.listings
        return False

    def need_of(self, topic: str) -> str:
        return topic if topic.startswith(("orderbook.", "tickers.", "publicTrade.", "kline.1.")) else ""

    def levels_of(self, frame: Frame) -> list[tuple[str, str]]:
        if not frame.topic.startswith("orderbook."):
            return []
        data = _bybit_book.decode(frame.payload).data
        return [(price, size) for price, size in data.b + data.a if float(size)]

    def welcome(self, client: Subscriber, topic: str) -> None:
        if (ticker := self._tickers.get(topic)) is not None:
            client.send(msgspec.json.encode({"topic": topic} | msgspec.to_builtins(ticker)), topic)
        book = self._book(symbol_of(topic))
        if topic.startswith("orderbook.") and book.is_synced:
            view = book.view(int(topic.split(".")[1]))
            data = {"s": symbol_of(topic), "b": view.bids, "a": view.asks, "u": view.update_id}
            message = {
                "topic": topic,
                "type": "snapshot",
                "ts": view.time,
                "data": data | {"seq": view.sequence},
            }
            client.send(msgspec.json.encode(message | {"cts": view.time}), topic)

    def play(self, frame: Frame) -> None:
        for client in self._clients.get(frame.topic, ()):
            client.send(frame.payload, frame.topic)
        if frame.topic.startswith("orderbook."):
            self._book(symbol_of(frame.topic)).take_bybit(_bybit_book.decode(frame.payload))
            self._news.set()
        elif frame.topic.startswith("tickers."):
            ticker = _ticker.decode(frame.payload)
            if ticker.type == "delta" and (before := self._tickers.get(frame.topic)):
                ticker = TickerFrame("snapshot", before.data | ticker.data, ticker.cs, ticker.ts)
            self._tickers[frame.topic] = ticker


class BinancePlayer(PlayedVenue):
    """Binance. A recorded diff serves every speed of the symbol's depth; partial depths are made from it."""

    def __init__(self, player: Timekeeper, recordings: Sequence[Recording]) -> None:
        self._partial_sent: dict[str, float] = {}
        super().__init__(player, recordings)

    def serves(self, topic: str) -> bool:
        return topic.partition("@")[0].islower() and symbol_of(topic) in self.listings

    def need_of(self, topic: str) -> str:
        if match := _DIFF.match(topic) or _PARTIAL.match(topic):
            return match[1]
        return topic if topic.endswith(("@bookTicker", "@aggTrade", "@kline_1m")) else ""

    def levels_of(self, frame: Frame) -> list[tuple[str, str]]:
        if frame.topic.startswith(REST_BOOK + "."):
            body = _rest_book.decode(frame.payload)
            return body.bids + body.asks
        if not _DIFF.match(frame.topic):
            return []
        diff = _diff.decode(frame.payload[frame.data_start : -1])
        return [(price, size) for price, size in diff.b + diff.a if float(size)]

    def welcome(self, client: Subscriber, topic: str) -> None:
        """Binance sends a newcomer nothing before the next event."""

    def play(self, frame: Frame) -> None:
        if frame.topic.startswith(REST_BOOK + "."):
            self._book(symbol_of(frame.topic)).take_rest(_rest_book.decode(frame.payload))
            self._news.set()
            return
        data = frame.payload[frame.data_start : -1]
        if match := _DIFF.match(frame.topic):
            diff = _diff.decode(data)
            self._book(symbol_of(frame.topic)).take_diff(diff)
            for name, clients in self._clients.items():
                if name.startswith(match[1]):
                    if _DIFF.match(name):
                        self._send(clients, name, data)
                    else:
                        self._send_partial(clients, name, diff)
        else:
            self._send(self._clients.get(frame.topic, {}), frame.topic, data)

    def _send(self, clients: dict[Subscriber, None], name: str, data: bytes) -> None:
        for client in clients:
            payload = b'{"stream":"%b","data":%b}' % (name.encode(), data) if client.wrapped else data
            client.send(payload, name)

    def _send_partial(self, clients: dict[Subscriber, None], name: str, diff: DiffFrame) -> None:
        """The top of the player's own book, where a client wants that instead of diffs."""
        match, symbol, elapsed = _PARTIAL.match(name), symbol_of(name), self._player.elapsed_ms
        book = self._book(symbol)
        if match is None or not clients or not book.is_synced:
            return
        if elapsed - self._partial_sent.get(name, -1e9) < _PARTIAL_MS[match[3]]:
            return
        self._partial_sent[name] = elapsed
        view = book.view(int(match[2]))
        ids = {"U": diff.U, "u": diff.u, "pu": diff.U - 1}
        event = {
            "e": "depthUpdate",
            "E": diff.E,
            "T": diff.T,
            "s": symbol,
            **ids,
            "b": view.bids,
            "a": view.asks,
        }
        self._send(clients, name, msgspec.json.encode(event))
