"""Many series of candles in one round trip: the database packs each into bytes.

240,000 candles as rows take a second of our CPU and more; packed they take 0.03 s, and 0.3 s in all.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

WIDTH = 8
"""Numbers a candle: open time in epoch seconds, open, high, low, close, volume, turnover, 1 if complete."""

_PACKED = text("""
SELECT i.symbol, w.interval, n.packed
FROM instruments i
CROSS JOIN unnest(CAST(:intervals AS text[])) AS w(interval)
CROSS JOIN LATERAL (
    SELECT string_agg(
        float8send(date_part('epoch', open_time)) || float8send(open) || float8send(high)
        || float8send(low) || float8send(close) || float8send(volume) || float8send(turnover)
        || float8send(complete::int::float8),
        ''::bytea ORDER BY open_time
    ) AS packed
    FROM (
        SELECT * FROM kline_rows k
        WHERE k.instrument_id = i.id AND k.interval = w.interval ORDER BY open_time DESC LIMIT :most
    ) AS newest
) AS n
WHERE i.venue = :venue AND i.symbol = ANY(CAST(:symbols AS text[])) AND n.packed IS NOT NULL
""")


DAY_WIDTH = 5
"""Numbers a minute: open time in epoch seconds, turnover, volume, taker_buy_volume or NaN, 1 if complete."""

_DAY = text("""
SELECT i.symbol, string_agg(
    float8send(date_part('epoch', open_time)) || float8send(turnover) || float8send(volume)
    || float8send(coalesce(taker_buy_volume, 'NaN')) || float8send(complete::int::float8),
    ''::bytea ORDER BY open_time
)
FROM instruments i JOIN kline_rows k ON k.instrument_id = i.id AND k.interval = '1m'
WHERE i.venue = :venue AND i.symbol = ANY(CAST(:symbols AS text[]))
  AND k.open_time >= to_timestamp(:since)
GROUP BY i.symbol
""")


def minutes(connection: Connection, venue: str, symbols: Sequence[str], since_ms: int) -> dict[str, bytes]:
    """See `HistoryReader.packed_minutes`."""
    names = {"venue": venue, "symbols": list(symbols), "since": since_ms / 1000}
    return {row[0]: bytes(row[1]) for row in connection.execute(_DAY, names)}


def newest(
    connection: Connection, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
) -> dict[tuple[str, str], bytes]:
    """See `HistoryReader.packed_klines`."""
    names = {"venue": venue, "symbols": list(symbols), "intervals": list(intervals), "most": most}
    return {(row[0], row[1]): bytes(row[2]) for row in connection.execute(_PACKED, names)}
