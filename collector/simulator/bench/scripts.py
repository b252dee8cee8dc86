"""What the bench says on each topic: short cycles of messages after which the book is what it was.

Bybit: any depth of orderbook (each delta changes the best bid or ask; every fourth moves the price of the
ask), publicTrade, tickers and kline.1. Binance: bookTicker, partial depth, aggTrade, kline_1m, markPrice and
ticker. Diff depth is acknowledged and silent: it needs REST snapshots of a book that moves at the client's
pace, so a collector is measured on partial depth (`BACKFILL=off`). Sockets are taken to be combined ones.
"""

from collector.simulator.bench.frames import MINUTE, MINUTE_END, NOW, Field, Kind, Parts
from collector.simulator.economy.coins import Listing

CYCLE = 16
"""Steps of one pass."""
_LEVELS_CHANGED = 4
_SHARES = {
    "orderbook": 16,
    "bookTicker": 16,
    "depth": 4,
    "publicTrade": 4,
    "aggTrade": 4,
    "tickers": 2,
    "kline": 1,
    "markPrice": 1,
    "ticker": 1,
}
"""Messages of each kind in one pass."""


class Script:
    """One topic of one instrument, around the price of `ticks`; its ids count up from `counter`."""

    def __init__(self, topic: str, listing: Listing, ticks: int, counter: int) -> None:
        self.topic = topic
        self._listing = listing
        self._ticks = ticks
        self._counter = counter
        self.kind = _kind_of(topic)
        self.share = _SHARES.get(self.kind, 0)

    def advance(self, passes: int) -> None:
        """Go on above all ids of `passes` passes."""
        self._counter += passes * self.share

    def intro(self) -> list[Parts]:
        """What a subscription begins with: a snapshot on Bybit."""
        if self.kind == "orderbook":
            depth = int(self.topic.split(".")[1])
            bids = [(self._ticks - i, 1000) for i in range(depth)]
            asks = [(self._ticks + 1 + i, 1000) for i in range(depth)]
            return [self._orderbook("snapshot", bids, asks, self._id(-1, 0))]
        return [self._tickers("snapshot", 0)] if self.kind == "tickers" else []

    def at(self, step: int) -> Parts | None:
        """The message at one step of the pass; None if this topic is silent there."""
        if not self.share or step % (CYCLE // self.share):
            return None
        number = step // (CYCLE // self.share)
        if self.kind == "orderbook":
            depth = int(self.topic.split(".")[1])
            kind = "snapshot" if depth == 1 else "delta"
            return self._orderbook(kind, *self._changes(step, depth), self._id(number))
        if self.kind == "tickers":
            return self._tickers("delta", number)
        messages = {
            "publicTrade": self._public_trade,
            "bookTicker": self._book_ticker,
            "depth": self._partial,
            "aggTrade": self._agg_trade,
            "markPrice": self._mark_price,
            "ticker": self._day,
        }
        return messages.get(self.kind, self._kline)(number)

    def _id(self, number: int, stride: int | None = None) -> Field:
        return Field(Kind.COUNTER, self._counter + number, self.share if stride is None else stride)

    def _size(self, step: int) -> int:
        return 1000 + 37 * (step + 1)

    def _price(self, ticks: int) -> str:
        return self._listing.price(self._ticks + ticks)

    def _changes(self, step: int, depth: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Steps in turn: both sizes, a deeper bid, the best ask leaves, the best ask returns."""
        best, lots = self._ticks, self._size(step)
        if depth == 1:
            return [(best, lots)], [(best + 1 + (step % 4 == 2), lots)]
        deep = [(best - i, lots + i) for i in range(1, min(depth, _LEVELS_CHANGED))]
        match step % 4:
            case 0:
                return [(best, lots), *deep], [(best + 1, lots)]
            case 1:
                return deep, [(best + 1, lots)]
            case 2:
                return [(best, lots)], [(best + 1, 0), (best + 1 + depth, lots)]
            case _:
                return [(best, lots)], [(best + 1, lots), (best + 1 + depth, 0)]

    def _orderbook(
        self, kind: str, bids: list[tuple[int, int]], asks: list[tuple[int, int]], update_id: Field
    ) -> Parts:
        levels, symbol = self._listing.levels, self._listing.symbol
        head = f'{{"topic":"{self.topic}","type":"{kind}","ts":'
        sides = f',"data":{{"s":"{symbol}","b":[{levels(bids, "0")}],"a":[{levels(asks, "0")}],"u":'
        return [head, NOW, sides, update_id, ',"seq":', update_id, '},"cts":', NOW, "}"]

    def _tickers(self, kind: str, number: int) -> Parts:
        price, size = self._price(0), self._listing.size(self._size(number))
        head = f'{{"topic":"{self.topic}","type":"{kind}","data":{{"symbol":"{self._listing.symbol}",'
        fields = f'"lastPrice":"{price}","markPrice":"{price}","indexPrice":"{price}",'
        if kind == "snapshot":
            fields += f'"highPrice24h":"{price}","lowPrice24h":"{price}","prevPrice24h":"{price}",'
            fields += '"price24hPcnt":"0.01","openInterest":"1000","fundingRate":"0.0001",'
            fields += '"nextFundingTime":"4070908800000",'
        fields += f'"volume24h":"{size}","turnover24h":"{size}"}},"cs":'
        return [head + fields, self._id(number, None if kind == "delta" else 0), ',"ts":', NOW, "}"]

    def _public_trade(self, number: int) -> Parts:
        size, identity = self._listing.size(self._size(number)), self._id(number)
        text = f',"s":"{self._listing.symbol}","S":"Buy","v":"{size}","p":"{self._price(1)}",'
        text += '"L":"PlusTick","i":"'
        head = f'{{"topic":"{self.topic}","type":"snapshot","ts":'
        tail = '","BT":false,"RPI":false,"seq":'
        return [head, NOW, ',"data":[{"T":', NOW, text, identity, tail, identity, "}]}"]

    def _wrapped(self, *parts: str | Field) -> Parts:
        return [f'{{"stream":"{self.topic}","data":', *parts, "}"]

    def _book_ticker(self, number: int) -> Parts:
        size, symbol = self._listing.size(self._size(number)), self._listing.symbol
        bid, ask = self._price(-(number % 2)), self._price(1)
        text = f',"s":"{symbol}","ps":"{symbol}","b":"{bid}","B":"{size}","a":"{ask}","A":"{size}","T":'
        return self._wrapped('{"e":"bookTicker","u":', self._id(number), text, NOW, ',"E":', NOW, ',"st":1}')

    def _partial(self, number: int) -> Parts:
        count, lots = int("".join(filter(str.isdigit, self.topic.split("@")[1]))), self._size(number)
        bids = self._listing.levels([(self._ticks - i, lots + i) for i in range(count)], "0")
        asks = self._listing.levels([(self._ticks + 1 + i, lots + i) for i in range(count)], "0")
        name = f',"s":"{self._listing.symbol}","ps":"{self._listing.symbol}","U":'
        identity = self._id(number)
        ids = (identity, ',"u":', identity, ',"pu":', self._id(number - 1))
        tail = f',"b":[{bids}],"a":[{asks}],"st":1}}'
        return self._wrapped('{"e":"depthUpdate","E":', NOW, ',"T":', NOW, name, *ids, tail)

    def _agg_trade(self, number: int) -> Parts:
        size, identity = self._listing.size(self._size(number)), self._id(number)
        text = f',"p":"{self._price(1)}","q":"{size}","nq":"{size}","f":'
        head = f',"s":"{self._listing.symbol}","a":'
        tail = (identity, ',"l":', identity, ',"T":', NOW, ',"m":false,"st":1}')
        return self._wrapped('{"e":"aggTrade","E":', NOW, head, identity, text, *tail)

    def _kline(self, number: int) -> Parts:
        """The running candle of the current minute; it never closes."""
        symbol, price, size = self._listing.symbol, self._price(0), self._listing.size(self._size(number))
        if self.topic.startswith("kline."):
            text = f',"interval":"1","open":"{price}","close":"{price}","high":"{price}","low":"{price}",'
            text += f'"volume":"{size}","turnover":"{size}","confirm":false,"timestamp":'
            head = f'{{"topic":"{self.topic}","data":[{{"start":'
            return [head, MINUTE, ',"end":', MINUTE_END, text, NOW, '}],"ts":', NOW, ',"type":"snapshot"}']
        text = (
            f',"s":"{symbol}","i":"1m","f":1,"L":1,"o":"{price}","c":"{price}","h":"{price}","l":"{price}",'
        )
        text += f'"v":"{size}","n":1,"x":false,"q":"{size}","V":"{size}","Q":"{size}","B":"0"}}}}'
        head = f',"s":"{symbol}","k":{{"t":'
        return self._wrapped('{"e":"kline","E":', NOW, head, MINUTE, ',"T":', MINUTE_END, text)

    def _mark_price(self, number: int) -> Parts:
        symbol, price = self._listing.symbol, self._price(number)
        text = f',"s":"{symbol}","p":"{price}","ap":"{price}","P":"{price}","i":"{price}","r":"0.0001","T":'
        return self._wrapped('{"e":"markPriceUpdate","E":', NOW, text, '4070908800000,"st":1}')

    def _day(self, number: int) -> Parts:
        symbol, price, size = self._listing.symbol, self._price(0), self._listing.size(self._size(number))
        text = f',"s":"{symbol}","ps":"{symbol}","p":"0","P":"0","w":"{price}","c":"{price}","Q":"{size}",'
        text += f'"o":"{price}","h":"{price}","l":"{price}","v":"{size}","q":"{size}","O":'
        tail = ',"F":1,"L":1,"n":1,"st":1}'
        return self._wrapped('{"e":"24hrTicker","E":', NOW, text, MINUTE, ',"C":', NOW, tail)


def _kind_of(topic: str) -> str:
    """orderbook, tickers, publicTrade, kline; or bookTicker, depth, aggTrade, kline, markPrice, ticker."""
    if "@" not in topic:
        kind, _, rest = topic.partition(".")
        return kind if kind != "kline" or rest.startswith("1.") else ""
    kind = topic.split("@")[1]
    if kind.startswith("depth"):
        return "depth" if kind != "depth" else ""
    if kind.startswith("kline_"):
        return "kline" if kind == "kline_1m" else ""
    return kind
