"""Bybit's streams (v5, linear), made from a simulated instrument.

Source: Bybit v5 API documentation, WebSocket public: orderbook, ticker, kline, trade.
"""

from collections.abc import Callable
from math import inf

from collector.simulator.economy.candles import Trade
from collector.simulator.economy.coins import Listing
from collector.simulator.economy.history import CLOSE, HIGH, LOW, OPEN, OPEN_TIME, TURNOVER, VOLUME
from collector.simulator.economy.instrument import Instrument, Stream
from collector.simulator.economy.noise import FloatArray
from collector.simulator.streams.bybit_ticker import TickerStream
from collector.simulator.wire import Subscriber
from market.intervals import INTERVAL_MS, open_of

PUSH_MS = {"1": 10, "50": 20, "200": 100, "1000": 200}
"""Depths there are, and how often each is pushed."""
INTERVALS = {"1": "1m", "5": "5m", "15": "15m", "60": "1h", "240": "4h", "D": "1d"}
_REPEAT_MS = 3000
_KLINE_MS = 1000
_MOST_TRADES = 1024


class _Published:
    """What all streams of one instrument share: their clients, and sending to all of them."""

    def __init__(self, topic: str, instrument: Instrument) -> None:
        self.clients: dict[Subscriber, None] = {}
        self.topic = topic
        self.instrument = instrument
        self.listing: Listing = instrument.listing

    def close(self) -> None:
        """Nothing to give back."""

    def send_all(self, payload: bytes) -> None:
        """One message to every client."""
        for client in self.clients:
            client.send(payload, self.topic)


class BookStream(_Published):
    """orderbook.{depth}: a snapshot, then deltas. Each side of a client's book keeps `depth` levels.

    Depth 1 is snapshots only, repeated with the same `u` when nothing has changed for three seconds.
    """

    def __init__(self, topic: str, instrument: Instrument) -> None:
        super().__init__(topic, instrument)
        self._depth = int(topic.split(".")[1])
        self._push_ms = PUSH_MS[topic.split(".")[1]]
        self._update_id = int(instrument.time / 100) % 10**10
        self._take()
        self._last = float(instrument.time)

    def due(self, now: float) -> float:
        if self.instrument.version != self._version:
            return max(now, self._last + self._push_ms)
        return self._last + _REPEAT_MS if self._depth == 1 else inf

    def publish(self, now: float) -> None:
        bids, asks = self._bids, self._asks
        self._take()
        if bids != self._bids or asks != self._asks:
            self._update_id += 1
            self._last = now
            if self._depth > 1:
                self.send_all(
                    self._message("delta", _changes(bids, self._bids), _changes(asks, self._asks), now)
                )
            else:
                self.send_all(self._snapshot(now))
        elif self._depth == 1 and now >= self._last + _REPEAT_MS:
            self._last = now
            self.send_all(self._snapshot(now))

    def welcome(self, client: Subscriber, now: float) -> None:
        client.send(self._snapshot(now), self.topic)

    def restart(self, now: float) -> None:
        """Begin anew, as after a restart of the venue's service: a snapshot whose `u` is 1."""
        self._take()
        self._update_id, self._last = 1, now
        self.send_all(self._snapshot(now))

    @property
    def update_id(self) -> int:
        """`u` of the newest message."""
        return self._update_id

    def _take(self) -> None:
        """Look at the book as it is now."""
        instrument = self.instrument
        self._bids = instrument.book.bids.levels(self._depth)
        self._asks = instrument.book.asks.levels(self._depth)
        self._version, self._time, self._sequence = instrument.version, instrument.time, instrument.sequence

    def _snapshot(self, now: float) -> bytes:
        return self._message("snapshot", self._bids, self._asks, now)

    def _message(self, kind: str, bids: dict[int, int], asks: dict[int, int], now: float) -> bytes:
        levels, symbol = self.listing.levels, self.listing.symbol
        return (
            f'{{"topic":"{self.topic}","type":"{kind}","ts":{int(now)},"data":{{"s":"{symbol}",'
            f'"b":[{levels(bids.items(), "0")}],"a":[{levels(asks.items(), "0")}],'
            f'"u":{self._update_id},"seq":{self._sequence}}},"cts":{self._time}}}'
        ).encode()


