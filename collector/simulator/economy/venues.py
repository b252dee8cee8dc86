"""The two venues of the simulated market: what each lists, and its instruments that are alive."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Protocol

from collector.simulator.economy.candles import Trade
from collector.simulator.economy.clock import Clock
from collector.simulator.economy.coins import Coin, Listing, coins
from collector.simulator.economy.history import Source as CoinSource
from collector.simulator.economy.instrument import Instrument, Stream
from collector.simulator.economy.noise import FloatArray
from collector.simulator.economy.path import Path
from collector.simulator.rest import BookView
from collector.simulator.streams import binance, bybit
from collector.simulator.wire import Subscriber
from market.intervals import MINUTE_MS

Maker = Callable[[str, Instrument], Stream]


class Market(Protocol):
    """What a venue needs of the market that it is a side of."""

    clock: Clock
    path: Path
    random: Random

    def add(self, instrument: Instrument) -> None:
        """Keep an instrument moving."""

    def remove(self, instrument: Instrument) -> None:
        """Let it rest."""


class VenueMarket(ABC):
    """One venue's side of the market: a feed for its sockets and a source for its REST endpoints."""

    venue: str

    def __init__(self, market: Market) -> None:
        self._market = market
        self._coins = {coin.listing(self.venue).symbol: coin for coin in coins()}
        self.listings: dict[str, Listing] = {
            symbol: coin.listing(self.venue) for symbol, coin in self._coins.items()
        }
        self._alive: dict[str, Instrument] = {}

    def now(self) -> float:
        """The venue's time."""
        return self._market.clock.now()

    def serves(self, topic: str) -> bool:
        """Whether the topic exists."""
        return self.symbol_of(topic) in self.listings and self.maker_of(topic) is not None

    def subscribe(self, client: Subscriber, topic: str) -> None:
        """Send the topic to the client from now on."""
        maker = self.maker_of(topic)
        if maker is None:
            raise LookupError(f"no such topic: {topic}")
        instrument = self.instrument(self.symbol_of(topic))
        instrument.attach(client, topic, partial(maker, topic, instrument))
        self.welcome(client, topic)

    def unsubscribe(self, client: Subscriber, topic: str) -> None:
        """Stop sending the topic to the client."""
        if instrument := self._alive.get(self.symbol_of(topic)):
            instrument.detach(client, topic)

    def welcome(self, client: Subscriber, topic: str) -> None:
        """Send a subscriber what a newcomer needs."""
        instrument = self._alive.get(self.symbol_of(topic))
        if instrument and (stream := instrument.streams.get(topic)):
            stream.welcome(client, self.now())

    def instrument(self, symbol: str) -> Instrument:
        """The instrument, alive."""
        found = self._alive.get(symbol)
        if found is None:
            source = CoinSource(self._market.path, self._coins[symbol], self.listings[symbol], self.venue)
            found = self._alive[symbol] = Instrument(source, self.now(), self._market.random)
            self._market.add(found)
        return found

    def enlist(self, coin: Coin) -> None:
        """List a new coin; its rank says whose price it follows."""
        listing = coin.listing(self.venue)
        self._coins[listing.symbol], self.listings[listing.symbol] = coin, listing

    def delist(self, symbol: str) -> None:
        """Take an instrument off the list; its topics end without a word."""
        del self.listings[symbol]
        if (instrument := self._alive.pop(symbol, None)) is not None:
            self._market.remove(instrument)
            instrument.silence()

    def coin(self, symbol: str) -> Coin:
        """The coin behind a symbol that was listed."""
        return self._coins[symbol]

    def refine_tick(self, symbol: str) -> None:
        """Make the tick size of an instrument a tenth of what it is."""
        self.instrument(symbol).refine_tick()
        for topic in list(self.instrument(symbol).streams):
            self.restart_book(topic)

    @abstractmethod
    def restart_book(self, topic: str) -> None:
        """Begin a book stream anew, where the venue does so."""

    def candles(self, symbol: str, interval: str) -> FloatArray:
        """Closed candles and the running one: (n, 10)."""
        instrument = self.instrument(symbol)
        if instrument.candles.minute + MINUTE_MS <= self.now():
            instrument.visit(self.now())  # a minute has ended and nobody has looked since
        return instrument.candles.all(interval)

    def trades(self, symbol: str) -> Sequence[Trade]:
        """The newest trades, oldest first."""
        return self.instrument(symbol).trades

    async def book(self, symbol: str, depth: int) -> BookView:
        """The best levels as they are now."""
        instrument = self.instrument(symbol)
        listing, book = instrument.listing, instrument.book
        bids, asks = (
            [[listing.price(tick), listing.size(lots)] for tick, lots in side.levels(depth).items()]
            for side in (book.bids, book.asks)
        )
        return BookView(bids, asks, self.book_id(instrument), instrument.sequence, instrument.time)

    def book_id(self, instrument: Instrument) -> int:
        """The update id that REST gives."""
        return instrument.book.mark()

    @abstractmethod
    def symbol_of(self, topic: str) -> str:
        """The symbol that a topic names."""

    @abstractmethod
    def maker_of(self, topic: str) -> Maker | None:
        """What makes the stream of a topic; None if there is no such topic."""


class BybitMarket(VenueMarket):
    """Bybit's side."""

    venue = "bybit"

    def maker_of(self, topic: str) -> Maker | None:
        return bybit.maker_of(topic)

    def symbol_of(self, topic: str) -> str:
        return topic.rpartition(".")[2]

    def book_id(self, instrument: Instrument) -> int:
        """REST's `u` is that of the 1,000-level stream, where one is subscribed."""
        stream = instrument.streams.get(f"orderbook.1000.{instrument.listing.symbol}")
        return stream.update_id if isinstance(stream, bybit.BookStream) else instrument.version + 2

    def restart_book(self, topic: str) -> None:
        """A snapshot whose `u` is 1 for everybody."""
        stream = self.instrument(self.symbol_of(topic)).streams.get(topic)
        if isinstance(stream, bybit.BookStream):
            stream.restart(self.now())


class BinanceMarket(VenueMarket):
    """Binance's side. Stream names are in lower case; others exist nowhere."""

    venue = "binance"

    def maker_of(self, topic: str) -> Maker | None:
        return binance.maker_of(topic)

    def restart_book(self, topic: str) -> None:
        """Binance's ids never begin anew."""

    def symbol_of(self, topic: str) -> str:
        symbol = topic.partition("@")[0]
        return symbol.upper() if symbol == symbol.lower() else ""
