"""Bybit's ticker: one full snapshot, then only what has changed. REST answers the same fields."""

from math import inf

from collector.simulator.economy.instrument import FUNDING_HOURS, Instrument
from collector.simulator.wire import Subscriber

_PUSH_MS = 100
_PAIRS = (("bid1Price", "bid1Size"), ("ask1Price", "ask1Size"))


def ticker_fields(instrument: Instrument, now: float) -> dict[str, str]:
    """Everything Bybit says about an instrument, as text."""
    listing, day, top = instrument.listing, instrument.candles.day(), instrument.book.top
    last = instrument.candles.last_price
    mark, index = instrument.reference()
    rate, next_time = instrument.funding(now)
    one_side = instrument.open_interest()
    value = one_side * listing.lot_size * mark
    places = listing.price_places
    return {
        "symbol": listing.symbol,
        "tickDirection": _tick_direction(instrument),
        "price24hPcnt": f"{(last - day.open) / day.open:.6f}",
        "lastPrice": listing.price(last),
        "prevPrice24h": listing.price(day.open),
        "highPrice24h": listing.price(day.high),
        "lowPrice24h": listing.price(day.low),
        "prevPrice1h": listing.price(day.hour_ago),
        "markPrice": f"{mark:.{places}f}",
        "indexPrice": f"{index:.{places}f}",
        "openInterest": listing.size(2 * one_side),
        "openInterestValue": f"{2 * value:.2f}",
        "singleOpenInterest": listing.size(one_side),
        "singleOpenInterestValue": f"{value:.2f}",
        "turnover24h": f"{day.turnover * listing.tick_size * listing.lot_size:.4f}",
        "volume24h": f"{day.volume * listing.lot_size:.4f}",
        "fundingIntervalHour": str(FUNDING_HOURS),
        "fundingCap": "0.005",
        "nextFundingTime": str(next_time),
        "fundingRate": f"{rate:.8f}",
        "bid1Price": listing.price(top.bid),
        "bid1Size": listing.size(top.bid_lots),
        "ask1Price": listing.price(top.ask),
        "ask1Size": listing.size(top.ask_lots),
        "preOpenPrice": "",
        "preQty": "",
        "curPreListingPhase": "",
    }


class TickerStream:
    """tickers: every 100 ms, if anything has changed."""

    def __init__(self, topic: str, instrument: Instrument) -> None:
        self.clients: dict[Subscriber, None] = {}
        self._topic = topic
        self._instrument = instrument
        self._version = instrument.version
        self._fields = ticker_fields(instrument, instrument.time)
        self._last = -inf

    def close(self) -> None:
        """Nothing to give back."""

    def due(self, now: float) -> float:
        return max(now, self._last + _PUSH_MS) if self._instrument.version != self._version else inf

    def publish(self, now: float) -> None:
        fields, old = ticker_fields(self._instrument, now), self._fields
        self._fields, self._version, self._last = fields, self._instrument.version, now
        changed = {name: value for name, value in fields.items() if old[name] != value}
        for pair in _PAIRS:
            if not changed.keys().isdisjoint(pair):
                changed |= {name: fields[name] for name in pair}
        if changed:
            payload = self._message("delta", {"symbol": fields["symbol"]} | changed, now)
            for client in self.clients:
                client.send(payload, self._topic)

    def welcome(self, client: Subscriber, now: float) -> None:
        client.send(self._message("snapshot", self._fields, now), self._topic)

    def _message(self, kind: str, fields: dict[str, str], now: float) -> bytes:
        text = ",".join([f'"{name}":"{value}"' for name, value in fields.items()])
        return (
            f'{{"topic":"{self._topic}","type":"{kind}","data":{{{text}}},'
            f'"cs":{self._instrument.sequence},"ts":{int(now)}}}'
        ).encode()


def _tick_direction(instrument: Instrument) -> str:
    """How the last trade's price compares with the one before."""
    trades = instrument.trades
    if len(trades) < 2 or trades[-1].ticks == trades[-2].ticks:
        return "ZeroPlusTick"
    return "PlusTick" if trades[-1].ticks > trades[-2].ticks else "MinusTick"
