"""Names of the Redis keys and their fields. Nowhere else is a key or a field spelled.

Times are epoch ms UTC; numbers are plain decimal text; every field is always present, a missing one is
the empty string.
"""

from market.intervals import INTERVAL_MS

INSTRUMENT_TTL_S = 120
"""Instrument keys live this long after the last sign that their feed lives."""
STATUS_TTL_S = 15
"""`feed:*` and `worker:*` live this long after the last heartbeat."""
TRADES_LENGTH = 200
EVENTS_LENGTH = 10_000
EVENTS = "events"
RATE = "rate"
"""Counters of requests to the API begin so; each lives as long as its period (app/rate.py)."""
VIEWED = "viewed"
"""Sorted set: `<venue>:<symbol>` of the Symbol pages that are open, by the epoch ms of the last look."""
VIEWED_TTL_S = 60

TICKER_FIELDS = (
    "last_price", "mark_price", "index_price", "funding_rate", "next_funding_time", "open_interest",
    "high_24h", "low_24h", "volume_24h", "turnover_24h", "change_24h_pct", "event_time", "recv_time",
)  # fmt: skip
BOOK_FIELDS = (
    "state", "best_bid_price", "best_bid_size", "best_ask_price", "best_ask_size", "mid", "microprice",
    "spread_bps", "imbalance", "imbalance_10", "bids", "asks", "update_id", "epoch", "event_time",
    "recv_time", "publish_time",
)  # fmt: skip
KLINE_FIELDS = (
    "open_time", "open", "high", "low", "close", "volume", "turnover", "is_closed", "event_time", "recv_time",
)  # fmt: skip
INDICATOR_FIELDS = (
    "rsi", "stoch_rsi_k", "stoch_rsi_d", "ema_fast", "ema_slow", "macd", "macd_signal", "bb_upper",
    "bb_lower", "atr", "vwap", "score", "signal", "bars", "reason", "open_time", "is_provisional",
    "buy_volume", "sell_volume", "cvd", "order_flow",
)  # fmt: skip
TRADE_FIELDS = ("price", "size", "taker_side", "trade_id", "event_time")
FEED_FIELDS = (
    "state", "reason", "connected_at", "messages", "message_rate", "reconnects", "gaps", "resyncs",
    "lag_p50_ms", "lag_p99_ms", "last_message_time",
    "lag_redis_p50_ms", "lag_redis_p99_ms", "lag_postgres_p50_ms", "lag_postgres_p99_ms", "clock_skew_ms",
    "open_gaps", "silent_topics", "revisions", "audits", "audit_mismatches", "unlisted",
)  # fmt: skip
"""`unlisted`: what SYMBOLS asks for and the venue does not list by that name (market/unlisted.py)."""
REST_FIELDS = (
    "room", "room_later", "filled_at", "window_started_at", "window_used", "closed_until", "reason",
)  # fmt: skip
"""Weight that urgent jobs may spend at once, and that the others may; what the venue's own window counts;
and until when nobody may ask, with the reason."""
WORKER_FIELDS = (
    "host", "pid", "started_at", "heartbeat_at", "version", "symbols", "queue_rows", "spool_rows",
    "spool_bytes", "rows_written", "rows_dropped", "db_state",
)  # fmt: skip


def ticker(venue: str, symbol: str) -> str:
    """Hash: what the venue's ticker says of one instrument."""
    return f"ticker:{venue}:{symbol}"


def book(venue: str, symbol: str) -> str:
    """Hash: the best levels of one instrument's order book."""
    return f"book:{venue}:{symbol}"


def kline(venue: str, symbol: str, interval: str) -> str:
    """Hash: the forming candle."""
    return f"kline:{venue}:{symbol}:{interval}"


def indicator(venue: str, symbol: str, interval: str) -> str:
    """Hash: the indicators of the forming candle, or of the one that has just closed."""
    return f"indicator:{venue}:{symbol}:{interval}"


def trades(venue: str, symbol: str) -> str:
    """Stream: the newest public trades."""
    return f"trades:{venue}:{symbol}"


def market(venue: str) -> str:
    """Hash: symbol -> overview row as JSON."""
    return f"market:{venue}"


def feed(venue: str, worker: str | None = None) -> str:
    """Hash: how one venue's feed is doing, on one worker or over all of them."""
    return f"feed:{venue}:{worker}" if worker else f"feed:{venue}"


def rest(venue: str) -> str:
    """Hash: what is left of a venue's REST budget, for all workers."""
    return f"rest:{venue}"


def worker(worker_id: str) -> str:
    """Hash: one collector process."""
    return f"worker:{worker_id}"


def of_symbol(venue: str, symbol: str) -> list[str]:
    """Every key that belongs to one instrument alone."""
    series = [make(venue, symbol, interval) for interval in INTERVAL_MS for make in (kline, indicator)]
    return [ticker(venue, symbol), book(venue, symbol), trades(venue, symbol), *series]
