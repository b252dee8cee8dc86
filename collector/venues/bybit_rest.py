"""Bybit v5, category linear: the public REST calls that the collector makes, and their replies.

Source: bybit-exchange.github.io/docs/v5/market/{time,instrument,tickers,kline,orderbook,recent-trade}.
"""

from typing import TypeVar

import msgspec

from collector.venues.adapter import (
    UNREADABLE,
    Limits,
    Loose,
    Positive,
    Price,
    Refusal,
    Request,
    RestError,
    each,
    first_bytes,
    number,
)
from collector.venues.bybit import WIRE_INTERVALS
from collector.venues.soundness import sound_kline, sound_levels
from market.events import BookSnapshot, Kline, Trade
from market.instruments import Instrument, parse_symbol
from market.intervals import INTERVAL_MS

LIMITS = Limits(limit=600, window_s=5, per_s=30, burst=250)
"""A request weighs 1, whatever it asks for."""
USED_WEIGHT_HEADER = ""
KLINES_LIMIT = 1000
SNAPSHOT_DEPTH = 0
TRADES_BY_ID = False
TRADES_LIMIT = 1000
_NOT_COINS = {"stock", "commodity", "forex", "metal", "index", "equity", "etf", "bond"}
_BUSY = {10000, 10006, 10016, 10018, 10429}
"""Server time-out, too many visits, server error, too many requests of one address, system protection."""
_BLOCKED = {10009, 10024}
_SIDES = {"Buy": "buy", "Sell": "sell"}
Result = TypeVar("Result")


class _Reply(msgspec.Struct, rename="camel"):
    ret_code: int
    ret_msg: str = ""
    result: msgspec.Raw = msgspec.Raw()
    time: int = 0


class _Steps(msgspec.Struct, rename="camel"):
    tick_size: Loose = None
    qty_step: Loose = None


class _Instrument(msgspec.Struct, rename="camel"):
    symbol: str
    contract_type: str = "LinearPerpetual"
    status: str = "Trading"
    settle_coin: str = "USDT"
    price_filter: _Steps = msgspec.field(default_factory=_Steps)
    lot_size_filter: _Steps = msgspec.field(default_factory=_Steps)
    symbol_type: str = ""


class _Instruments(msgspec.Struct, rename="camel"):
    list: list[msgspec.Raw]
    next_page_cursor: str | None = ""


class _Rows(msgspec.Struct):
    list: list[msgspec.Raw]


_Row = tuple[int, Price, Price, Price, Price, Positive, Positive]


class _Turnover(msgspec.Struct, rename="camel"):
    symbol: str
    turnover_24h: Loose = msgspec.field(default=None, name="turnover24h")


class _Turnovers(msgspec.Struct):
    list: list[msgspec.Raw]


class _Depth(msgspec.Struct):
    b: list[tuple[Positive, Positive]]
    a: list[tuple[Positive, Positive]]
    u: int
    seq: int | None = None
    ts: int = 0
    cts: int = 0

    def __post_init__(self) -> None:
        self.b, self.a = sound_levels(self.b), sound_levels(self.a)


class _Trade(msgspec.Struct, rename="camel"):
    exec_id: str
    price: Price
    size: Positive
    side: str
    time: int
    seq: int = 0


class _Trades(msgspec.Struct):
    list: list[_Trade]


def refusal(body: bytes) -> Refusal | None:
    """What the venue says is wrong, mostly with status 200."""
    try:
        reply = msgspec.json.decode(body, type=_Reply, strict=False)
    except UNREADABLE:
        return None
    if reply.ret_code == 0:
        return None
    code = reply.ret_code
    kind = "busy" if code in _BUSY else "blocked" if code in _BLOCKED else "final"
    return Refusal(code, f"retCode {code}: {reply.ret_msg}", kind)


def _result(body: bytes, kind: type[Result]) -> Result:
    """The result of a REST reply. Raises RestError for the venue's own errors and for anything unreadable."""
    if (refused := refusal(body)) is not None:
        raise RestError(refused.words, refused.code)
    try:
        reply = msgspec.json.decode(body, type=_Reply, strict=False)
        return msgspec.json.decode(reply.result, type=kind, strict=False)
    except UNREADABLE as error:
        raise RestError(f"{error}: {first_bytes(body)}") from None


