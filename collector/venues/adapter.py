"""What a venue module offers, the words it uses, and small pieces that every wire format needs."""

import json
import math
from collections.abc import Callable, Sequence
from typing import Annotated, NamedTuple, Protocol, TypeVar

import msgspec

from market.book_rules import BookRules
from market.events import BookSnapshot, Event, Kline, Trade
from market.instruments import Instrument

Positive = Annotated[float, msgspec.Meta(ge=0, le=1e18)]
"""A size or volume: neither negative nor infinite nor NaN. Text is read as a number."""

Price = Annotated[float, msgspec.Meta(gt=0, le=1e18)]
"""A price that something was dealt at: as `Positive`, and never 0, nor so little that it is read as 0."""

Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""The number of an update or a trade: what a database can hold."""

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises for bytes that are not the JSON that was agreed."""

Loose = str | float | None
"""A number that may be given as text, or as "" for "no value"."""

MAX_SOUND_BYTES = 1_000_000
"""No frame of a venue is as long as this."""

Made = TypeVar("Made")
_encoder = msgspec.json.Encoder()


def compact(message: object) -> str:
    """JSON without spaces."""
    return _encoder.encode(message).decode()


def cut(names: Sequence[str], most: int, most_bytes: int) -> list[list[str]]:
    """Names in lists of at most `most`, each of which takes no more than `most_bytes` as JSON."""
    found: list[list[str]] = [[]]
    size = 0
    for name in names:
        size += len(name.encode()) + 3
        if len(found[-1]) == most or size > most_bytes:
            found.append([])
            size = len(name.encode()) + 3
        found[-1].append(name)
    return [batch for batch in found if batch]


def sound_topic(frame: bytes) -> str:
    """The topic of a frame that is well-formed, whatever it says of it; "" else. Only for frames refused."""
    try:
        message = json.loads(frame) if len(frame) < MAX_SOUND_BYTES else None
    except (ValueError, RecursionError):
        return ""
    topic = (message.get("topic") or message.get("stream")) if isinstance(message, dict) else None
    return topic if isinstance(topic, str) else ""


def first_bytes(frame: bytes) -> str:
    """The first 200 bytes of a frame, for an error message."""
    return repr(bytes(frame[:200]))


def number(value: Loose) -> float | None:
    """The finite number that `value` is, None for no value. Raises msgspec.ValidationError."""
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise msgspec.ValidationError(f"expected a number, found {value!r}")
    return found


def each(raws: Sequence[msgspec.Raw], convert: Callable[[msgspec.Raw], Made | None]) -> list[Made]:
    """What `convert` makes of each entry of a list; entries that cannot be read cost only themselves."""
    found: list[Made] = []
    for raw in raws:
        try:
            made = convert(raw)
        except UNREADABLE:
            continue
        if made is not None:
            found.append(made)
    return found


def whole(value: Loose) -> int | None:
    """As `number`, for a count or a time."""
    found = number(value)
    return None if found is None else int(found)


class Plan(NamedTuple):
    """What to follow on one venue."""

    intervals: tuple[str, ...]
    depth: int
    uses_rest: bool


class Topic(NamedTuple):
    """One stream of one symbol. ``channel`` is what it feeds: book, top, ticker, trade or kline."""

    name: str
    route: str
    channel: str
    symbol: str


class Decoded(NamedTuple):
    """What one frame says. ``topic`` is the name it came under, "" for answers and for frames without one."""

    topic: str
    events: list[Event]


class Request(NamedTuple):
    """One REST GET, and what it weighs on the venue's budget."""

    path: str
    params: dict[str, str | int]
    weight: int


class Limits(NamedTuple):
    """What an address may ask of a venue, and how much of that we take.

    The venue allows `limit` weight in `window_s`; we spend at most `burst` after a rest and `per_s` in the
    long run, which together stay below `limit` in any window.
    """

    limit: float
    window_s: float
    per_s: float
    burst: float


class Refusal(NamedTuple):
    """The venue's own word that it will not answer.

    ``kind``: ``final`` (the question is wrong; asking again is no use), ``busy`` (asking again later is), or
    ``blocked`` (it does not serve this place).
    """

    code: int
    words: str
    kind: str = "final"


