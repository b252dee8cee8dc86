"""One instrument that is alive: its book and trades move, and its streams are published when they are due."""

from collections import deque
from collections.abc import Callable
from math import inf
from random import Random
from typing import Protocol

from collector.simulator.economy.book import Book, Fill, Shape
from collector.simulator.economy.candles import Candles, Trade
from collector.simulator.economy.coins import Listing
from collector.simulator.economy.history import Source, steps_per_second, trade_value
from collector.simulator.wire import Subscriber
from market.intervals import DAY_MS

_TRADES_KEPT = 5000
_MIN_STEP_MS = 100.0
_SKIPPED_STEP_MS = 5_000
"""How often there is a trade in a time that is only skipped through."""
_HOUR_MS = 3_600_000
FUNDING_HOURS = 8


class Stream(Protocol):
    """One topic of one instrument, and the clients that want it."""

    clients: dict[Subscriber, None]

    def due(self, now: float) -> float:
        """When there is something to publish next; infinity: not before the market moves."""

    def publish(self, now: float) -> None:
        """Send what is due to all clients."""

    def welcome(self, client: Subscriber, now: float) -> None:
        """Send a new client what it needs to begin with."""

    def close(self) -> None:
        """Nobody wants the topic any more."""


class Instrument:
    """The market of one coin on one venue, and its streams."""

    def __init__(self, source: Source, now: float, random: Random) -> None:
        self.source = source
        self.venue = source.venue
        self.listing: Listing = source.listing
        self.candles = Candles(source, now)
        self.streams: dict[str, Stream] = {}
        self.trades: deque[Trade] = deque(maxlen=_TRADES_KEPT)
        self.version = 0
        self.pace = 1.0
        """How often the book moves, as a multiple of the usual."""
        self.time = int(now)
        self.trade_id = int(now) * 2
        """Ids begin at a number that grows faster than trades come: a later simulator goes on above it."""
        self.sequence = int(now) * 100
        self._random = random
        self._coin = source.coin
        price, _ = self._price()
        self.book = Book(_shape(source, price), price / self.listing.tick_size, int(now) * 1000, random)
        self._target = self.book.center
        self._next_step = now

    def visit(self, now: float) -> float:
        """Bring everything up to `now`, publish what is due, and tell when to come again."""
        if self.candles.roll(now):
            self._publish(now)  # closed candles go out before the next minute's first trade
        if now >= self._next_step:
            self._step(now)
            mean_ms = max(1.0, 1000.0 / steps_per_second(self._coin) - _MIN_STEP_MS)
            wait_ms = _MIN_STEP_MS + self._random.expovariate(1.0 / mean_ms)
            self._next_step = now + wait_ms / self.pace
        return min(self._next_step, self._publish(now))

    def attach(self, client: Subscriber, topic: str, make: Callable[[], Stream]) -> None:
        """Give `client` the topic, whose stream is made when it is the first to ask."""
        stream = self.streams.get(topic)
        if stream is None:
            stream = self.streams[topic] = make()
        stream.clients[client] = None

    def detach(self, client: Subscriber, topic: str) -> None:
        """Take the topic away from `client`."""
        if stream := self.streams.get(topic):
            stream.clients.pop(client, None)
            if not stream.clients:
                stream.close()
                del self.streams[topic]

    def silence(self) -> None:
        """End all streams, whoever wants them."""
        for stream in self.streams.values():
            stream.close()
        self.streams.clear()

    def trade_at_once(self, count: int, now: float) -> None:
        """Let so many trades of one lot happen now, buys and sells in turn."""
        self.time = int(now)
        self.version += 1
        self.book.tops.clear()
        for number in range(count):
            self._fill(number % 2 == 0, 1)
        self._publish(now)

    def skip_to(self, now: float) -> None:
        """Pass through the time until `now` with a few trades on the price path, but without any message."""
        first = (self.time // _SKIPPED_STEP_MS + 1) * _SKIPPED_STEP_MS
        count = (int(now) - first) // _SKIPPED_STEP_MS
        if count <= 0:
            return
        prices, _ = self.source.path.grid(self._coin.rank - 1, self.venue, (first, count, _SKIPPED_STEP_MS))
        tick_size, lot_size = self.listing.tick_size, self.listing.lot_size
        value = self._coin.daily_turnover(self.venue) * _SKIPPED_STEP_MS / DAY_MS
        for number, price in enumerate(prices.tolist()):
            self.time = first + number * _SKIPPED_STEP_MS
            self.sequence += 1
            self.candles.roll(self.time)
            fill = Fill(max(1, round(price / tick_size)), max(1, round(value / price / lot_size)))
            self._keep(fill, self._random.random() < 0.5)
        self.time = int(now)
        self.candles.roll(now)
        self._target = self._price()[0] / tick_size
        self.book.move(self._target, 1.0)
        self.book.tops.clear()
        self.version += 1

    def refine_tick(self) -> None:
        """Make the tick size a tenth of what it is; every price stays what it was."""
        self.listing.refine_tick()
        self.book.refine_tick()
        self.candles.refine_tick()
        self._target *= 10
        self.trades = deque((t._replace(ticks=t.ticks * 10) for t in self.trades), maxlen=_TRADES_KEPT)
        self.version += 1

    def reference(self) -> tuple[float, float]:
        """Mark and index price in quote currency."""
        tick_size = self.listing.tick_size
        return 0.5 * (self._target + self.book.center) * tick_size, self._target * tick_size

    def funding(self, now: float) -> tuple[float, int]:
        """Funding rate of the running period as a fraction, and the next funding time."""
        period = FUNDING_HOURS * _HOUR_MS
        next_time = (int(now) // period + 1) * period
        day = self.candles.day()
        drift = (self.candles.last_price - day.open) / day.open
        return max(-0.003, min(0.003, 0.0001 + 0.002 * drift)), next_time

    def open_interest(self) -> float:
        """Open contracts in lots, one side; it breathes with the day's volume."""
        return float(round(self.candles.day().volume * 0.15))

    def _publish(self, now: float) -> float:
        """Publish what is due, and tell when the next thing will be."""
        following = inf
        for stream in self.streams.values():
            due = stream.due(now)
            if due <= now:
                stream.publish(now)
                due = stream.due(now)
            if due < following:
                following = due
        return following

    def _price(self) -> tuple[float, float]:
        binance, bybit, mood = self.source.path.now(self.time)
        prices = bybit if self.venue == "bybit" else binance
        index = self._coin.rank - 1
        return float(prices[index]), float(mood[index])

    def _step(self, now: float) -> None:
        """One move of the market: takers first, then the book follows the path."""
        self.time = int(now)
        self.version += 1
        self.sequence += 1 + int(self._random.random() * 40)
        self.book.tops.clear()
        price, mood = self._price()
        target = price / self.listing.tick_size
        drift, self._target = target - self._target, target
        lean = 0.5 + max(-0.35, min(0.35, 0.2 * drift / self.book.shape.stickiness))
        while self._random.random() < min(0.7, 0.34 * mood):
            self._trade(self._random.random() < lean)
        self.book.move(target, 0.7 + 0.5 * mood)

    def _trade(self, is_buy: bool) -> None:
        """One order of a taker; each price it was filled at is a trade."""
        value = trade_value(self._coin, self.venue) * self._random.lognormvariate(-0.72, 1.2)
        lot_value = self._target * self.listing.tick_size * self.listing.lot_size
        self._fill(is_buy, max(1, round(value / lot_value)))

    def _fill(self, is_buy: bool, lots: int) -> None:
        self.sequence += 1
        for fill in self.book.trade(is_buy, lots):
            self._keep(fill, is_buy)

    def _keep(self, fill: Fill, is_buy: bool) -> None:
        self.trade_id += 1
        trade = Trade(self.trade_id, self.time, fill.ticks, fill.lots, is_buy, self.sequence)
        self.trades.append(trade)
        self.candles.add(trade)


def _shape(source: Source, price: float) -> Shape:
    """The book of a coin: thinner, wider and coarser the less it is traded."""
    bps = price / source.listing.tick_size * 1e-4
    value = 0.05 * source.coin.daily_turnover(source.venue) ** 0.6
    return Shape(
        gap=max(1.0, 0.15 * bps),
        level_lots=value / (price * source.listing.lot_size),
        half_spread=max(0.05, 0.5 * 0.03 * (source.coin.rank - 1) * bps - 0.5),
        stickiness=max(0.6, 0.25 * bps),
    )
