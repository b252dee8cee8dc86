"""Rows on their way into temporary tables, sent with COPY."""

from collections import Counter
from collections.abc import Iterable
from io import StringIO

import msgspec
from sqlalchemy import Connection, text

from db.history.screening import MOST_RECOVERED
from db.rows import REPAIRED, FeedEventRow, GapRow, KlineRow, TickerRow, TickRow

TABLES = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_ticks (
    venue text, symbol text, ts bigint, update_id bigint, best_bid_price float8, best_bid_size float8,
    best_ask_price float8, best_ask_size float8, recv_ts bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_klines (
    venue text, symbol text, interval text, open_time bigint, open float8, high float8, low float8,
    close float8, volume float8, turnover float8, trades bigint, taker_buy_volume float8, source text,
    complete boolean, recv_ts bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_tickers (
    venue text, symbol text, last_price float8, mark_price float8, index_price float8, funding_rate float8,
    next_funding_time bigint, open_interest float8, high_24h float8, low_24h float8, volume_24h float8,
    turnover_24h float8, change_24h_pct float8, best_bid_price float8, best_bid_size float8,
    best_ask_price float8, best_ask_size float8, event_time bigint, recv_time bigint
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_feed_events (
    ts bigint, venue text, worker text, event text, detail text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_gaps (
    turn int, detail_rank bigint, venue text, symbol text, channel text, started_at bigint, ended_at bigint,
    cause text, repaired text, rows_recovered bigint, detail text
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_indicators (
    venue text, symbol text, interval text, open_time bigint, rsi float8, stoch_rsi_k float8,
    stoch_rsi_d float8, ema_fast float8, ema_slow float8, macd float8, macd_signal float8, bb_upper float8,
    bb_lower float8, atr float8, score float8, signal text, bars int, reason text, computed_at bigint,
    vwap float8
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_signals (
    venue text, symbol text, interval text, rule text, open_time bigint, ts bigint, side text,
    strength float8, price float8, spread_bps float8, inputs jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_outcomes (
    venue text, symbol text, interval text, rule text, open_time bigint, horizon_s int, price_at float8,
    return_bps float8, net_bps float8
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_paper_trades (
    venue text, symbol text, interval text, rule text, side text, entry_ts bigint, entry_price float8,
    fee_bps float8, exit_ts bigint, exit_price float8, exit_reason text, gross_bps float8, net_bps float8
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_paper_states (
    venue text, symbol text, interval text, rule text, step bigint, state jsonb
) ON COMMIT DELETE ROWS;
"""
"""In the order of columns that the functions below write. Times are epoch ms, as they came."""

_SPECIAL = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def tick_lines(rows: list[TickRow]) -> str:
    """Ticks in COPY's text format."""
    return "".join(
        [
            f"{venue}\t{symbol}\t{ts}\t{update_id}\t{bid}\t{bid_size}\t{ask}\t{ask_size}\t{recv_ts}\n"
            if bid is not None and ask is not None and bid_size is not None and ask_size is not None
            else line((venue, symbol, ts, update_id, bid, bid_size, ask, ask_size, recv_ts))
            for venue, symbol, ts, update_id, bid, bid_size, ask, ask_size, recv_ts in rows
        ]
    )


def kline_lines(rows: Iterable[KlineRow]) -> str:
    """Candles in COPY's text format."""
    return "".join(
        line(
            (
                row.venue, k.symbol, k.interval, k.open_time, k.open, k.high, k.low, k.close, k.volume,
                k.turnover, k.trades, k.taker_buy_volume, k.source, k.complete, k.recv_time,
            )
        )
        for row in rows
        for k in (row.kline,)
    )  # fmt: skip


def ticker_lines(rows: Iterable[TickerRow]) -> str:
    """Tickers in COPY's text format."""
    return "".join(line(msgspec.structs.astuple(row)) for row in rows)


def feed_event_lines(rows: Iterable[FeedEventRow]) -> str:
    """Feed events in COPY's text format."""
    return "".join(line(row) for row in rows)


def gap_lines(rows: Iterable[GapRow]) -> tuple[str, int]:
    """Gaps in COPY's text format, and how many turns their states take.

    One statement must not change a row twice: the n-th state of a gap in this batch is written in turn n.
    """
    turns: Counter[tuple[object, ...]] = Counter()
    lines: list[str] = []
    for row in rows:
        identity = row[:4]
        lines.append(line((turns[identity], _detail_rank(row), *row)))
        turns[identity] += 1
    return "".join(lines), max(turns.values(), default=0)


def make_tables(connection: Connection) -> None:
    """Make the temporary tables, once per connection, in a transaction of their own."""
    if "staging" not in connection.info:
        with connection.begin():
            connection.execute(text("SET LOCAL client_min_messages = warning"))
            connection.execute(text(TABLES))
        connection.info["staging"] = True


def copy(connection: Connection, table: str, lines: str) -> None:
    """Fill a temporary table. The connection is in a transaction; its rows are gone when that ends."""
    driver = connection.connection.driver_connection
    assert driver is not None
    with driver.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} FROM STDIN", StringIO(lines))


def _detail_rank(row: GapRow) -> int:
    """How far the gap was when this was said of it: open, ended, repaired; then by rows. 0: nothing said.

    A rank is a stage times more than rows can be, plus rows.
    """
    if not row.detail:
        return 0
    stage = 1 + (row.ended_at is not None) + REPAIRED.index(row.repaired)
    return stage * MOST_RECOVERED + row.rows_recovered


def line(values: Iterable[object]) -> str:
    """One row in COPY's text format."""
    words = [
        "\\N" if v is None else str(v).translate(_SPECIAL) if isinstance(v, str) else str(v) for v in values
    ]
    return "\t".join(words) + "\n"