class TradeStream(_Published):
    """publicTrade: every trade, up to 1,024 in a message."""

    def __init__(self, topic: str, instrument: Instrument) -> None:
        super().__init__(topic, instrument)
        self._cursor = instrument.trade_id

    def due(self, now: float) -> float:
        return now if self.instrument.trade_id > self._cursor else inf

    def publish(self, now: float) -> None:
        missing = min(self.instrument.trade_id - self._cursor, len(self.instrument.trades))
        trades = list(self.instrument.trades)[-missing:]
        self._cursor = self.instrument.trade_id
        for start in range(0, len(trades), _MOST_TRADES):
            rows = ",".join(self._row(trade) for trade in trades[start : start + _MOST_TRADES])
            message = f'{{"topic":"{self.topic}","type":"snapshot","ts":{int(now)},"data":[{rows}]}}'
            self.send_all(message.encode())

    def welcome(self, client: Subscriber, now: float) -> None:
        """Trades are pushed when they happen; nothing to begin with."""

    def _row(self, trade: Trade) -> str:
        listing = self.listing
        return (
            f'{{"T":{trade.time},"s":"{listing.symbol}","S":"{side_of(trade)}","v":"{listing.size(trade.lots)}",'
            f'"p":"{listing.price(trade.ticks)}","L":"{"PlusTick" if trade.is_buy else "MinusTick"}",'
            f'"i":"{trade_uuid(trade)}","BT":false,"RPI":false,"seq":{trade.sequence}}}'
        )


class KlineStream(_Published):
    """kline.{interval}: the running candle each second, and at the turn the closed one with the new."""

    def __init__(self, topic: str, instrument: Instrument) -> None:
        super().__init__(topic, instrument)
        self._code = topic.split(".")[1]
        self._interval = INTERVALS[self._code]
        self._open_time = open_of(instrument.candles.minute, self._interval)
        self._cursor = instrument.trade_id
        self._last = -inf

    def due(self, now: float) -> float:
        turn = self._open_time + INTERVAL_MS[self._interval]
        if self.instrument.trade_id > self._cursor:
            return min(turn, max(now, self._last + _KLINE_MS))
        return turn

    def publish(self, now: float) -> None:
        candles = self.instrument.candles
        closed = candles.closed_since(self._interval, self._open_time)
        rows = [self._row(row, "true", now) for row in closed]
        rows.append(self._row(candles.running(self._interval), "false", now))
        self._open_time = open_of(candles.minute, self._interval)
        self._cursor, self._last = self.instrument.trade_id, now
        self.send_all(self._message(rows, now))

    def welcome(self, client: Subscriber, now: float) -> None:
        row = self._row(self.instrument.candles.running(self._interval), "false", now)
        client.send(self._message([row], now), self.topic)

    def _message(self, rows: list[str], now: float) -> bytes:
        text = f'{{"topic":"{self.topic}","data":[{",".join(rows)}],"ts":{int(now)},"type":"snapshot"}}'
        return text.encode()

    def _row(self, row: FloatArray, confirm: str, now: float) -> str:
        start, price = int(row[OPEN_TIME]), self.listing.price
        end = start + INTERVAL_MS[self._interval] - 1
        return (
            f'{{"start":{start},"end":{end},"interval":"{self._code}",'
            f'"open":"{bare(price(row[OPEN]))}","close":"{bare(price(row[CLOSE]))}",'
            f'"high":"{bare(price(row[HIGH]))}","low":"{bare(price(row[LOW]))}",'
            f'"volume":"{bare(self.listing.size(row[VOLUME]))}",'
            f'"turnover":"{bare(self.listing.turnover(row[TURNOVER]))}","confirm":{confirm},'
            f'"timestamp":{min(int(now), end)}}}'
        )


def maker_of(topic: str) -> Callable[[str, Instrument], Stream] | None:
    """What makes the stream of a topic; None if there is no such topic."""
    match topic.split("."):
        case ["orderbook", depth, _] if depth in PUSH_MS:
            return BookStream
        case ["tickers", _]:
            return TickerStream
        case ["publicTrade", _]:
            return TradeStream
        case ["kline", code, _] if code in INTERVALS:
            return KlineStream
    return None


def trade_uuid(trade: Trade) -> str:
    """A trade id in Bybit's form; the same trade has the same id in the stream and over REST."""
    high, low = trade.trade_id >> 16 & 0xFFFFFFFF, trade.trade_id & 0xFFFF
    return f"{high:08x}-{low:04x}-5000-8000-{trade.sequence:012x}"


def side_of(trade: Trade) -> str:
    """The taker's side as Bybit writes it."""
    return "Buy" if trade.is_buy else "Sell"


def bare(text: str) -> str:
    """Without trailing zeros, as Bybit prints klines."""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _changes(old: dict[int, int], new: dict[int, int]) -> dict[int, int]:
    """Levels that are new or changed, and those that left, with size 0."""
    changed = {tick: lots for tick, lots in new.items() if old.get(tick) != lots}
    changed.update(dict.fromkeys(old.keys() - new.keys(), 0))
    return changed
