"""Binance USDⓈ-M futures on the wire. Source: developers.binance.com, WebSocket market streams."""

import re
from collections.abc import Callable, Sequence

import msgspec

from collector.venues.adapter import (
    UNREADABLE,
    Decoded,
    Id,
    Loose,
    Plan,
    Positive,
    Price,
    Topic,
    compact,
    cut,
    first_bytes,
    number,
    whole,
)
from collector.venues.binance_trades import decode_trade
from collector.venues.soundness import sound_kline, sound_levels, sound_ticker
from market.book import SERVED_LEVELS
from market.book_rules import BookRules, DiffBook, PartialBook
from market.events import (
    Ack,
    BookDelta,
    BookSnapshot,
    Event,
    FrameError,
    Kline,
    Rejected,
    TickerUpdate,
    Top,
    Unexplained,
)
from market.intervals import INTERVAL_MS

NAME = "binance"
ROUTES: tuple[str, ...] = ("public", "market")
GREETING_CHANNELS: frozenset[str] = frozenset()
TICKS_FROM_TOP = True
TRADE_IDS_RISE_BY_ONE = True
OPENS_AT_LAST_CLOSE = False
PING_EVERY_S = 25.0
SUBSCRIBE_EVERY_S = 0.3
MAX_TOPICS = 200
DEPTH_LIMIT = 1000
_STREAMS_PER_REQUEST = 100
_BYTES_PER_REQUEST = 3_500
_USDM = 1
_WHOLE_TOP = "depth20@100ms"

_PUBLIC = re.compile(r"@(bookTicker|depth\d*(@\d+ms)?|rpiDepth@500ms)$|^!bookTicker$")
_PARTIAL = re.compile(r"@depth\d+(@\d+ms)?$")


class _Wrapper(msgspec.Struct):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    code: int | None = None
    msg: str = ""
    e: str = ""


class _Kind(msgspec.Struct):
    e: str
    st: int = _USDM


class _BookTicker(msgspec.Struct):
    u: Id
    s: str
    b: Positive
    B: Positive
    a: Positive
    A: Positive
    E: int
    T: int = 0


class _Depth(msgspec.Struct):
    s: str
    U: Id
    u: Id
    b: list[tuple[Positive, Positive]]
    a: list[tuple[Positive, Positive]]
    E: int
    T: int = 0
    pu: Id | None = None

    def __post_init__(self) -> None:
        self.b, self.a = sound_levels(self.b), sound_levels(self.a)


class _Ticker(msgspec.Struct):
    s: str
    E: int
    P: Loose = None
    c: Loose = None
    h: Loose = None
    l: Loose = None  # noqa: E741  (the venue's name)
    v: Loose = None
    q: Loose = None


class _MarkPrice(msgspec.Struct):
    s: str
    E: int
    p: Loose = None
    i: Loose = None
    r: Loose = None
    T: Loose = None


class _Candle(msgspec.Struct):
    t: int
    i: str
    o: Price
    h: Price
    l: Price  # noqa: E741  (the venue's name)
    c: Price
    v: Positive
    q: Positive
    n: Id
    V: Positive
    x: bool


class _KlineEvent(msgspec.Struct):
    s: str
    E: int
    k: _Candle


_wrapper = msgspec.json.Decoder(_Wrapper, strict=False)
_kind = msgspec.json.Decoder(_Kind, strict=False)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_book_ticker = msgspec.json.Decoder(_BookTicker, strict=False)
_depth = msgspec.json.Decoder(_Depth, strict=False)
_ticker = msgspec.json.Decoder(_Ticker, strict=False)
_mark_price = msgspec.json.Decoder(_MarkPrice, strict=False)
_kline = msgspec.json.Decoder(_KlineEvent, strict=False)


def route(stream: str) -> str:
    """The route a stream lives on; on the other one it is acknowledged and silent."""
    return "public" if _PUBLIC.search(stream) else "market"


def topics(symbol: str, plan: Plan) -> list[Topic]:
    """Best quotes, book, ticker, mark price, trades and candles of one symbol."""
    intervals = ("1m",) if plan.uses_rest else plan.intervals
    channels = {
        "bookTicker": "top",
        "depth@100ms" if plan.uses_rest else _WHOLE_TOP: "book",
        "ticker": "ticker",
        "markPrice@1s": "ticker",
        "aggTrade": "trade",
        **{f"kline_{interval}": "kline" for interval in intervals},
    }
    named = ((f"{symbol.lower()}@{stream}", channel) for stream, channel in channels.items())
    return [Topic(name, route(name), channel, symbol) for name, channel in named]


def book_without_rest(symbol: str) -> Topic | None:
    """The best 20 levels, whole in every message."""
    name = f"{symbol.lower()}@{_WHOLE_TOP}"
    return Topic(name, route(name), "book", symbol)


def url(base: str, route: str) -> str:
    """The combined-stream socket of a route; it says of each message which stream it is from."""
    return f"{base}/{route}/stream"


