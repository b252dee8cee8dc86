"""Bybit v5, category linear: wire formats of the public WebSocket.

Source: bybit-exchange.github.io/docs/v5 (websocket/public/{orderbook,ticker,kline,trade}).
"""

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
    first_bytes,
    number,
    whole,
)
from collector.venues.soundness import sound_kline, sound_levels, sound_ticker
from market.book_rules import BookRules, SequencedBook
from market.events import (
    Ack,
    BookDelta,
    BookSnapshot,
    Event,
    FrameError,
    Kline,
    Pong,
    Rejected,
    TickerUpdate,
    Trade,
    Unexplained,
)

NAME = "bybit"
ROUTES: tuple[str, ...] = ("linear",)
GREETING_CHANNELS = frozenset({"book", "ticker"})
TICKS_FROM_TOP = False
TRADE_IDS_RISE_BY_ONE = False
OPENS_AT_LAST_CLOSE = True
PING_EVERY_S = 20.0
SUBSCRIBE_EVERY_S = 0.2
MAX_TOPICS = 600
_ARGS_PER_REQUEST = 40

WIRE_INTERVALS = {"1m": "1", "5m": "5", "15m": "15", "1h": "60", "4h": "240", "1d": "D"}
_INTERVALS = {wire: interval for interval, wire in WIRE_INTERVALS.items()}


class _Envelope(msgspec.Struct):
    topic: str = ""
    type: str = ""
    ts: int = 0
    cts: int = 0
    data: msgspec.Raw = msgspec.Raw()
    op: str = ""
    success: bool = True
    ret_msg: str | None = ""
    req_id: str | None = ""


class _Book(msgspec.Struct):
    s: str
    u: Id
    seq: Id | None = None
    b: list[tuple[Positive, Positive]] = []
    a: list[tuple[Positive, Positive]] = []

    def __post_init__(self) -> None:
        self.b, self.a = sound_levels(self.b), sound_levels(self.a)


class _Ticker(msgspec.Struct, rename="camel"):
    symbol: str
    last_price: Loose = None
    mark_price: Loose = None
    index_price: Loose = None
    funding_rate: Loose = None
    next_funding_time: Loose = None
    open_interest: Loose = None
    high_price_24h: Loose = msgspec.field(default=None, name="highPrice24h")
    low_price_24h: Loose = msgspec.field(default=None, name="lowPrice24h")
    volume_24h: Loose = msgspec.field(default=None, name="volume24h")
    turnover_24h: Loose = msgspec.field(default=None, name="turnover24h")
    price_24h_pcnt: Loose = msgspec.field(default=None, name="price24hPcnt")


class _Kline(msgspec.Struct):
    start: int
    interval: str
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Positive
    turnover: Positive
    confirm: bool


class _Trade(msgspec.Struct):
    T: int
    s: str
    S: str
    v: Positive
    p: Price
    i: str
    BT: bool = False
    RPI: bool = False


_CLEARABLE = ("index_price", "funding_rate", "next_funding_time", "open_interest")
"""Parts that may come to have no value, said by an empty string; absent means unchanged."""

_envelope = msgspec.json.Decoder(_Envelope, strict=False)
_book = msgspec.json.Decoder(_Book, strict=False)
_ticker = msgspec.json.Decoder(_Ticker, strict=False)
_klines = msgspec.json.Decoder(list[_Kline], strict=False)
_trades = msgspec.json.Decoder(list[_Trade], strict=False)


def topics(symbol: str, plan: Plan) -> list[Topic]:
    """Book, ticker, trades, and the 1m candles (every interval's where REST cannot give a beginning)."""
    intervals = ("1m",) if plan.uses_rest else plan.intervals
    return [
        Topic(f"orderbook.{plan.depth}.{symbol}", ROUTES[0], "book", symbol),
        Topic(f"tickers.{symbol}", ROUTES[0], "ticker", symbol),
        Topic(f"publicTrade.{symbol}", ROUTES[0], "trade", symbol),
        *(Topic(f"kline.{WIRE_INTERVALS[i]}.{symbol}", ROUTES[0], "kline", symbol) for i in intervals),
    ]


def book_without_rest(symbol: str) -> Topic | None:
    """The stream sends its own snapshots."""
    return None


def url(base: str, route: str) -> str:
    """The one public socket of the category."""
    return base


def batches(names: Sequence[str]) -> list[list[str]]:
    """Few enough that one refused topic costs few others a second try."""
    return [list(names[n : n + _ARGS_PER_REQUEST]) for n in range(0, len(names), _ARGS_PER_REQUEST)]


