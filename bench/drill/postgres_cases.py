"""The faults of PostgreSQL that one machine can inject."""

import os
import signal
import time
from collections.abc import Callable

from bench.drill.redis_cases import killed, meanwhile, nothing
from bench.drill.servers import Servers
from bench.drill.stores import Heal, StoreCase
from db.history import partitions
from db.migrate import required_version

_LEAVES = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass(%s)"
_GOOD = "update_id % 20 <> 7"
_GOOD_LETTER = "(body::jsonb->>'update_id')::bigint % 20 <> 7"
_PUT_BACK = """
INSERT INTO tick_rows (venue, symbol, ts, update_id, best_bid_price, best_bid_size, best_ask_price,
                       best_ask_size, recv_ts)
SELECT venue, symbol, to_timestamp(it.ts / 1000.0), update_id, bid_price, bid_size, ask_price, ask_size,
       to_timestamp(recv_ts / 1000.0)
FROM dead_letters, jsonb_to_record(body::jsonb) AS it(venue text, symbol text, ts bigint, update_id bigint,
     bid_price float, bid_size float, ask_price float, ask_size float, recv_ts bigint)
WHERE kind = 'ticks'
"""


def _sessions_end(servers: Servers) -> Heal:
    servers.end_sessions()
    return servers.end_sessions


def _frozen_backends(servers: Servers) -> Heal:
    pids = servers.sessions()
    for pid in pids:
        servers.freeze(pid)

    def heal() -> None:
        for pid in pids:
            servers.thaw(pid)

    return heal


def _read_only(servers: Servers) -> Heal:
    def switch(word: str) -> None:
        servers.execute(f"ALTER SYSTEM SET default_transaction_read_only = {word}")
        servers.execute("SELECT pg_reload_conf()")

    switch("on")
    return lambda: switch("off")


def _locked(servers: Servers) -> Heal:
    """Another session holds the table for five seconds."""
    hold = "BEGIN; LOCK TABLE tick_rows IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(5); COMMIT"
    return meanwhile(lambda: servers.execute(hold))


def _no_connections(servers: Servers) -> Heal:
    servers.execute("ALTER ROLE app CONNECTION LIMIT 0")
    servers.end_sessions()
    return lambda: servers.execute("ALTER ROLE app CONNECTION LIMIT -1")


def _connects_hang(servers: Servers) -> Heal:
    pid = servers.pid("postgres")
    servers.end_sessions()
    servers.freeze(pid)
    return lambda: servers.thaw(pid)


def _backend_crashes(servers: Servers) -> Heal:
    """With one of them PostgreSQL ends all sessions."""
    os.kill(servers.sessions()[0], signal.SIGKILL)
    return nothing


def _slow(servers: Servers) -> Heal:
    """Each statement that adds ticks takes 0.3 s more."""
    servers.execute(
        "CREATE FUNCTION drill_wait() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NULL; END $$"
    )
    servers.execute(
        "CREATE TRIGGER drill_wait BEFORE INSERT ON tick_rows FOR EACH STATEMENT"
        " EXECUTE FUNCTION drill_wait()"
    )
    return lambda: servers.execute("DROP FUNCTION drill_wait CASCADE")


def _answering(code: str) -> Callable[[Servers], Heal]:
    """Each statement that adds ticks fails with that code."""

    def begin(servers: Servers) -> Heal:
        servers.execute(
            "CREATE FUNCTION drill_fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{code}'; END $$"
        )
        servers.execute(
            "CREATE TRIGGER drill_fail BEFORE INSERT ON tick_rows FOR EACH STATEMENT"
            " EXECUTE FUNCTION drill_fail()"
        )
        return lambda: servers.execute("DROP FUNCTION drill_fail CASCADE")

    return begin


def _no_partition(servers: Servers) -> Heal:
    """Those of now are taken away and put aside; in the end their rows go to those that were made instead."""
    now_ms = time.time_ns() // 1_000_000
    name = partitions.name_of(now_ms - now_ms % partitions.SPAN_MS)
    leaves = [row[0] for row in servers.execute(_LEAVES, [name])]
    servers.execute(
        f"ALTER TABLE tick_rows DETACH PARTITION {name}; ALTER TABLE {name} RENAME TO drill_ticks;"
        + "".join(
            f"ALTER TABLE {leaf} RENAME TO {leaf.replace('tick_rows', 'drill_ticks')};" for leaf in leaves
        )
        + "".join(f"ALTER INDEX {leaf}_key RENAME TO drill_{leaf}_key;" for leaf in leaves)
    )

    def heal() -> None:
        servers.execute("INSERT INTO tick_rows SELECT * FROM drill_ticks ON CONFLICT DO NOTHING")
        servers.execute("DROP TABLE drill_ticks")

    return heal


def _poison(servers: Servers) -> Heal:
    """Now and then a row is refused; those that are dead letters are put back by hand in the end."""
    servers.execute(
        f"TRUNCATE dead_letters; ALTER TABLE tick_rows ADD CONSTRAINT drill CHECK ({_GOOD}) NOT VALID"
    )

    def heal() -> None:
        servers.execute("ALTER TABLE tick_rows DROP CONSTRAINT drill")
        time.sleep(1.0)  # for what was refused just before
        servers.execute(_PUT_BACK)

    return heal


def _letters_are_right(servers: Servers) -> str:
    """Rows were refused, and none but those that had to be."""
    bad = servers.execute(f"SELECT count(*), count(*) FILTER (WHERE {_GOOD_LETTER}) FROM dead_letters")
    letters, good = bad[0]
    if not letters:
        return "no row was refused"
    return f"{good} of {letters} dead letters are of good rows" if good else ""


def _other_schema(servers: Servers) -> Heal:
    """Somebody migrated to a version that nobody here knows."""
    servers.execute("UPDATE alembic_version SET version_num = '9999'")
    servers.end_sessions()
    return lambda: servers.execute(f"UPDATE alembic_version SET version_num = '{required_version()}'")


POSTGRES = (
    StoreCase("P2", "PostgreSQL crashes in the middle of a batch", "postgres",
              killed("postgres", signal.SIGQUIT), back_s=15.0),
    StoreCase("P3", "its sessions are ended", "postgres", _sessions_end, back_s=5.0),
    StoreCase("P4", "its backends stand still", "postgres", _frozen_backends, lasts_s=6.0, back_s=15.0),
    StoreCase("P5", "it takes no writes any more", "postgres", _read_only, back_s=15.0),
    StoreCase("P6", "its disk is full, as it says", "postgres", _answering("53100"), back_s=15.0,
              says="down"),
    StoreCase("P7", "another session locks the table", "postgres", _locked, back_s=15.0),
    StoreCase("P8", "no partition takes the rows", "postgres", _no_partition, back_s=5.0),
    StoreCase("P9", "one row of twenty is refused", "postgres", _poison, back_s=5.0,
              check=_letters_are_right),
    StoreCase("P10", "it takes no more connections", "postgres", _no_connections, back_s=15.0),
    StoreCase("P11", "connecting hangs", "postgres", _connects_hang, lasts_s=6.0, back_s=15.0),
    StoreCase("P12", "one backend crashes, and all sessions with it", "postgres", _backend_crashes,
              back_s=15.0),
    StoreCase("P13", "every batch takes 0.3 s longer", "postgres", _slow, lasts_s=6.0, back_s=5.0),
    StoreCase("P15", "its schema is of a version that is not known", "postgres", _other_schema, back_s=15.0,
              says="schema"),
)  # fmt: skip
