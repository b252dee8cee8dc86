"""Since when the signals of the newest closes hold."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text


class SignalRun(NamedTuple):
    """The signal of the newest close, and the open time of the candle that brought it, epoch ms.

    `began` is None where it has held for longer than was looked back.
    """

    signal: str
    began: int | None


_RUNS = text("""
SELECT i.venue, i.symbol, run.signal, run.began
FROM instruments i
CROSS JOIN LATERAL (
    SELECT min(signal) AS signal,
           CASE WHEN count(*) < :most THEN (date_part('epoch', min(open_time)) * 1000)::bigint END AS began
    FROM (
        SELECT open_time, signal, bool_or(is_other) OVER (ORDER BY open_time DESC) AS is_before
        FROM (
            SELECT open_time, signal,
                   signal IS DISTINCT FROM first_value(signal) OVER (ORDER BY open_time DESC) AS is_other
            FROM (
                SELECT open_time, signal FROM indicator_rows r
                WHERE r.instrument_id = i.id AND r.interval = :interval ORDER BY open_time DESC LIMIT :most
            ) AS newest
        ) AS compared
    ) AS marked
    WHERE NOT is_before
) AS run
WHERE i.venue = ANY(CAST(:venues AS text[])) AND run.signal IS NOT NULL
""")


def newest(
    connection: Connection, venues: Sequence[str], interval: str, most: int
) -> dict[tuple[str, str], SignalRun]:
    """See `HistoryReader.signal_runs`."""
    names = {"venues": list(venues), "interval": interval, "most": most}
    return {(row[0], row[1]): SignalRun(row[2], row[3]) for row in connection.execute(_RUNS, names)}