class RestError(ValueError):
    """The venue answered, but not with what was asked for. ``code`` is the venue's, where it gave one."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Adapter(Protocol):
    """What the WebSocket half of a venue offers."""

    NAME: str
    ROUTES: tuple[str, ...]
    """Sockets that are needed at least; every topic lives on exactly one."""
    GREETING_CHANNELS: frozenset[str]
    """Channels whose topics begin with a full state, at once and however quiet the market is."""
    TICKS_FROM_TOP: bool
    """Whether best price and size come from a stream of their own (`Top`), else from the book."""
    TRADE_IDS_RISE_BY_ONE: bool
    """Whether a symbol's trade ids are whole numbers without holes, so that they show what is missing."""
    OPENS_AT_LAST_CLOSE: bool
    """Whether a candle opens at the close of the one before, else at its own first trade."""
    PING_EVERY_S: float
    SUBSCRIBE_EVERY_S: float
    """Least time between two requests on one connection."""
    MAX_TOPICS: int
    """Topics one connection may carry."""

    def topics(self, symbol: str, plan: Plan) -> list[Topic]:
        """Every stream of one symbol."""

    def book_without_rest(self, symbol: str) -> Topic | None:
        """A stream of whole tops, to fall back on where REST gives no snapshot; None where none is needed."""

    def url(self, base: str, route: str) -> str:
        """The WebSocket URL of a route."""

    def batches(self, names: Sequence[str]) -> list[list[str]]:
        """Topic names cut to the size of one request."""

    def subscribe(self, names: Sequence[str], request_id: int) -> str:
        """The frame that asks for topics."""

    def unsubscribe(self, names: Sequence[str], request_id: int) -> str:
        """The frame that ends topics."""

    def ping(self, request_id: int) -> str | None:
        """The application's own ping; None where control pings are enough."""

    def decode(self, frame: bytes, recv_time: int) -> Decoded:
        """Translate one text frame; what is whole and undocumented is Unexplained. Raises FrameError."""

    def make_book(self, plan: Plan) -> BookRules:
        """An empty book that follows this venue's rules."""


class RestAdapter(Protocol):
    """What the REST half of a venue offers."""

    LIMITS: Limits
    USED_WEIGHT_HEADER: str
    """The header that says how much this address has used of the window; "" where there is none."""
    KLINES_LIMIT: int
    """Candles one request may ask for."""
    SNAPSHOT_DEPTH: int
    """Levels of a snapshot to build a book on; 0 where the stream sends its own."""
    TRADES_BY_ID: bool
    """Whether old trades can be had from an id on; else only the newest."""
    TRADES_LIMIT: int
    """Trades one request gives at most."""

    def refusal(self, body: bytes) -> Refusal | None:
        """What the venue says is wrong; None if this is an answer, or nothing that can be read."""

    def time_request(self) -> Request:
        """Ask for the venue's clock."""

    def parse_time(self, body: bytes) -> int:
        """The venue's clock, epoch ms."""

    def instruments_request(self, cursor: str) -> Request:
        """Ask for a page of the instrument list; the first page's cursor is ""."""

    def parse_instruments(self, body: bytes, venue: str) -> tuple[list[Instrument], str]:
        """One page's instruments, crypto USDT perpetuals (Bybit's that trade), and the next page's cursor.

        The cursor is "" at the end.
        """

    def turnover_request(self) -> Request:
        """Ask for every symbol's turnover of 24 h."""

    def parse_turnover(self, body: bytes) -> dict[str, float]:
        """Turnover of 24 h in quote currency by symbol."""

    def klines_request(self, symbol: str, interval: str, start: int, limit: int) -> Request:
        """Ask for up to `limit` candles that open at `start` or later."""

    def parse_klines(
        self, body: bytes, symbol: str, interval: str, *, now: int, recv_time: int
    ) -> list[Kline]:
        """Closed candles in ascending order; one that still runs at `now`, the venue's clock, is left out."""

    def depth_request(self, symbol: str, limit: int) -> Request:
        """Ask for a book snapshot of at least `limit` levels a side."""

    def parse_depth(self, body: bytes, symbol: str, recv_time: int) -> BookSnapshot:
        """A book snapshot."""

    def trades_request(self, symbol: str, after: Trade) -> Request:
        """Ask for the trades that follow `after` (`TRADES_BY_ID`), else for the newest ones."""

    def parse_trades(self, body: bytes, symbol: str, recv_time: int) -> list[Trade]:
        """Trades, oldest first."""
