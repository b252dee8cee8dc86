"""Every name that rows of the API have: its type and what it means. One name means one thing everywhere."""

from collections.abc import Sequence
from typing import Any, get_args

from db.rows import CAUSES, CHANNELS, REPAIRED
from market.intervals import BOOK, HORIZONS_S, INTERVAL_MS
from market.scoreboard.board import Verdict
from market.signals.score import Word

Schema = dict[str, Any]

_NUMBER = "number"
_WHOLE = "integer"
_TEXT = "string"
_FLAG = "boolean"


def _of(kind: str, words: str, *, nullable: bool = True, enum: Sequence[str] = ()) -> Schema:
    found: Schema = {"type": [kind, "null"] if nullable else kind, "description": words}
    if enum:
        found["enum"] = [*enum, None] if nullable else list(enum)
    return found


def _time(words: str, *, nullable: bool = True) -> Schema:
    return _of(_WHOLE, f"{words}; epoch ms UTC", nullable=nullable)


_SURE: dict[str, Schema] = {
    "id": _of(_WHOLE, "Number of the row", nullable=False),
    "venue": _of(_TEXT, "The exchange, like bybit; sim-bybit where it is simulated", nullable=False),
    "symbol": _of(_TEXT, "The venue's spelling, like BTCUSDT", nullable=False),
    "interval": _of(
        _TEXT, "Of the candles; `book` for rules of the book", nullable=False, enum=(*INTERVAL_MS, BOOK)
    ),
    "rule": _of(_TEXT, "Name of the rule", nullable=False),
    "side": _of(_TEXT, "Of a signal: buy, sell; of a paper trade: long, short", nullable=False),
    "ts": _time("The venue's time of it", nullable=False),
    "open_time": _time("First ms of the candle", nullable=False),
    "close_time": _time("Last ms of the candle", nullable=False),
    "entry_ts": _time("When the paper trade was entered", nullable=False),
    "started_at": _time("The last good datum before the gap", nullable=False),
    "computed_at": _time("When the scoreboard was computed", nullable=False),
    "open": _of(_NUMBER, "First price", nullable=False),
    "high": _of(_NUMBER, "Highest price", nullable=False),
    "low": _of(_NUMBER, "Lowest price", nullable=False),
    "close": _of(_NUMBER, "Last price", nullable=False),
    "volume": _of(_NUMBER, "Traded size, base", nullable=False),
    "complete": _of(_FLAG, "Whether it is proven that nothing is missing in it", nullable=False),
    "source": _of(_TEXT, "What the candle was made of", nullable=False,
                  enum=("stream", "rollup", "trades", "rest")),
    "channel": _of(_TEXT, "What has the gap", nullable=False, enum=CHANNELS),
    "cause": _of(_TEXT, "Why it was not received", nullable=False, enum=CAUSES),
    "repaired": _of(_TEXT, "How much was got back", nullable=False, enum=REPAIRED),
    "rows_recovered": _of(_WHOLE, "Rows that were got back", nullable=False),
    "detail": _of(_TEXT, "What there is to say", nullable=False),
    "bars": _of(_WHOLE, "Closed candles without a hole, up to this one", nullable=False),
    "strength": _of(_NUMBER, "How strong the rule found it; each rule has its own measure", nullable=False),
    "price": _of(_NUMBER, "At which the signal fired", nullable=False),
    "entry_price": _of(_NUMBER, "At which the paper trade was entered", nullable=False),
    "fee_bps": _of(_NUMBER, "Taker fee of both ways", nullable=False),
    "inputs": {"type": "object", "description": "What the rule saw", "additionalProperties": True},
    "horizon_s": _of(_WHOLE, "After how many seconds the signal is priced again", nullable=False),
    "verdict": _of(_TEXT, "What the figures say of the rule", nullable=False, enum=get_args(Verdict)),
    "count": _of(_WHOLE, "Signals that were priced", nullable=False),
    "baseline_count": _of(_WHOLE, "Random moments that were priced", nullable=False),
}  # fmt: skip

_NULLABLE: dict[str, Schema] = {
    "ended_at": _time("The first good datum after the gap; null while it lasts"),
    "exit_ts": _time("When the paper trade ended; null while it is open"),
    "exit_reason": _of(_TEXT, "Why it ended"),
    "event_time": _time("The venue's clock"),
    "recv_time": _time("Our clock when it was received"),
    "recv_ts": _time("Our clock when it was received"),
    "publish_time": _time("Our clock when it went to Redis"),
    "next_funding_time": _time("When funding is paid next"),
    "age_ms": _of(_WHOLE, "Since the newest of it was received, as of `now`"),
    "base": _of(_TEXT, "BTC in BTCUSDT"),
    "quote": _of(_TEXT, "USDT in BTCUSDT"),
    "state": _of(_TEXT, "Of the book", enum=("syncing", "live", "stale")),
    "book_state": _of(_TEXT, "Of the book", enum=("syncing", "live", "stale")),
    "signal": _of(_TEXT, "The score as a word",
                  enum=get_args(Word)),
    "reason": _of(_TEXT, "Why a value is missing or muted; null or empty where none is"),
    "is_provisional": _of(_FLAG, "Whether it is of the candle that is still forming"),
    "is_depth_10bps_whole": _of(_FLAG, "Whether the levels reach that far; else there is at least this"),
    "is_depth_50bps_whole": _of(_FLAG, "The same for 50 basis points"),
    "update_id": _of(_WHOLE, "The venue's number of the change"),
    "epoch": _of(_WHOLE, "Of the collector that wrote it"),
    "trades": _of(_WHOLE, "How many trades"),
}  # fmt: skip

