"""The SQL that moves staged rows into their tables. Each may run twice, or beside another worker."""

from collections.abc import Iterable

from sqlalchemy import text

from db.rows import TickerRow
from market.instruments import Instrument
from market.kline_series import RANK

TICKS = text("""
INSERT INTO tick_rows (ts, update_id, recv_ts, best_bid_price, best_bid_size, best_ask_price, best_ask_size,
                       venue, symbol)
SELECT to_timestamp(ts / 1000.0::float8), update_id, to_timestamp(recv_ts / 1000.0::float8), best_bid_price,
       best_bid_size, best_ask_price, best_ask_size, venue, symbol
FROM staged_ticks
ORDER BY venue, symbol, ts
ON CONFLICT DO NOTHING
""")
"""Sorted, so that what belongs to one instrument lies together and is read from few pages later."""

_NUMBERS = ("open", "high", "low", "close", "volume", "turnover")
_COUNTS = ("taker_buy_volume", "trades")
"""These may be null."""


def _moves(new: str, names: Iterable[str] = _NUMBERS) -> str:
    """Whether a candle's numbers are others than those of `k`, by more than the rounding of a sum."""
    tests = [f"abs({new}.{n} - k.{n}) > 1e-9 * greatest(abs({new}.{n}), abs(k.{n}))" for n in names]
    return "(" + " OR ".join(tests) + ")"


def _differs(new: str) -> str:
    """Whether a candle's numbers or counts are others than those of `k`, or counts are new."""
    return f"({_moves(new, (*_NUMBERS, *_COUNTS))} OR {_adds_counts(new)})"


def _adds_counts(new: str) -> str:
    """Whether a candle tells a count that `k` does not have."""
    return "(" + " OR ".join(f"{new}.{n} IS NOT NULL AND k.{n} IS NULL" for n in _COUNTS) + ")"


def _rank(row: str) -> str:
    """How well a candle's source knows."""
    ascending = ", ".join(f"'{source}'" for source in sorted(RANK, key=RANK.__getitem__))
    return f"array_position(ARRAY[{ascending}], {row}.source)"


_KEPT_COUNTS = ", ".join(
    f"{n} = coalesce(excluded.{n}, CASE WHEN NOT {_moves('excluded', ['volume'])} THEN k.{n} END)"
    for n in _COUNTS
)
"""What was counted of trades stays where a candle of the same volume does not tell it."""

KLINES = text(f"""
WITH written AS (
    INSERT INTO kline_rows AS k (instrument_id, interval, open_time, open, high, low, close, volume, turnover,
                                 trades, taker_buy_volume, source, complete, recv_ts)
    SELECT i.id, s.interval, to_timestamp(s.open_time / 1000.0::float8), s.open, s.high, s.low, s.close,
           s.volume, s.turnover, s.trades, s.taker_buy_volume, s.source, s.complete,
           to_timestamp(s.recv_ts / 1000.0::float8)
    FROM staged_klines s LEFT JOIN instruments i ON i.venue = s.venue AND i.symbol = s.symbol
    ORDER BY 1, 2, 3
    ON CONFLICT (instrument_id, interval, open_time) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, turnover = excluded.turnover, source = excluded.source,
        {_KEPT_COUNTS},
        complete = excluded.complete OR k.complete, recv_ts = excluded.recv_ts
    WHERE (excluded.complete OR NOT k.complete AND excluded.volume >= k.volume) AND (
        k.source <> 'rest' AND excluded.complete AND NOT k.complete
        OR {_rank("excluded")} > {_rank("k")}
           AND ({_differs("excluded")} OR excluded.complete AND NOT k.complete OR k.source = 'trades')
        OR excluded.source = k.source AND k.source = 'stream' AND {_adds_counts("excluded")}
           AND NOT {_moves("excluded")}
        OR excluded.source = k.source AND k.source <> 'stream' AND excluded.recv_ts > k.recv_ts
           AND {_differs("excluded")}
    )
    RETURNING k.*
)
SELECT count(*) AS written,
       count(*) FILTER (WHERE (e.source = 'rest' OR e.source = 'stream' AND k.source = 'trades')
                        AND {_differs("e")}) AS revisions
FROM written e LEFT JOIN kline_rows k USING (instrument_id, interval, open_time)
""")
"""A source that knows better wins where it differs, and always over a candle made of trades: that was only
for the time until the venue's came. Of the same source the newer row wins where it differs, but the stream's
first word stands and only counts are added to it. A whole candle replaces one that crosses a gap, never the
reverse, and of two that cross one the fuller stays. The last SELECT sees the rows as they were.
"""

