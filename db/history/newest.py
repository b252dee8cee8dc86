"""The newest candles of many series in one round trip: what a start begins with.

One row a series, its columns as arrays in Postgres's binary form. Measured for 100 instruments, 6 intervals
and 400 candles: 0.6 s, where 240,000 plain rows took 1.3 s.
"""

import struct
from collections.abc import Iterator, Sequence
from io import BytesIO
from math import isnan
from typing import Any

import numpy as np
from sqlalchemy import Engine

from db.history.engine import postgres_errors
from market.events import Kline
from market.intervals import INTERVAL_MS
from market.kline_series import RANK

Series = tuple[str, str, str]
"""Venue, symbol, interval."""

_SOURCES = sorted(RANK)
_QUERY = """
COPY (
    SELECT wanted.number, spans.number, newest.*
    FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS wanted (venue, symbol, number)
    JOIN instruments i USING (venue, symbol)
    CROSS JOIN unnest(%s::text[]) WITH ORDINALITY AS spans (interval, number)
    CROSS JOIN LATERAL (
        SELECT array_agg(open_time), array_agg(open), array_agg(high), array_agg(low), array_agg(close),
               array_agg(volume), array_agg(turnover), array_agg(recv_ts), array_agg(coalesce(trades, -1)),
               array_agg(coalesce(taker_buy_volume, 'NaN')), array_agg(complete),
               array_agg(array_position(%s::text[], source))
        FROM (
            SELECT * FROM kline_rows k WHERE k.instrument_id = i.id AND k.interval = spans.interval
            ORDER BY open_time DESC LIMIT %s
        ) AS rows
        HAVING count(*) > 0
    ) AS newest
) TO STDOUT (FORMAT binary)
"""
_KINDS = (">i8", *[">f8"] * 6, ">i8", ">i8", ">f8", "?", ">i4")
"""Of the arrays' elements, in the order of the query. A time is in µs since 2000."""
_FILE_HEAD = 19
_ARRAY_HEAD = 20
_ROW_HEAD = struct.Struct(">hiqiq")
"""How many fields; the two numbers, each behind its length."""
_FIELDS, _LENGTH = struct.Struct(">h"), struct.Struct(">i")
_END = -1
"""In the place of how many fields a row has, behind the last row."""
_2000_MS = 946_684_800_000


def newest_klines(
    engine: Engine, instruments: Sequence[tuple[str, str]], intervals: Sequence[str], limit: int
) -> Iterator[tuple[Series, list[Kline]]]:
    """The newest `limit` closed candles of each (venue, symbol) and interval, ascending.

    Everything is read when this returns, and becomes candles series by series: they take ten times as much
    memory. A series that holds nothing is left out. Raises StoreUnavailable.
    """
    with postgres_errors(), engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        venues, symbols = [venue for venue, _ in instruments], [symbol for _, symbol in instruments]
        with driver.cursor() as cursor:
            query = cursor.mogrify(_QUERY, (venues, symbols, list(intervals), _SOURCES, limit))
            cursor.copy_expert(query, found := BytesIO())
    return _series_of(found.getvalue(), instruments, intervals)


def _series_of(
    found: bytes, instruments: Sequence[tuple[str, str]], intervals: Sequence[str]
) -> Iterator[tuple[Series, list[Kline]]]:
    place = _FILE_HEAD
    while _FIELDS.unpack_from(found, place)[0] != _END:
        _, _, number, _, span = _ROW_HEAD.unpack_from(found, place)
        place += _ROW_HEAD.size
        columns = []
        for kind in _KINDS:
            (length,) = _LENGTH.unpack_from(found, place)
            place += _LENGTH.size
            columns.append(_column(found, place, length, kind))
            place += length
        venue, symbol = instruments[number - 1]
        interval = intervals[span - 1]
        yield (venue, symbol, interval), _klines(symbol, interval, columns)


def _column(found: bytes, place: int, length: int, kind: str) -> list[Any]:
    """The elements of an array, the last one first; each stands behind its length."""
    element = np.dtype([("length", ">i4"), ("value", kind)])
    elements = np.frombuffer(
        found, element, (length - _ARRAY_HEAD) // element.itemsize, offset=place + _ARRAY_HEAD
    )
    values: list[Any] = elements["value"][::-1].tolist()
    return values


def _klines(symbol: str, interval: str, columns: Sequence[list[Any]]) -> list[Kline]:
    to_close = INTERVAL_MS[interval] - 1
    return [
        Kline(
            symbol, interval, open_time := opened // 1000 + _2000_MS, open_, high, low, close, volume,
            turnover, True, open_time + to_close, received // 1000 + _2000_MS,
            None if trades < 0 else trades, None if isnan(taker) else taker, _SOURCES[source - 1], complete,
        )
        for opened, open_, high, low, close, volume, turnover, received, trades, taker, complete, source
        in zip(*columns, strict=True)
    ]  # fmt: skip