_FIGURES = {
    "multiplier": "Base units in one contract name: 1000 in 1000PEPEUSDT",
    "tick_size": "Smallest price step",
    "last_price": "Of the newest trade or ticker",
    "mark_price": "The venue's fair price for margin",
    "change_24h_pct": "Percent",
    "turnover_24h": "Traded value, quote",
    "volume_24h": "Traded size, base",
    "funding_rate": "Fraction per funding period",
    "best_bid_price": "Quote",
    "best_bid_size": "Base",
    "best_ask_price": "Quote",
    "best_ask_size": "Base",
    "mid": "(bid + ask) / 2",
    "microprice": "The mid weighted with the sizes of the other side",
    "spread_bps": "10,000 × (ask − bid) / mid",
    "imbalance": "(bid size − ask size) / (bid size + ask size) of the best level, −1 to 1",
    "imbalance_10": "The same over ten levels",
    "turnover": "Traded value, quote",
    "taker_buy_volume": "Traded size of buying takers, base; null where the venue gives none",
    "vwap_day": "Turnover / volume since midnight UTC; null while a minute of the day is missing",
    "cvd_day": "Bought less sold by takers since midnight UTC, base; null while a minute is missing",
    "bid_depth_10bps": "Value of the bids within 10 basis points of mid, quote",
    "ask_depth_10bps": "The same of the asks",
    "bid_depth_50bps": "Value of the bids within 50 basis points of mid, quote",
    "ask_depth_50bps": "The same of the asks",
    "buy_volume": "What takers bought in the candle, base; null where it is not known",
    "sell_volume": "What takers sold in it",
    "cvd": "Bought less sold in it",
    "order_flow": "Order-flow imbalance of the candle, base; of five looks a second at the book",
    "rsi": "RSI(14), 0 to 100",
    "stoch_rsi_k": "StochRSI(14,14,3,3), %K",
    "stoch_rsi_d": "%D of it",
    "ema_fast": "EMA(12)",
    "ema_slow": "EMA(26)",
    "macd": "MACD(12,26)",
    "macd_signal": "EMA(9) of it",
    "bb_upper": "Bollinger(20, 2), upper band",
    "bb_lower": "Lower band",
    "atr": "ATR(14), quote",
    "vwap": "Turnover / volume from midnight UTC to the candle's end; null where that is not known whole",
    "score": "−100 to 100",
    "exit_price": "At which the paper trade ended",
    "gross_bps": "What it made before fees",
    "net_bps": "What it made after fees",
    "hit_rate": "Share of signals that made something after costs",
    "hit_rate_low": "Of its 95 % interval",
    "hit_rate_high": "Of its 95 % interval",
    "mean_bps": "Mean after costs",
    "mean_bps_low": "Of its 95 % interval",
    "mean_bps_high": "Of its 95 % interval",
    "median_bps": "Median after costs",
    "median_bps_low": "Of its 95 % interval",
    "median_bps_high": "Of its 95 % interval",
    "profit_factor": "Sum of gains over sum of losses",
    "drawdown_bps": "Deepest fall of the running sum",
    "baseline_hit_rate": "The same of random moments in the same markets and hours",
    "baseline_mean_bps": "The same of random moments",
    "baseline_median_bps": "The same of random moments",
    "edge_bps": "Mean less that of random moments",
    "edge_bps_low": "Of its 99 % interval",
    "edge_bps_high": "Of its 99 % interval",
    **{f"net_bps_{h}": f"What it made after costs in {h} s; null until then" for h in HORIZONS_S},
}  # fmt: skip

FIELDS: dict[str, Schema] = (
    _SURE | _NULLABLE | {name: _of(_NUMBER, words) for name, words in _FIGURES.items()}
)


def row_of(columns: Sequence[str], **others: Schema) -> Schema:
    """The schema of a row with exactly these columns; `others` are of this row alone."""
    known = FIELDS | others
    return {
        "type": "object",
        "properties": {name: known[name] for name in columns},
        "required": list(columns),
        "additionalProperties": False,
    }
