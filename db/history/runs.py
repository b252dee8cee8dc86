"""Since when the signals of the newest closes hold."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text


class SignalRun(NamedTuple):
    """The signal of the newest close, and the open time of the candle that brought it, epoch ms.

    `began` is None where it has held for longer than was looked back, or since the first close there is.
    """

    signal: str
    began: int | None


_RUNS = text("""
SELECT i.venue, i.symbol, newest.signal, (date_part('epoch', (
    SELECT min(r.open_time) FROM indicator_rows r
    WHERE r.instrument_id = i.id AND r.interval = :interval AND r.open_time > other.open_time
)) * 1000)::bigint
FROM instruments i
CROSS JOIN LATERAL (
    SELECT signal FROM indicator_rows r
    WHERE r.instrument_id = i.id AND r.interval = :interval ORDER BY open_time DESC LIMIT 1
) AS newest
LEFT JOIN LATERAL (
    SELECT open_time FROM (
        SELECT open_time, signal FROM indicator_rows r
        WHERE r.instrument_id = i.id AND r.interval = :interval ORDER BY open_time DESC LIMIT :most
    ) AS looked_at
    WHERE looked_at.signal IS DISTINCT FROM newest.signal ORDER BY open_time DESC LIMIT 1
) AS other ON true
WHERE i.venue = ANY(CAST(:venues AS text[])) AND newest.signal IS NOT NULL
""")
"""Reads as many rows of the index as the run is long. The first close of all was brought by nobody."""


def newest(
    connection: Connection, venues: Sequence[str], interval: str, most: int
) -> dict[tuple[str, str], SignalRun]:
    """See `HistoryReader.signal_runs`."""
    names = {"venues": list(venues), "interval": interval, "most": most}
    return {(row[0], row[1]): SignalRun(row[2], row[3]) for row in connection.execute(_RUNS, names)}
