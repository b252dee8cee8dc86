"""Binance USDⓈ-M futures: the public REST calls that the collector makes, and their replies.

Source: developers.binance.com, USDⓈ-M futures, REST market data.
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
from collector.venues.binance import DEPTH_LIMIT
from collector.venues.binance_trades import AggTrade
from collector.venues.soundness import sound_kline, sound_levels
from market.events import BookSnapshot, Kline, Trade
from market.instruments import Instrument, parse_symbol
from market.intervals import INTERVAL_MS

LIMITS = Limits(limit=2400, window_s=60, per_s=12, burst=1500)
USED_WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
KLINES_LIMIT = 1000
SNAPSHOT_DEPTH = DEPTH_LIMIT
TRADES_BY_ID = True
TRADES_LIMIT = 1000
_KLINE_WEIGHTS = ((99, 1), (499, 2), (1000, 5), (1500, 10))
_DEPTH_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}
_BUSY = {-1000, -1001, -1003, -1006, -1007, -1008, -1016}
"""Unknown error, disconnected, too many requests, unexpected response, time-out, overload, shutting down."""
Result = TypeVar("Result")


class _Refusal(msgspec.Struct):
    code: int
    msg: str = ""


class _Time(msgspec.Struct, rename="camel"):
    server_time: int


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: Loose = None
    step_size: Loose = None


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    contract_type: str = "PERPETUAL"
    status: str = "TRADING"
    quote_asset: str = "USDT"
    underlying_type: str = "COIN"
    filters: list[_Filter] = []


class _ExchangeInfo(msgspec.Struct):
    symbols: list[msgspec.Raw]


class _Statistics(msgspec.Struct, rename="camel"):
    symbol: str
    quote_volume: Loose = None


class _Depth(msgspec.Struct, rename="camel"):
    last_update_id: int
    bids: list[tuple[Positive, Positive]]
    asks: list[tuple[Positive, Positive]]
    E: int = msgspec.field(default=0, name="E")
    T: int = msgspec.field(default=0, name="T")

    def __post_init__(self) -> None:
        self.bids, self.asks = sound_levels(self.bids), sound_levels(self.asks)


_Row = tuple[
    int, Price, Price, Price, Price, Positive, int, Positive, int, Positive, Positive, msgspec.Raw
]  # fmt: skip


def refusal(body: bytes) -> Refusal | None:
    """What the venue says is wrong: a negative code, whatever the status."""
    try:
        found = msgspec.json.decode(body, type=_Refusal, strict=False)
    except UNREADABLE:
        return None
    kind = "busy" if found.code in _BUSY else "blocked" if "restricted location" in found.msg else "final"
    return Refusal(found.code, f"code {found.code}: {found.msg}", kind)


def _decode(body: bytes, kind: type[Result]) -> Result:
    """A reply's content. Raises RestError for the venue's own errors and for anything unreadable."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except UNREADABLE as error:
        if (refused := refusal(body)) is not None:
            raise RestError(refused.words, refused.code) from None
        raise RestError(f"{error}: {first_bytes(body)}") from None


def time_request() -> Request:
    """Ask for the venue's clock."""
    return Request("/fapi/v1/time", {}, 1)


def parse_time(body: bytes) -> int:
    """The venue's clock, epoch ms."""
    return _decode(body, _Time).server_time


def instruments_request(cursor: str) -> Request:
    """Ask for all instruments; there is one page."""
    return Request("/fapi/v1/exchangeInfo", {}, 1)


def parse_instruments(body: bytes, venue: str) -> tuple[list[Instrument], str]:
    """USDT perpetuals of coins, by `status` trading or not; steps come from the filters, not the precisions.

    Shares, metals and currencies have another contract type, indices another underlying.
    """

    def convert(raw: msgspec.Raw) -> Instrument | None:
        s = msgspec.json.decode(raw, type=_Symbol, strict=False)
        if (s.contract_type, s.quote_asset, s.underlying_type) != ("PERPETUAL", "USDT", "COIN"):
            return None
        return Instrument(venue, s.symbol, *parse_symbol(s.symbol), *_steps(s.filters), s.status)

    return each(_decode(body, _ExchangeInfo).symbols, convert), ""


def _steps(filters: list[_Filter]) -> tuple[float | None, float | None]:
    by_type = {f.filter_type: f for f in filters}
    price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
    return number(price.tick_size) if price else None, number(lot.step_size) if lot else None


def turnover_request() -> Request:
    """Ask for every symbol's statistics."""
    return Request("/fapi/v1/ticker/24hr", {}, 40)


def parse_turnover(body: bytes) -> dict[str, float]:
    """Turnover of 24 h in quote currency by symbol."""

    def convert(raw: msgspec.Raw) -> tuple[str, float]:
        statistics = msgspec.json.decode(raw, type=_Statistics, strict=False)
        return statistics.symbol, number(statistics.quote_volume) or 0.0

    return dict(each(_decode(body, list[msgspec.Raw]), convert))


def klines_request(symbol: str, interval: str, start: int, limit: int) -> Request:
    """Ask for candles forward from `start`."""
    weight = next(weight for most, weight in _KLINE_WEIGHTS if limit <= most)
    params: dict[str, str | int] = {
        "symbol": symbol, "interval": interval, "startTime": start, "limit": limit,
    }  # fmt: skip
    return Request("/fapi/v1/klines", params, weight)


def parse_klines(body: bytes, symbol: str, interval: str, *, now: int, recv_time: int) -> list[Kline]:
    """Closed candles in ascending order; the venue includes the running one without a mark."""

    def convert(raw: msgspec.Raw) -> Kline | None:
        row = msgspec.json.decode(raw, type=_Row, strict=False)
        if row[0] + INTERVAL_MS[interval] > now:
            return None
        return sound_kline(
            Kline(
                symbol, interval, row[0], row[1], row[2], row[3], row[4], row[5], row[7], True,
                row[0] + INTERVAL_MS[interval] - 1, recv_time, row[8], row[9], "rest",
            )
        )  # fmt: skip

    return each(_decode(body, list[msgspec.Raw]), convert)


def depth_request(symbol: str, limit: int) -> Request:
    """Ask for a book snapshot; the venue knows only some depths, of which the next larger is taken."""
    depth = next((depth for depth in _DEPTH_WEIGHTS if depth >= limit), DEPTH_LIMIT)
    return Request("/fapi/v1/depth", {"symbol": symbol, "limit": depth}, _DEPTH_WEIGHTS[depth])


def parse_depth(body: bytes, symbol: str, recv_time: int) -> BookSnapshot:
    """A book snapshot."""
    depth = _decode(body, _Depth)
    event_time = depth.T or depth.E
    return BookSnapshot(symbol, depth.bids, depth.asks, depth.last_update_id, event_time, recv_time)


def trades_request(symbol: str, after: Trade) -> Request:
    """Ask for the trades that follow one, by its id; the venue keeps about a day of them."""
    params: dict[str, str | int] = {
        "symbol": symbol, "fromId": int(after.trade_id) + 1, "limit": TRADES_LIMIT,
    }  # fmt: skip
    return Request("/fapi/v1/aggTrades", params, 20)


def parse_trades(body: bytes, symbol: str, recv_time: int) -> list[Trade]:
    """Aggregate trades, oldest first, as their stream gives them."""
    raws = _decode(body, list[msgspec.Raw])
    found = each(raws, lambda raw: msgspec.json.decode(raw, type=AggTrade, strict=False))
    return [trade.trade(symbol, recv_time) for trade in found]
