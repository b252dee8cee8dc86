"""Rows on their way into Postgres. Times are epoch ms UTC; the instrument is named by venue and symbol."""

from typing import NamedTuple

import msgspec

from market.events import Kline


class TickRow(NamedTuple):
    """One change of best price or size. Identity: instrument, ts, update_id."""

    venue: str
    symbol: str
    ts: int
    update_id: int
    bid_price: float | None
    bid_size: float | None
    ask_price: float | None
    ask_size: float | None
    recv_ts: int


class KlineRow(NamedTuple):
    """One closed candle. Identity: instrument, interval, open_time."""

    venue: str
    kline: Kline


class TickerRow(msgspec.Struct, frozen=True):
    """Last known ticker and best bid and ask of one instrument; replaces the row before."""

    venue: str
    symbol: str
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
    best_bid_price: float | None = None
    best_bid_size: float | None = None
    best_ask_price: float | None = None
    best_ask_size: float | None = None
    event_time: int | None = None
    recv_time: int | None = None


CHANNELS = ("book", "ticker", "trade", "kline")
CAUSES = (
    "sequence", "disconnect", "silent", "restart", "crash", "crossed", "outage", "spool_full", "refused",
)  # fmt: skip
REPAIRED = ("no", "partly", "yes")
"""How much of a gap was got back, rising; the alphabet has the same order, and SQL relies on it."""


class GapRow(NamedTuple):
    """One hole in what was received, as known now. Identity: instrument, channel, started_at.

    Times are the venue's: of the last good datum, and of the first good one after it, None while the gap
    lasts. `channel` is one of CHANNELS, `cause` of CAUSES, `repaired` of REPAIRED.
    """

    venue: str
    symbol: str
    channel: str
    started_at: int
    ended_at: int | None
    cause: str
    repaired: str
    rows_recovered: int
    detail: str


class FeedEventRow(NamedTuple):
    """Something that happened to a feed: connected, disconnected, rejected, resynced …"""

    ts: int
    venue: str
    worker: str
    event: str
    detail: str


class IndicatorRow(NamedTuple):
    """The indicators at one close, its score and word. Identity: instrument, interval, open_time.

    A revised candle makes another row of the same identity: the one computed last holds.
    """

    venue: str
    symbol: str
    interval: str
    open_time: int
    rsi: float | None
    stoch_rsi_k: float | None
    stoch_rsi_d: float | None
    ema_fast: float | None
    ema_slow: float | None
    macd: float | None
    macd_signal: float | None
    bb_upper: float | None
    bb_lower: float | None
    atr: float | None
    score: float | None
    signal: str | None
    bars: int
    reason: str
    computed_at: int
    vwap: float | None = None


class SignalRow(NamedTuple):
    """One rule fired; see market.signals.model. Identity: instrument, interval, rule, open_time."""

    venue: str
    symbol: str
    interval: str
    rule: str
    open_time: int
    ts: int
    side: str
    strength: float
    price: float
    spread_bps: float | None
    inputs: dict[str, float]


class OutcomeRow(NamedTuple):
    """What a signal made after `horizon_s`. Identity: that of the signal, and the horizon."""

    venue: str
    symbol: str
    interval: str
    rule: str
    open_time: int
    horizon_s: int
    price_at: float
    return_bps: float
    net_bps: float


class PaperTradeRow(NamedTuple):
    """A paper trade, open while its exit is None. Identity: instrument, interval, rule, entry_ts."""

    venue: str
    symbol: str
    interval: str
    rule: str
    side: str
    entry_ts: int
    entry_price: float
    fee_bps: float
    exit_ts: int | None = None
    exit_price: float | None = None
    exit_reason: str | None = None
    gross_bps: float | None = None
    net_bps: float | None = None


class PaperStepRow(NamedTuple):
    """One step of one rule's paper trading: the trades it began and ended, and what is remembered after it.

    They are one row so that a crash cannot part them. `state` is JSON; of an instrument, interval and rule
    the one with the greatest `step` holds: epoch microseconds, and rising from step to step.
    """

    venue: str
    symbol: str
    interval: str
    rule: str
    step: int
    state: str
    trades: list[PaperTradeRow]


class DeadLetterRow(NamedTuple):
    """A row that no table takes, kept for people. Identity: kind, body.

    `kind` names the field of Batch it was in, `body` is its fields as JSON; `ts`: when it was refused.
    """

    ts: int
    kind: str
    reason: str
    body: str


class Batch(msgspec.Struct, frozen=True):
    """Rows that are written in one transaction. Writing a batch twice changes nothing.

    It is named when it is formed, and keeps its rows through every retry. The spool keeps each kind under
    the name of its field: an old record is read by the field it names (`db/spool/records.py`).
    """

    batch_id: str
    ticks: list[TickRow] = []
    klines: list[KlineRow] = []
    tickers: list[TickerRow] = []
    feed_events: list[FeedEventRow] = []
    gaps: list[GapRow] = []
    dead_letters: list[DeadLetterRow] = []
    indicators: list[IndicatorRow] = []
    signals: list[SignalRow] = []
    outcomes: list[OutcomeRow] = []
    paper_steps: list[PaperStepRow] = []

    @property
    def size(self) -> int:
        """Number of rows of every kind."""
        return sum(len(getattr(self, kind)) for kind in KINDS)


KINDS = Batch.__struct_fields__[1:]
"""Names of a batch's fields that hold rows."""
