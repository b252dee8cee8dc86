"""Binance's aggregate trades, which its stream and its REST give alike."""

import msgspec

from collector.venues.adapter import Id, Loose, Positive, Price, number
from market.events import Event, Trade


class AggTrade(msgspec.Struct, kw_only=True):
    """What stream and REST say alike of the trades of one taker at one price."""

    a: Id
    p: Price
    q: Positive
    T: int
    m: bool
    f: Id = 0
    l: Id = 0  # noqa: E741  (the venue's name)
    nq: Loose = None

    def trade(self, symbol: str, recv_time: int) -> Trade:
        """As an event. `nq` leaves out what the book does not show."""
        side, fills = "sell" if self.m else "buy", max(1, self.l - self.f + 1)
        moves_book = number(self.nq) != 0
        return Trade(symbol, str(self.a), self.p, self.q, side, self.T, recv_time, fills, moves_book)


class _AggTradeEvent(AggTrade, kw_only=True):
    s: str


_event = msgspec.json.Decoder(_AggTradeEvent, strict=False)


def decode_trade(data: msgspec.Raw, recv_time: int) -> Event:
    """One trade of the stream. Raises msgspec.MsgspecError."""
    event = _event.decode(data)
    return event.trade(event.s, recv_time)
