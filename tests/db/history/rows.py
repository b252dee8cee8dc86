"""Rows to store, with times that lie in known partitions."""

from collections.abc import Sequence

from db.rows import (
    Batch,
    FeedEventRow,
    GapRow,
    IndicatorRow,
    KlineRow,
    OutcomeRow,
    PaperStepRow,
    PaperTradeRow,
    SignalRow,
    TickerRow,
    TickRow,
)
from market.events import Kline

T0 = 1_790_000_000_000
"""2026-09-21 14:13:20 UTC: in the partition that begins at 12:00."""
MINUTE = 60_000
OPEN = T0 - T0 % MINUTE
EVENT = FeedEventRow(T0, "bybit", "w1", "connected", "wss://x\ttab \\ back\nline")


def tick(n: int = 0, *, venue: str = "bybit", symbol: str = "ETHUSDT", ts: int | None = None) -> TickRow:
    """The n-th change, n milliseconds after T0 unless `ts` says otherwise."""
    at = T0 + n if ts is None else ts
    return TickRow(venue, symbol, at, 1_000 + n, 100.0 + n, 3.0, 101.0 + n, 1.0, at + 20)


def kline(n: int = 0, *, source: str = "stream", close: float = 1.5, **changes: object) -> KlineRow:
    """The n-th closed minute of ETHUSDT on bybit."""
    fields: dict[str, object] = {
        "symbol": "ETHUSDT",
        "interval": "1m",
        "open_time": OPEN + n * MINUTE,
        "open": 1.0,
        "high": 2.0,
        "low": 0.5,
        "close": close,
        "volume": 10.0,
        "turnover": 15.0,
        "is_closed": True,
        "event_time": OPEN + (n + 1) * MINUTE,
        "recv_time": OPEN + (n + 1) * MINUTE + 30,
        "source": source,
    }
    return KlineRow("bybit", Kline(**{**fields, **changes}))  # type: ignore[arg-type]  # fields by name


def gap(n: int = 0, **changes: object) -> GapRow:
    """The n-th silence of ETHUSDT's book on bybit: from n minutes after T0 on, for ten seconds."""
    start = T0 + n * MINUTE
    row = GapRow("bybit", "ETHUSDT", "book", start, start + 10_000, "silent", "no", 0, "")
    return row._replace(**changes)  # type: ignore[arg-type]  # fields by name


OF_ETH = ("bybit", "ETHUSDT", "1m")


def indicators(n: int = 0, **changes: object) -> IndicatorRow:
    """What is said at the n-th close of ETHUSDT's minutes on bybit."""
    at = OPEN + n * MINUTE
    row = IndicatorRow(
        *OF_ETH, at, 50.5, 20.0, None, 1.5, 1.4, 0.1, 0.05, 1.7, 1.3, 1e-7, -12.5, "neutral", 400, "",
        at + MINUTE + 30,
    )  # fmt: skip
    return row._replace(**changes)  # type: ignore[arg-type]  # fields by name


def signal(n: int = 0, **changes: object) -> SignalRow:
    """What fired at the n-th close."""
    at = OPEN + n * MINUTE
    read = {"rsi": 31.5, "rsi_before": 1e-7}
    row = SignalRow(*OF_ETH, "rsi_reversal", at, at + MINUTE + 30, "buy", 0.5, 100.0, 1.0, read)
    return row._replace(**changes)  # type: ignore[arg-type]  # fields by name


def outcome(n: int = 0, horizon_s: int = 60, **changes: object) -> OutcomeRow:
    """What that signal made."""
    row = OutcomeRow(*OF_ETH, "rsi_reversal", OPEN + n * MINUTE, horizon_s, 101.0, 100.0, 89.0)
    return row._replace(**changes)  # type: ignore[arg-type]  # fields by name


def paper_trade(n: int = 0, *, is_closed: bool = False) -> PaperTradeRow:
    """The trade of that signal: open, or left at its stop a minute later."""
    at = OPEN + (n + 1) * MINUTE + 100
    row = PaperTradeRow(*OF_ETH, "rsi_reversal", "long", at, 100.0, 11.0)
    end = (at + MINUTE, 99.0, "stop", -100.0, -111.0)
    return PaperTradeRow(*row[:8], *end) if is_closed else row


def paper_step(step: int, *trades: PaperTradeRow, state: str = "{}") -> PaperStepRow:
    """A step of that rule."""
    return PaperStepRow(*OF_ETH, "rsi_reversal", step, state, list(trades))


def batch(
    ticks: Sequence[TickRow] = (),
    klines: Sequence[KlineRow] = (),
    tickers: Sequence[TickerRow] = (),
    feed_events: Sequence[FeedEventRow] = (),
    gaps: Sequence[GapRow] = (),
) -> Batch:
    """A batch of these rows."""
    return Batch("b", list(ticks), list(klines), list(tickers), list(feed_events), list(gaps))
