"""Binance's streams (USDⓈ-M futures), made from a simulated instrument; field sets as of 2026.

Source: Binance developer documentation, USDⓈ-M futures, WebSocket market streams, and its CM-UM integration
notice (`ps`, `st`).
"""

import re
from collections.abc import Callable
from math import inf

from collector.simulator.economy.book import Top
from collector.simulator.economy.instrument import Instrument, Stream
from collector.simulator.streams.binance_candles import KlineStream, MiniTickerStream, TickerStream
from collector.simulator.streams.binance_stream import BinanceStream

_DIFF_MS = {"": 250, "@100ms": 100, "@500ms": 500}
_MARK_MS = {"": 3000, "@1s": 1000}
_NAME = re.compile(r"^[^@!]+@(?P<kind>[A-Za-z]+)(?P<levels>5|10|20)?(?P<suffix>@\w+|_\w+)?$")


class BookTickerStream(BinanceStream):
    """bookTicker: every change of the best price or size."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        super().__init__(name, instrument)
        self._version = instrument.version

    def due(self, now: float) -> float:
        return now if self.instrument.version != self._version else inf

    def publish(self, now: float) -> None:
        self._version = self.instrument.version
        for top in self.instrument.book.tops:
            self.send_all(self._event(top, now))

    def _event(self, top: Top, now: float) -> str:
        price, size = self.listing.price, self.listing.size
        return (
            f'{{"e":"bookTicker","u":{top.update_id},"s":"{self.symbol}","ps":"{self.symbol}",'
            f'"b":"{price(top.bid)}","B":"{size(top.bid_lots)}","a":"{price(top.ask)}","A":"{size(top.ask_lots)}",'
            f'"T":{self.instrument.time},"E":{int(now)},"st":1}}'
        )


class DiffStream(BinanceStream):
    """depth: everything that has changed since the event before; only `pu` chains them."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        super().__init__(name, instrument)
        self._push_ms = _DIFF_MS[name.partition("@depth")[2]]
        self._journal = instrument.book.open_journal()
        self._previous = instrument.book.update_id
        self._last = -inf

    def close(self) -> None:
        self.instrument.book.close_journal(self._journal)

    def due(self, now: float) -> float:
        return inf if self._journal.first is None else max(now, self._last + self._push_ms)

    def publish(self, now: float) -> None:
        book, journal, self._last = self.instrument.book, self._journal, now
        bids = [(-key, book.bids.lots.get(key, 0)) for key in sorted(journal.bids)]
        asks = [(key, book.asks.lots.get(key, 0)) for key in sorted(journal.asks)]
        ids = f'"U":{journal.first},"u":{book.update_id},"pu":{self._previous}'
        self._previous, journal.first = book.update_id, None
        journal.bids.clear()
        journal.asks.clear()
        self.send_all(self.depth_event(ids, bids, asks, now))


class PartialStream(BinanceStream):
    """depth5, depth10, depth20: the whole top of the book each time."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        super().__init__(name, instrument)
        match = _NAME.match(name)
        self._levels = int(match["levels"]) if match else 0
        self._push_ms = _DIFF_MS[(match["suffix"] or "") if match else ""]
        self._previous = instrument.book.update_id
        self._version, self._last = instrument.version, -inf

    def due(self, now: float) -> float:
        return inf if self.instrument.version == self._version else max(now, self._last + self._push_ms)

    def publish(self, now: float) -> None:
        book, self._last, self._version = self.instrument.book, now, self.instrument.version
        if book.update_id == self._previous:
            return
        ids = f'"U":{self._previous + 1},"u":{book.update_id},"pu":{self._previous}'
        self._previous = book.update_id
        bids, asks = book.bids.levels(self._levels), book.asks.levels(self._levels)
        self.send_all(self.depth_event(ids, bids.items(), asks.items(), now))


class AggTradeStream(BinanceStream):
    """aggTrade: each order of a taker at one price; `a` rises by one."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        super().__init__(name, instrument)
        self._cursor = instrument.trade_id

    def due(self, now: float) -> float:
        return now if self.instrument.trade_id > self._cursor else inf

    def publish(self, now: float) -> None:
        missing = min(self.instrument.trade_id - self._cursor, len(self.instrument.trades))
        self._cursor = self.instrument.trade_id
        for trade in list(self.instrument.trades)[-missing:]:
            size = self.listing.size(trade.lots)
            self.send_all(
                f'{{"e":"aggTrade","E":{int(now)},"s":"{self.symbol}","a":{trade.trade_id},'
                f'"p":"{self.listing.price(trade.ticks)}","q":"{size}","nq":"{size}",'
                f'"f":{trade.trade_id},"l":{trade.trade_id},"T":{trade.time},'
                f'"m":{"false" if trade.is_buy else "true"},"st":1}}'
            )


class MarkPriceStream(BinanceStream):
    """markPrice: mark and index price, and the funding that is due next."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        super().__init__(name, instrument)
        self._push_ms = _MARK_MS[name.partition("@markPrice")[2]]
        self._average, _ = instrument.reference()
        self._last = -inf

    def due(self, now: float) -> float:
        return max(now, self._last + self._push_ms)

    def publish(self, now: float) -> None:
        self._last = now
        mark, index = self.instrument.reference()
        self._average += (mark - self._average) * 0.05
        rate, next_time = self.instrument.funding(now)
        places = self.listing.price_places + 2
        self.send_all(
            f'{{"e":"markPriceUpdate","E":{int(now)},"s":"{self.symbol}","p":"{mark:.{places}f}",'
            f'"ap":"{self._average:.{places}f}","P":"{index:.{places}f}","i":"{index:.{places}f}",'
            f'"r":"{rate:.8f}","T":{next_time},"st":1}}'
        )


def maker_of(name: str) -> Callable[[str, Instrument], Stream] | None:
    """What makes a stream; None if there is no such stream."""
    match = _NAME.match(name)
    if match is None:
        return None
    kind, levels, suffix = match["kind"], match["levels"], match["suffix"] or ""
    makers: dict[str, Callable[[str, Instrument], Stream]] = {
        "bookTicker": BookTickerStream,
        "aggTrade": AggTradeStream,
    }
    makers |= {"ticker": TickerStream, "miniTicker": MiniTickerStream}
    if kind == "kline":
        return KlineStream if suffix.removeprefix("_") in KlineStream.INTERVALS else None
    if kind == "depth" and suffix in _DIFF_MS:
        return PartialStream if levels else DiffStream
    if kind == "markPrice" and suffix in _MARK_MS:
        return MarkPriceStream
    return makers.get(kind) if not suffix and not levels else None
