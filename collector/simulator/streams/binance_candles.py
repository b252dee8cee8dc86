"""Binance's candle and 24-hour streams."""

from math import inf

from collector.simulator.economy.history import (
    BUY_TURNOVER,
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
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.noise import FloatArray
from collector.simulator.streams.binance_stream import BinanceStream
from market.intervals import INTERVAL_MS, close_of, open_of

_KLINE_MS = 250
_TICKER_MS = 2000


class KlineStream(BinanceStream):
    """kline_{interval}: every 250 ms while there are trades, and the closed candle with `x` true."""

    INTERVALS = tuple(INTERVAL_MS)

    def __init__(self, name: str, instrument: Instrument) -> None:
        super().__init__(name, instrument)
        self._interval = name.rpartition("_")[2]
        self._open_time = open_of(instrument.candles.minute, self._interval)
        self._cursor = instrument.trade_id
        self._last = -inf

    def due(self, now: float) -> float:
        turn = self._open_time + INTERVAL_MS[self._interval]
        if self.instrument.trade_id > self._cursor:
            return min(turn, max(now, self._last + _KLINE_MS))
        return turn

    def publish(self, now: float) -> None:
        candles, instrument = self.instrument.candles, self.instrument
        for row in candles.closed_since(self._interval, self._open_time):
            self.send_all(self._event(row, "true", now))
        self._open_time = open_of(candles.minute, self._interval)
        if instrument.trade_id > self._cursor:
            self.send_all(self._event(candles.running(self._interval), "false", now))
            self._cursor, self._last = instrument.trade_id, now

    def _event(self, row: FloatArray, closed: str, now: float) -> str:
        listing, start, count = self.listing, int(row[OPEN_TIME]), int(row[TRADES])
        last = self.instrument.trade_id if count else -1
        first = last - count + 1 if count else -1
        price, size, turnover = listing.price, listing.size, listing.turnover
        return (
            f'{{"e":"kline","E":{int(now)},"s":"{self.symbol}","k":{{"t":{start},'
            f'"T":{close_of(start, self._interval)},"s":"{self.symbol}","i":"{self._interval}",'
            f'"f":{first},"L":{last},"o":"{price(row[OPEN])}","c":"{price(row[CLOSE])}","h":"{price(row[HIGH])}",'
            f'"l":"{price(row[LOW])}","v":"{size(row[VOLUME])}","n":{count},"x":{closed},'
            f'"q":"{turnover(row[TURNOVER])}","V":"{size(row[BUY_VOLUME])}","Q":"{turnover(row[BUY_TURNOVER])}",'
            f'"B":"0"}}}}'
        )


def day_fields(instrument: Instrument, now: float) -> dict[str, str | int]:
    """The last 24 hours in Binance's short names: prices and volumes as text."""
    listing, day, last = instrument.listing, instrument.candles.day(), instrument.candles.last_price
    trade = instrument.trades[-1] if instrument.trades else None
    lots = trade.lots if trade else 0
    return {
        "p": listing.price(last - day.open),
        "P": f"{100.0 * (last - day.open) / day.open:.3f}",
        "w": listing.price(day.turnover / day.volume),
        "c": listing.price(last),
        "Q": listing.size(lots),
        "o": listing.price(day.open),
        "h": listing.price(day.high),
        "l": listing.price(day.low),
        "v": listing.size(day.volume),
        "q": listing.turnover(day.turnover),
        "O": day.open_time,
        "C": int(now),
        "F": instrument.trade_id - int(day.trades) + 1,
        "L": instrument.trade_id,
        "n": int(day.trades),
    }


class _PeriodicStream(BinanceStream):
    """A stream that is sent every two seconds."""

    def __init__(self, name: str, instrument: Instrument) -> None:
        super().__init__(name, instrument)
        self._last = -inf

    def due(self, now: float) -> float:
        return max(now, self._last + _TICKER_MS)

    def publish(self, now: float) -> None:
        self._last = now
        fields = day_fields(self.instrument, now)
        text = ",".join(
            f'"{name}":"{value}"' if isinstance(value, str) else f'"{name}":{value}'
            for name, value in fields.items()
            if name in self.FIELDS
        )
        self.send_all(
            f'{{"e":"{self.EVENT}","E":{int(now)},"s":"{self.symbol}","ps":"{self.symbol}",{text},"st":1}}'
        )

    EVENT = ""
    FIELDS: frozenset[str] = frozenset()


class TickerStream(_PeriodicStream):
    """ticker: rolling 24 hours, without bid and ask."""

    EVENT = "24hrTicker"
    FIELDS = frozenset("pPwcQohlvqOCFLn")


class MiniTickerStream(_PeriodicStream):
    """miniTicker: the same, shorter."""

    EVENT = "24hrMiniTicker"
    FIELDS = frozenset("cohlvq")
