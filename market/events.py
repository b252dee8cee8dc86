"""What a venue can tell us, as small frozen values.

Every number is a float in the venue's own unit (prices in quote currency, sizes and volumes in base,
turnover in quote); a missing number is None, and 0 only where zero is a real value. Times are epoch
milliseconds UTC: ``event_time`` is the venue's, ``recv_time`` ours, set once per frame. Events name the
symbol in the venue's spelling; which venue it is, the one who reads the connection knows.
"""

import msgspec

Levels = list[tuple[float, float]]
"""Levels as they came: (price, size) pairs in the venue's order; in a change, size 0 deletes."""


class BookSnapshot(msgspec.Struct, frozen=True, gc=False):
    """The full book (or its whole top, for a partial stream); it replaces what was known.

    ``sequence`` is Bybit's `seq`: unlike ``update_id`` it can be compared between depths, and with REST.
    """

    symbol: str
    bids: Levels
    asks: Levels
    update_id: int
    event_time: int
    recv_time: int
    sequence: int | None = None


class BookDelta(msgspec.Struct, frozen=True, gc=False):
    """Changed levels. Sizes are absolute; 0 deletes, also a level that is not held.

    ``update_id`` is `u`. ``first_update_id`` (`U`) and ``previous_update_id`` (`pu`) come from Binance only,
    ``sequence`` (`seq`) from Bybit only.
    """

    symbol: str
    bids: Levels
    asks: Levels
    update_id: int
    event_time: int
    recv_time: int
    first_update_id: int | None = None
    previous_update_id: int | None = None
    sequence: int | None = None


class Top(msgspec.Struct, frozen=True, gc=False):
    """Best bid and ask with their sizes; None where a side is empty."""

    symbol: str
    bid_price: float | None
    bid_size: float | None
    ask_price: float | None
    ask_size: float | None
    update_id: int
    event_time: int
    recv_time: int


class TickerUpdate(msgspec.Struct, frozen=True, gc=False):
    """What a ticker message says; None means "not said here", so unchanged.

    ``funding_rate`` is a fraction per funding period, ``change_24h_pct`` is in percent.
    ``replaces``: a full state, to be taken instead of what was known (Bybit's snapshot).
    ``needs_base``: a difference, of no use before a full state (Bybit's delta). ``cleared``: names of parts
    that have no value any more.
    """

    symbol: str
    event_time: int
    recv_time: int
    last_price: float | None = None
    mark_price: float | None = None
    index_price: float | None = None
    funding_rate: float | None = None
    next_funding_time: int | None = None
    open_interest: float | None = None
    high_24h: float | None = None
    low_24h: float | None = None
    volume_24h: float | None = None
    turnover_24h: float | None = None
    change_24h_pct: float | None = None
    replaces: bool = False
    needs_base: bool = False
    cleared: tuple[str, ...] = ()


class Kline(msgspec.Struct, frozen=True, gc=False):
    """One candle. ``close_time`` would be ``open_time`` + interval - 1, the last ms inside.

    ``trades`` and ``taker_buy_volume`` are None where the venue gives none. ``source`` is ``stream``,
    ``rollup``, ``trades`` or ``rest``; ``complete`` is False where it crosses a hole.
    """

    symbol: str
    interval: str
    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    turnover: float
    is_closed: bool
    event_time: int
    recv_time: int
    trades: int | None = None
    taker_buy_volume: float | None = None
    source: str = "stream"
    complete: bool = True


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One public execution. ``taker_side`` is ``buy`` or ``sell``, the aggressor's.

    ``fills`` is the number of executions it stands for: Binance sends those of one order at one price as one.
    ``moves_book``: false where all of it was dealt outside the book that is shown (retail orders, blocks).
    """

    symbol: str
    trade_id: str
    price: float
    size: float
    taker_side: str
    event_time: int
    recv_time: int
    fills: int = 1
    moves_book: bool = True


class Ack(msgspec.Struct, frozen=True, gc=False):
    """The venue took a request. It does not mean that data will follow."""

    request_id: str


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """The venue refused a request: none of its topics is active. ``topic`` is named where the venue does."""

    request_id: str
    reason: str
    topic: str | None = None


class Unexplained(msgspec.Struct, frozen=True, gc=False):
    """A well-formed message of a kind that nothing here reads. It is counted and harms nothing."""

    kind: str


class Pong(msgspec.Struct, frozen=True, gc=False):
    """The answer to our application-level ping."""


MarketEvent = BookSnapshot | BookDelta | Top | TickerUpdate | Kline | Trade
ControlEvent = Ack | Rejected | Pong | Unexplained
Event = MarketEvent | ControlEvent


class FrameError(ValueError):
    """A frame that cannot be read. The message holds its first 200 bytes.

    ``topic`` is named where the frame is sound and only what it says of the topic is not as documented.
    """

    def __init__(self, message: str, topic: str = "") -> None:
        super().__init__(message)
        self.topic = topic