def subscribe(names: Sequence[str], request_id: int) -> str:
    """Ask for topics; the ack names the request, not its topics."""
    return compact({"op": "subscribe", "req_id": str(request_id), "args": list(names)})


def unsubscribe(names: Sequence[str], request_id: int) -> str:
    """End topics."""
    return compact({"op": "unsubscribe", "req_id": str(request_id), "args": list(names)})


def ping(request_id: int) -> str:
    """Asked for every 20 s; data that flows does not replace it."""
    return compact({"op": "ping", "req_id": str(request_id)})


def make_book(plan: Plan) -> BookRules:
    """Snapshot and deltas over one stream."""
    return SequencedBook(plan.depth)


def decode(frame: bytes, recv_time: int) -> Decoded:
    """Translate one text frame. Raises FrameError for what is damaged."""
    try:
        envelope = _envelope.decode(frame)
        if topic := envelope.topic:
            kind = topic.partition(".")[0]
            handler = _HANDLERS.get(kind)
            return Decoded(topic, handler(envelope, recv_time) if handler else [Unexplained(kind)])
    except (*UNREADABLE, KeyError) as error:
        raise FrameError(f"{error}: {first_bytes(frame)}") from None
    return Decoded("", [_control(envelope)])


def _control(envelope: _Envelope) -> Event:
    request_id = envelope.req_id or ""
    if envelope.ret_msg == "pong" or envelope.op == "pong":
        return Pong()
    if envelope.op in ("subscribe", "unsubscribe"):
        if envelope.success:
            return Ack(request_id)
        reason = envelope.ret_msg or "no reason given"
        return Rejected(request_id, reason, reason.partition("topic:")[2] or None)
    return Unexplained(envelope.op or envelope.type or "answer")


def _decode_book(envelope: _Envelope, recv_time: int) -> list[Event]:
    data = _book.decode(envelope.data)
    at = envelope.cts or envelope.ts
    if envelope.type == "delta":
        return [BookDelta(data.s, data.b, data.a, data.u, at, recv_time, sequence=data.seq)]
    if envelope.type == "snapshot":
        return [BookSnapshot(data.s, data.b, data.a, data.u, at, recv_time, data.seq)]
    raise KeyError(envelope.type)


def _decode_ticker(envelope: _Envelope, recv_time: int) -> list[Event]:
    data = _ticker.decode(envelope.data)
    ratio = number(data.price_24h_pcnt)
    return [
        sound_ticker(
            TickerUpdate(
                symbol=data.symbol,
                event_time=envelope.ts,
                recv_time=recv_time,
                last_price=number(data.last_price),
                mark_price=number(data.mark_price),
                index_price=number(data.index_price),
                funding_rate=number(data.funding_rate),
                next_funding_time=whole(data.next_funding_time),
                open_interest=number(data.open_interest),
                high_24h=number(data.high_price_24h),
                low_24h=number(data.low_price_24h),
                volume_24h=number(data.volume_24h),
                turnover_24h=number(data.turnover_24h),
                change_24h_pct=None if ratio is None else round(ratio * 100, 6),
                replaces=envelope.type == "snapshot",
                needs_base=envelope.type == "delta",
                cleared=tuple(part for part in _CLEARABLE if getattr(data, part) == ""),
            )
        )
    ]


def _decode_klines(envelope: _Envelope, recv_time: int) -> list[Event]:
    symbol = envelope.topic.rpartition(".")[2]
    return [
        sound_kline(
            Kline(
                symbol=symbol,
                interval=_INTERVALS[k.interval],
                open_time=k.start,
                open=k.open,
                high=k.high,
                low=k.low,
                close=k.close,
                volume=k.volume,
                turnover=k.turnover,
                is_closed=k.confirm,
                event_time=envelope.ts,
                recv_time=recv_time,
            )
        )
        for k in _klines.decode(envelope.data)
    ]


def _decode_trades(envelope: _Envelope, recv_time: int) -> list[Event]:
    sides = {"Buy": "buy", "Sell": "sell"}
    return [
        Trade(t.s, t.i, t.p, t.v, sides[t.S], t.T, recv_time, moves_book=not (t.BT or t.RPI))
        for t in _trades.decode(envelope.data)
    ]


_HANDLERS: dict[str, Callable[[_Envelope, int], list[Event]]] = {
    "orderbook": _decode_book,
    "tickers": _decode_ticker,
    "kline": _decode_klines,
    "publicTrade": _decode_trades,
}