_TICKER_FIELDS = [name for name in TickerRow.__struct_fields__ if name not in ("venue", "symbol")]
_TICKER_TIMES = {"next_funding_time", "event_time", "recv_time"}
_TICKER_VALUES = [f"to_timestamp({n} / 1000.0::float8)" if n in _TICKER_TIMES else n for n in _TICKER_FIELDS]
TICKERS = text(f"""
INSERT INTO ticker_rows AS t (instrument_id, {", ".join(_TICKER_FIELDS)})
SELECT i.id, {", ".join(_TICKER_VALUES)}
FROM staged_tickers s LEFT JOIN instruments i USING (venue, symbol)
ORDER BY 1
ON CONFLICT (instrument_id) DO UPDATE SET {", ".join(f"{n} = excluded.{n}" for n in _TICKER_FIELDS)}
WHERE t.recv_time IS NULL OR excluded.recv_time > t.recv_time
""")
FEED_EVENTS = text("""
INSERT INTO feed_events (ts, venue, worker, event, detail)
SELECT to_timestamp(ts / 1000.0::float8), venue, worker, event, detail FROM staged_feed_events
ON CONFLICT DO NOTHING
""")
DEAD_LETTERS = text("""
INSERT INTO dead_letters (ts, kind, reason, body)
VALUES (to_timestamp(:ts / 1000.0::float8), :kind, :reason, :body)
ON CONFLICT DO NOTHING
""")
GAPS = text("""
INSERT INTO gap_rows AS g (venue, symbol, channel, started_at, ended_at, cause, repaired, rows_recovered,
                           detail, detail_rank)
SELECT venue, symbol, channel, to_timestamp(started_at / 1000.0::float8),
       to_timestamp(ended_at / 1000.0::float8), cause, repaired, rows_recovered, detail, detail_rank
FROM staged_gaps WHERE turn = :turn
ORDER BY venue, symbol, channel, started_at
ON CONFLICT (venue, symbol, channel, started_at) DO UPDATE SET
    ended_at = coalesce(g.ended_at, excluded.ended_at),
    repaired = greatest(g.repaired, excluded.repaired),
    rows_recovered = greatest(g.rows_recovered, excluded.rows_recovered),
    detail = CASE WHEN excluded.detail_rank >= g.detail_rank THEN excluded.detail ELSE g.detail END,
    detail_rank = greatest(g.detail_rank, excluded.detail_rank)
WHERE g.ended_at IS NULL AND excluded.ended_at IS NOT NULL
   OR excluded.repaired > g.repaired
   OR excluded.rows_recovered > g.rows_recovered
   OR excluded.detail_rank > g.detail_rank
   OR excluded.detail_rank = g.detail_rank AND excluded.detail <> g.detail
""")
"""A gap only goes forward, whatever comes late: the first cause and the first end stay, `repaired` and the
rows rise, and of what was said of it that stays which was said when it was furthest on.
"""
_INSTRUMENT = """
INSERT INTO instruments (venue, symbol, base, quote, multiplier, tick_size, lot_size, status)
SELECT :venue, :symbol, :base, :quote, :multiplier, :tick_size, :lot_size, :status
"""
NEW_INSTRUMENT = text(f"""{_INSTRUMENT}
WHERE NOT EXISTS (SELECT FROM instruments WHERE venue = :venue AND symbol = :symbol)
ON CONFLICT (venue, symbol) DO NOTHING
""")
"""Looks before it inserts: a conflict would use up an id each time."""

INSTRUMENT = text(f"""{_INSTRUMENT}
ON CONFLICT (venue, symbol) DO UPDATE SET
    base = excluded.base, quote = excluded.quote, multiplier = excluded.multiplier,
    tick_size = coalesce(excluded.tick_size, instruments.tick_size),
    lot_size = coalesce(excluded.lot_size, instruments.lot_size),
    status = CASE excluded.status WHEN 'unknown' THEN instruments.status ELSE excluded.status END,
    last_seen = now()
""")


def instrument_values(instrument: Instrument) -> dict[str, object]:
    """The parameters of both."""
    return {name: getattr(instrument, name) for name in instrument.__struct_fields__}
