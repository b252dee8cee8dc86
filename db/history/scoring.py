"""What the scoreboard is computed from, and where it goes. One worker at a time: an advisory lock."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, text

from db.history.columns import moment
from db.history.engine import postgres_errors

_LOCK = 7_113_305
"""Number of the advisory lock; no meaning of its own."""


class ScoreKey(NamedTuple):
    """Whose signals they are."""

    rule: str
    venue: str
    interval: str


class Fired(NamedTuple):
    """A signal as it counts: times are epoch ms; `net_bps`: by horizon in s, where it is known."""

    symbol: str
    side: str
    ts: int
    spread_bps: float | None
    net_bps: dict[int, float]


_KEYS = text("""
SELECT DISTINCT s.rule, i.venue, s.interval
FROM signal_rows s JOIN instruments i ON i.id = s.instrument_id WHERE s.ts >= :since ORDER BY 1, 2, 3
""")
_FIRED = text("""
SELECT i.symbol, s.side, (date_part('epoch', s.ts) * 1000)::bigint, s.spread_bps, made.net_bps
FROM signal_rows s JOIN instruments i ON i.id = s.instrument_id
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(o.horizon_s, o.net_bps) AS net_bps FROM outcome_rows o
    WHERE o.instrument_id = s.instrument_id AND o.interval = s.interval AND o.rule = s.rule
      AND o.open_time = s.open_time
) AS made ON true
WHERE s.rule = :rule AND s.interval = :interval AND i.venue = :venue AND s.ts >= :since
ORDER BY s.ts DESC LIMIT :most
""")
_FIRST = text("""
SELECT (date_part('epoch', min(first.open_time)) * 1000)::bigint
FROM instruments i CROSS JOIN LATERAL (
    SELECT open_time FROM kline_rows k
    WHERE k.instrument_id = i.id AND k.interval = '1m' AND k.open_time >= :since ORDER BY open_time LIMIT 1
) AS first WHERE i.venue = :venue
""")
_OPENS = text("""
SELECT (date_part('epoch', k.open_time) * 1000)::bigint, k.open
FROM kline_rows k
WHERE k.instrument_id = (SELECT id FROM instruments WHERE venue = :venue AND symbol = :symbol)
  AND k.interval = '1m'
  AND k.open_time IN (SELECT to_timestamp(t / 1000.0::float8) FROM unnest(CAST(:times AS bigint[])) AS t)
ORDER BY 1
""")


class Scoring:
    """One turn's work on its own connection. Every method raises StoreUnavailable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keys(self, since: int) -> list[ScoreKey]:
        """Whose signals there are from epoch ms `since` on."""
        with postgres_errors():
            return [ScoreKey(*row) for row in self._connection.execute(_KEYS, {"since": moment(since)})]

    def fired(self, key: ScoreKey, since: int, most: int) -> list[Fired]:
        """The newest `most` signals from `since` on."""
        chosen = key._asdict() | {"since": moment(since), "most": most}
        with postgres_errors():
            found = self._connection.execute(_FIRED, chosen).all()
        return [
            Fired(symbol, side, ts, spread_bps, {int(h): bps for h, bps in (made or {}).items()})
            for symbol, side, ts, spread_bps, made in found
        ]

    def first_minute(self, venue: str, since: int) -> int | None:
        """When a venue's first stored 1m candle from `since` on opens; None if there is none."""
        with postgres_errors():
            found: int | None = self._connection.scalar(_FIRST, {"venue": venue, "since": moment(since)})
        return found

    def opens(self, venue: str, symbol: str, times: Sequence[int]) -> tuple[list[int], list[float]]:
        """The stored 1m candles that open at these times, ascending: when, and at which price."""
        with postgres_errors():
            chosen = {"venue": venue, "symbol": symbol, "times": list(times)}
            found = self._connection.execute(_OPENS, chosen).all()
        return [row[0] for row in found], [row[1] for row in found]

    def save(self, rows: Sequence[Mapping[str, Any]], computed_at: int) -> None:
        """Put rows of the scoreboard, named as its columns, in the place of those before."""
        if not rows:
            return
        names = list(rows[0])
        changed = [name for name in names if name not in ("rule", "venue", "interval", "horizon_s")]
        statement = text(f"""
            INSERT INTO scoreboard_rows ({", ".join(names)}, computed_at)
            VALUES ({", ".join(f":{name}" for name in names)}, :computed_at)
            ON CONFLICT (rule, venue, interval, horizon_s) DO UPDATE SET
                {", ".join(f"{name} = excluded.{name}" for name in [*changed, "computed_at"])}
        """)
        with postgres_errors():
            self._connection.execute(statement, [{**row, "computed_at": moment(computed_at)} for row in rows])

    def drop_before(self, computed_at: int) -> None:
        """Forget rows of an earlier turn: whose signals are all too old."""
        query = text("DELETE FROM scoreboard_rows WHERE computed_at < :computed_at")
        with postgres_errors():
            self._connection.execute(query, {"computed_at": moment(computed_at)})


@contextmanager
def scoring(engine: Engine) -> Iterator[Scoring | None]:
    """A turn at the scoreboard; None while another worker has it. Its connection is closed in the end.

    Each statement stands alone, so that a turn that takes long holds nothing up. Raises StoreUnavailable.
    """
    try:
        with (
            postgres_errors(),
            engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            is_ours = connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK})
            yield Scoring(connection) if is_ours else None
            if is_ours:  # at once: the server notices a closed connection a little later
                connection.scalar(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    finally:
        engine.dispose()  # after an error the lock goes with the connection
