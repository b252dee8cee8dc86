"""Fewer points than there are rows, chosen in the database: what a chart has room for.

Ticks keep their extremes, and every point is a row that was stored; candles are joined into longer ones.
"""

from typing import Any

from sqlalchemy import Connection, select, text

from db.history.columns import KLINE, TICK, as_kline, as_tick, between, moment, ms, of_instrument, of_series
from db.rows import TickRow
from db.schema import kline_rows, tick_rows
from market.events import Kline
from market.intervals import INTERVAL_MS

_PER_BUCKET = 2
"""A bucket of ticks gives its lowest and its highest."""

# Sorted once per direction: a tick with one side has no mid and is taken only where there is no other.
_EXTREMES = text("""
WITH chosen AS MATERIALIZED (
    SELECT date_bin(:width * interval '1 millisecond', ts, :start) AS bucket,
           best_bid_price + best_ask_price AS height, ts, update_id, best_bid_price, best_bid_size,
           best_ask_price, best_ask_size, recv_ts
    FROM tick_rows WHERE venue = :venue AND symbol = :symbol AND ts >= :start AND ts < :end
), lowest AS (
    SELECT DISTINCT ON (bucket) * FROM chosen ORDER BY bucket, height NULLS LAST, ts, update_id
), highest AS (
    SELECT DISTINCT ON (bucket) * FROM chosen ORDER BY bucket, height DESC NULLS LAST, ts, update_id
)
SELECT (date_part('epoch', ts) * 1000)::bigint, update_id, best_bid_price, best_bid_size, best_ask_price,
       best_ask_size, (date_part('epoch', recv_ts) * 1000)::bigint
FROM (SELECT * FROM lowest UNION SELECT * FROM highest) AS extremes
ORDER BY ts, update_id
""")

_BOUNDS = text("""
SELECT (date_part('epoch', min(open_time)) * 1000)::bigint,
       (date_part('epoch', max(open_time)) * 1000)::bigint
FROM klines WHERE venue = :venue AND symbol = :symbol AND interval = :interval
              AND open_time >= :start AND open_time < :end
""")

_JOINED = text("""
SELECT (date_part('epoch', bucket) * 1000)::bigint AS bucket,
       (array_agg(open ORDER BY open_time))[1] AS open, max(high) AS high, min(low) AS low,
       (array_agg(close ORDER BY open_time DESC))[1] AS close,
       round(sum(volume)::numeric, 8)::float8 AS volume, round(sum(turnover)::numeric, 8)::float8 AS turnover,
       (date_part('epoch', max(recv_ts)) * 1000)::bigint AS recv_time,
       CASE WHEN count(trades) = count(*) THEN sum(trades)::bigint END AS trades,
       CASE WHEN count(taker_buy_volume) = count(*)
            THEN round(sum(taker_buy_volume)::numeric, 8)::float8 END AS taker_buy_volume,
       bool_and(complete) AS complete, count(*) AS parts
FROM (
    SELECT date_bin(:width * interval '1 millisecond', open_time, 'epoch'::timestamptz) AS bucket, *
    FROM klines WHERE venue = :venue AND symbol = :symbol AND interval = :interval
                  AND open_time >= :start AND open_time < :end
) AS binned
GROUP BY bucket ORDER BY bucket
""")


def ticks(
    connection: Connection, venue: str, symbol: str, *, start: int, end: int, max_points: int
) -> list[TickRow]:
    """See `HistoryReader.ticks_downsampled`."""
    _check(max_points, _PER_BUCKET)
    order = (tick_rows.c.ts, tick_rows.c.update_id)
    chosen = [*of_instrument(venue, symbol), *between(tick_rows.c.ts, start, end)]
    query = select(*TICK).where(*chosen).order_by(*order).limit(max_points + 1)
    found = connection.execute(query).all()
    if len(found) > max_points:
        newest = select(ms(order[0])).where(*chosen).order_by(*(c.desc() for c in order)).limit(1)
        start, end = found[0][0], connection.execute(newest).scalar_one() + 1
        width = -(-(end - start) // (max_points // _PER_BUCKET))
        found = connection.execute(_EXTREMES, _span(venue, symbol, start, end) | {"width": width}).all()
    return [as_tick(venue, symbol, row) for row in found]


def klines(
    connection: Connection, venue: str, symbol: str, interval: str, *, start: int, end: int, max_points: int
) -> list[Kline]:
    """See `HistoryReader.klines_downsampled`."""
    _check(max_points, 1)
    chosen = _span(venue, symbol, start, end) | {"interval": interval}
    first, last = connection.execute(_BOUNDS, chosen).one()
    if first is None:
        return []
    step = INTERVAL_MS[interval]
    parts = _parts_of(first // step, last // step, max_points)
    if parts == 1:
        query = select(*KLINE).where(*of_series(venue, symbol, interval))
        query = query.where(*between(kline_rows.c.open_time, start, end)).order_by(kline_rows.c.open_time)
        return [as_kline(symbol, row) for row in connection.execute(query)]
    width = step * parts
    found: list[Kline] = []
    for row in connection.execute(_JOINED, chosen | {"width": width}).mappings():
        fields: dict[str, Any] = dict(row)
        bucket, count = fields.pop("bucket"), fields.pop("parts")
        begin, end_ = max(bucket, first), min(bucket + width, last + step)
        fields["complete"] = fields["complete"] and count * step == end_ - begin
        fields |= {"open_time": begin, "event_time": end_ - 1, "is_closed": True, "source": "rollup"}
        found.append(Kline(symbol=symbol, interval=interval, **fields))
    return found


def _parts_of(first: int, last: int, max_points: int) -> int:
    """How many candles are joined, so that those numbered `first` to `last` make at most `max_points`."""
    parts = -(-(last - first + 1) // max_points)
    while last // parts - first // parts + 1 > max_points:
        parts += 1
    return parts


def _check(max_points: int, least: int) -> None:
    if max_points < least:
        raise ValueError(f"expected max_points of at least {least}, found {max_points}")


def _span(venue: str, symbol: str, start: int, end: int) -> dict[str, Any]:
    return {"venue": venue, "symbol": symbol, "start": moment(start), "end": moment(end)}