def _get(path: str, **params: str | int) -> Request:
    return Request(f"/v5/market/{path}", {"category": "linear", **params}, 1)


def time_request() -> Request:
    """Ask for the venue's clock."""
    return _get("time")


def parse_time(body: bytes) -> int:
    """The venue's clock, epoch ms."""
    _result(body, dict)
    return msgspec.json.decode(body, type=_Reply, strict=False).time


def instruments_request(cursor: str) -> Request:
    """Ask for a page of instruments that trade; there are more than one page holds by default."""
    request = _get("instruments-info", status="Trading", limit=1000)
    return request._replace(params=request.params | {"cursor": cursor}) if cursor else request


def parse_instruments(body: bytes, venue: str) -> tuple[list[Instrument], str]:
    """USDT perpetuals of crypto coins only: no dated futures, shares, metals or currencies."""

    def convert(raw: msgspec.Raw) -> Instrument | None:
        i = msgspec.json.decode(raw, type=_Instrument, strict=False)
        is_ours = i.contract_type == "LinearPerpetual" and i.settle_coin == "USDT"
        if not is_ours or i.symbol_type in _NOT_COINS:
            return None
        tick_size, lot_size = number(i.price_filter.tick_size), number(i.lot_size_filter.qty_step)
        return Instrument(venue, i.symbol, *parse_symbol(i.symbol), tick_size, lot_size, i.status)

    page = _result(body, _Instruments)
    return each(page.list, convert), page.next_page_cursor or ""


def turnover_request() -> Request:
    """Ask for every symbol's ticker."""
    return _get("tickers")


def parse_turnover(body: bytes) -> dict[str, float]:
    """Turnover of 24 h in quote currency by symbol."""

    def convert(raw: msgspec.Raw) -> tuple[str, float]:
        ticker = msgspec.json.decode(raw, type=_Turnover, strict=False)
        return ticker.symbol, number(ticker.turnover_24h) or 0.0

    return dict(each(_result(body, _Turnovers).list, convert))


def klines_request(symbol: str, interval: str, start: int, limit: int) -> Request:
    """Ask for a window of at most `limit` candles, so that which end is cut is no question."""
    end = start + limit * INTERVAL_MS[interval] - 1
    return _get("kline", symbol=symbol, interval=WIRE_INTERVALS[interval], start=start, end=end, limit=limit)


def parse_klines(body: bytes, symbol: str, interval: str, *, now: int, recv_time: int) -> list[Kline]:
    """Closed candles in ascending order; the venue sends the newest first, the running one included."""

    def convert(raw: msgspec.Raw) -> Kline | None:
        row: _Row = msgspec.json.decode(raw, type=_Row, strict=False)
        end = row[0] + INTERVAL_MS[interval]
        made = Kline(symbol, interval, *row, True, end - 1, recv_time, source="rest")
        return sound_kline(made) if end <= now else None

    return sorted(each(_result(body, _Rows).list, convert), key=lambda kline: kline.open_time)


def depth_request(symbol: str, limit: int) -> Request:
    """Ask for a book snapshot, to compare with; the stream sends its own to build on."""
    return _get("orderbook", symbol=symbol, limit=limit)


def parse_depth(body: bytes, symbol: str, recv_time: int) -> BookSnapshot:
    """A book snapshot. Its update id counts the 1,000-level stream; `sequence` compares with any depth."""
    d = _result(body, _Depth)
    return BookSnapshot(symbol, d.b, d.a, d.u, d.cts or d.ts, recv_time, d.seq)


def trades_request(symbol: str, after: Trade) -> Request:
    """Ask for the newest trades; the venue gives no others."""
    return _get("recent-trade", symbol=symbol, limit=TRADES_LIMIT)


def parse_trades(body: bytes, symbol: str, recv_time: int) -> list[Trade]:
    """Trades, oldest first; the venue sends the newest first."""
    rows = _result(body, _Trades).list
    rows.reverse()
    rows.sort(key=lambda row: (row.time, row.seq))
    return [Trade(symbol, r.exec_id, r.price, r.size, _side(r.side), r.time, recv_time) for r in rows]


def _side(word: str) -> str:
    if word not in _SIDES:
        raise RestError(f"expected a side, found {word!r}")
    return _SIDES[word]