def batches(names: Sequence[str]) -> list[list[str]]:
    """At most 100 streams and 3.5 kB a request: larger frames are ignored without a word."""
    return cut(names, _STREAMS_PER_REQUEST, _BYTES_PER_REQUEST)


def subscribe(names: Sequence[str], request_id: int) -> str:
    """Ask for streams; the ack does not mean that they exist."""
    return compact({"method": "SUBSCRIBE", "params": list(names), "id": request_id})


def unsubscribe(names: Sequence[str], request_id: int) -> str:
    """End streams."""
    return compact({"method": "UNSUBSCRIBE", "params": list(names), "id": request_id})


def ping(request_id: int) -> None:
    """Control pings are enough."""


def make_book(plan: Plan) -> BookRules:
    """Deltas on a REST snapshot; without REST a stream of whole tops."""
    return DiffBook(DEPTH_LIMIT, SERVED_LEVELS) if plan.uses_rest else PartialBook()


def decode(frame: bytes, recv_time: int) -> Decoded:
    """Translate one text frame. Raises FrameError for what is damaged."""
    try:
        wrapper = _wrapper.decode(frame)
        stream = wrapper.stream
        if not stream and not wrapper.e:
            return Decoded("", [_control(wrapper)])
        data = wrapper.data if stream else msgspec.Raw(frame)
        if bytes(memoryview(data)[:1]) == b"[":
            return Decoded(stream, [e for raw in _raws.decode(data) for e in _decode_one(raw, recv_time, "")])
        return Decoded(stream, _decode_one(data, recv_time, stream))
    except UNREADABLE as error:
        raise FrameError(f"{error}: {first_bytes(frame)}") from None


def _decode_one(data: msgspec.Raw, recv_time: int, stream: str) -> list[Event]:
    """One entry; those of the COIN-M universe, which mixed streams carry too, are dropped."""
    kind = _kind.decode(data)
    if kind.st != _USDM:
        return []
    is_partial = kind.e == "depthUpdate" and _PARTIAL.search(stream)
    handler = _decode_partial if is_partial else _HANDLERS.get(kind.e)
    return [handler(data, recv_time) if handler else Unexplained(kind.e)]


def _control(wrapper: _Wrapper) -> Event:
    request_id = "" if wrapper.id is None else str(wrapper.id)
    if bytes(wrapper.error) or wrapper.code is not None:
        return Rejected(request_id, bytes(wrapper.error).decode() or wrapper.msg)
    if bytes(wrapper.result):
        return Ack(request_id)
    return Unexplained("answer")


def _decode_top(data: msgspec.Raw, recv_time: int) -> Event:
    t = _book_ticker.decode(data)
    if t.b == 0 < t.B or t.a == 0 < t.A:
        raise msgspec.ValidationError("a quote with a size cannot have a price of 0")
    bid, bid_size = (t.b, t.B) if t.B > 0 else (None, None)
    ask, ask_size = (t.a, t.A) if t.A > 0 else (None, None)
    return Top(t.s, bid, bid_size, ask, ask_size, t.u, t.T or t.E, recv_time)


def _decode_depth(data: msgspec.Raw, recv_time: int) -> Event:
    d = _depth.decode(data)
    return BookDelta(d.s, d.b, d.a, d.u, d.T or d.E, recv_time, d.U, d.pu)


def _decode_partial(data: msgspec.Raw, recv_time: int) -> Event:
    d = _depth.decode(data)
    return BookSnapshot(d.s, d.b, d.a, d.u, d.T or d.E, recv_time)


def _decode_ticker(data: msgspec.Raw, recv_time: int) -> Event:
    t = _ticker.decode(data)
    return sound_ticker(TickerUpdate(
        t.s, t.E, recv_time, last_price=number(t.c), high_24h=number(t.h), low_24h=number(t.l),
        volume_24h=number(t.v), turnover_24h=number(t.q), change_24h_pct=number(t.P),
    ))  # fmt: skip


def _decode_mark_price(data: msgspec.Raw, recv_time: int) -> Event:
    m = _mark_price.decode(data)
    mark, index, rate = number(m.p), number(m.i), number(m.r)
    return sound_ticker(TickerUpdate(m.s, m.E, recv_time, None, mark, index, rate, whole(m.T)))


def _decode_kline(data: msgspec.Raw, recv_time: int) -> Event:
    event = _kline.decode(data)
    k, at = event.k, event.E
    if k.i not in INTERVAL_MS:
        return Unexplained(f"kline_{k.i}")
    return sound_kline(Kline(event.s, k.i, k.t, k.o, k.h, k.l, k.c, k.v, k.q, k.x, at, recv_time, k.n, k.V))


_HANDLERS: dict[str, Callable[[msgspec.Raw, int], Event]] = {
    "bookTicker": _decode_top,
    "depthUpdate": _decode_depth,
    "24hrTicker": _decode_ticker,
    "markPriceUpdate": _decode_mark_price,
    "kline": _decode_kline,
    "aggTrade": decode_trade,
}
