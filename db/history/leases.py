"""Which collector has which instrument: two small tables, changed by one worker at a time.

Times are the database's: workers on several machines need no common clock.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, text

from db.history.engine import postgres_errors

Name = tuple[str, str]
"""Venue and symbol."""

_LOCK = 7_113_302
"""Number of the advisory lock that one round holds; no meaning of its own."""

_SIGN = text("""
    INSERT INTO workers (id, host, pid, place, started_at, seen_at, is_leaving)
    VALUES (:id, :host, :pid, :place, clock_timestamp(), clock_timestamp(), :is_leaving)
    ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), is_leaving = excluded.is_leaving
""")
_FORGET = text("DELETE FROM workers WHERE seen_at < clock_timestamp() - interval '1 day'")
_PEERS = text("""
    SELECT id, host, pid, place, is_leaving,
           extract(epoch FROM clock_timestamp() - seen_at)::float8 AS age_s,
           (extract(epoch FROM started_at) * 1000)::bigint AS started_at
    FROM workers
""")
_HELD = text("SELECT venue, symbol, owner, epoch FROM leases")
_TAKE = text("""
    INSERT INTO leases (venue, symbol, owner, epoch, taken_at)
    SELECT venue, symbol, :owner, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, clock_timestamp()
    FROM unnest(cast(:venues AS text[]), cast(:symbols AS text[])) AS wanted (venue, symbol)
    ON CONFLICT (venue, symbol) DO UPDATE
    SET owner = excluded.owner,
        epoch = greatest(leases.epoch + 1, excluded.epoch),
        taken_at = excluded.taken_at
    RETURNING venue, symbol, owner, epoch
""")
_DROP = text("""
    DELETE FROM leases
    USING unnest(cast(:venues AS text[]), cast(:symbols AS text[])) AS gone (venue, symbol)
    WHERE leases.venue = gone.venue AND leases.symbol = gone.symbol AND leases.owner = :owner
""")


class Sign(NamedTuple):
    """What a worker says of itself. `place`: of what there is one at a time, like a dyno; or ""."""

    id: str
    host: str
    pid: int
    place: str = ""


class Peer(NamedTuple):
    """A worker as the others see it. `age_s`: since its last sign; `started_at`: epoch ms."""

    id: str
    host: str
    pid: int
    place: str
    is_leaving: bool
    age_s: float
    started_at: int


class Lease(NamedTuple):
    """Who has an instrument. `epoch` rises with each owner."""

    venue: str
    symbol: str
    owner: str
    epoch: int

    @property
    def name(self) -> Name:
        """The instrument."""
        return self.venue, self.symbol


class Decision(NamedTuple):
    """Which instruments a worker takes, and which of its own it gives back."""

    take: Sequence[Name] = ()
    drop: Sequence[Name] = ()


Decide = Callable[[Sequence[Peer], Sequence[Lease]], Decision]


class LeaseTable:
    """The leases. Every method raises StoreUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def round(self, me: Sign, decide: Decide, *, is_leaving: bool = False) -> list[Lease]:
        """Give a sign of life, look at all leases and change them as `decide` says; the leases afterwards.

        While it lasts no other worker does the same, so that no two decide on the same view.
        """
        with postgres_errors(), self._engine.begin() as connection:
            connection.execute(text("SET LOCAL synchronous_commit = off"))  # a sign is not worth a sync
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            connection.execute(_SIGN, me._asdict() | {"is_leaving": is_leaving})
            peers = [Peer(**row) for row in connection.execute(_PEERS).mappings()]
            held = {lease.name: lease for lease in (Lease(*row) for row in connection.execute(_HELD))}
            decision = decide(peers, list(held.values()))
            if decision.take:
                taken = connection.execute(_TAKE, _names(me, decision.take))
                held |= {lease.name: lease for lease in (Lease(*row) for row in taken)}
            if decision.drop:
                connection.execute(_DROP, _names(me, decision.drop))
                held = {name: lease for name, lease in held.items() if name not in set(decision.drop)}
            return list(held.values())

    def leave(self, me: Sign) -> None:
        """Forget a worker and all that it has."""
        with postgres_errors(), self._engine.begin() as connection:
            connection.execute(text("DELETE FROM leases WHERE owner = :id"), {"id": me.id})
            connection.execute(text("DELETE FROM workers WHERE id = :id"), {"id": me.id})
            connection.execute(_FORGET)


def _names(me: Sign, names: Sequence[Name]) -> dict[str, Any]:
    venues, symbols = zip(*names, strict=True)
    return {"owner": me.id, "venues": list(venues), "symbols": list(symbols)}
