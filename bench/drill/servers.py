"""The stores of a drill as servers that are stopped, frozen and changed, and what is seen in them."""

import os
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import redis
from sqlalchemy.engine import make_url

from bench.drill.contexts import passwords
from bench.drill.rows import Rows, Tick, compare_ticks, stored_ticks
from bench.drill.watch import Gap, Instrument
from db.hot import keys
from db.local.stores import Stores

_GAPS = """
SELECT venue, symbol, channel, round(extract(epoch FROM started_at) * 1000)::bigint,
       round(extract(epoch FROM ended_at) * 1000)::bigint, cause, repaired, detail
FROM gaps ORDER BY id
"""
_SESSIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'tickdeck-writer'"


class Servers:
    """One PostgreSQL and one Redis; each look at them opens a connection of its own."""

    def __init__(self, stores: Stores) -> None:
        assert stores.postgres is not None and stores.redis is not None
        self.urls = stores.urls
        self._stores = stores
        self._postgres, self._redis = stores.postgres, stores.redis

    @contextmanager
    def hot(self) -> Iterator["redis.Redis"]:
        """A client of Redis that waits a second at most."""
        url = self.urls["REDIS_URL"]
        with redis.Redis.from_url(url, decode_responses=True, socket_timeout=1, retry=None) as client:
            yield client

    def connect(self) -> "psycopg2.extensions.connection":
        """A session of the superuser, who needs no password and may always write."""
        url = make_url(self.urls["DATABASE_URL"]).set(drivername="postgresql", username="postgres")
        dsn = url.set(password=None).render_as_string(hide_password=False)
        return psycopg2.connect(dsn, options="-c default_transaction_read_only=off")

    def execute(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a statement as the superuser; its rows."""
        with closing(self.connect()) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement, list(values) or None)
            return list(cursor.fetchall()) if cursor.description else []

    def pid(self, name: str) -> int:
        """Process id of "postgres" or "redis"."""
        return self._stores.supervisor.children[name].pid

    def sessions(self) -> list[int]:
        """Process ids of the backends that the collector writes by."""
        return [row[0] for row in self.execute(_SESSIONS)]

    def end_sessions(self) -> None:
        """Have the server end the collector's sessions."""
        for pid in self.sessions():
            self.execute(f"SELECT pg_terminate_backend({pid})")

    def kill(self, name: str, how: int = signal.SIGKILL) -> None:
        """End a server; for PostgreSQL SIGQUIT is a crash."""
        process = self._stores.supervisor.children.pop(name).process
        process.send_signal(how)
        process.wait(30)

    def start(self, name: str) -> None:
        """Start a server again; it takes connections."""
        server = self._postgres if name == "postgres" else self._redis
        server.wait(self._stores.supervisor, server.start(self._stores.supervisor))

    def freeze(self, pid: int) -> None:
        """Let a process stand still."""
        os.kill(pid, signal.SIGSTOP)

    def thaw(self, pid: int) -> None:
        """Let it go on, if it is still there."""
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGCONT)

    def spoil_snapshots(self) -> Path:
        """Redis cannot save itself any more; returns the directory that it misses."""
        missing = self._redis.data / "gone"
        missing.mkdir()
        with self.hot() as client:
            client.config_set("dir", str(missing))
            client.config_set("save", "3600 1")
            shutil.rmtree(missing)
            client.bgsave()
        return missing

    def heal_snapshots(self) -> None:
        """It can again."""
        with self.hot() as client:
            client.config_set("save", "")
            client.config_set("dir", str(self._redis.data))

    def book_ages(self, instruments: Sequence[Instrument]) -> list[int]:
        """How long ago each live book was published, ms; one that is not live is as old as can be."""
        with self.hot() as client:
            pipeline = client.pipeline(transaction=False)
            for venue, symbol in instruments:
                pipeline.hmget(f"book:{venue}:{symbol}", ["state", "publish_time"])
            now = time.time_ns() // 1_000_000
            return [now - int(at) if state == "live" else now for state, at in pipeline.execute()]

    def tapes(self, instruments: Sequence[Instrument]) -> dict[str, list[str]]:
        """The ids of the newest trades of each instrument that Redis holds, by key, oldest first."""
        with self.hot() as client:
            names = [keys.trades(*it) for it in instruments]
            found: list[Any] = [
                client.xrevrange(name, count=keys.TRADES_LENGTH) if client.type(name) == "stream" else []
                for name in names
            ]
        return {
            name: [fields["trade_id"] for _, fields in reversed(entries)]
            for name, entries in zip(names, found, strict=True)
        }

    def tick_age(self) -> int:
        """How long ago the newest committed tick was made, ms."""
        newest = "SELECT round(extract(epoch FROM max(ts)) * 1000)::bigint FROM tick_rows"
        return time.time_ns() // 1_000_000 - int(self.execute(newest)[0][0] or 0)

    def worker(self, *names: str) -> list[str]:
        """Fields of the collector's own state; nothing when none gives signs."""
        with self.hot() as client:
            for key in client.scan_iter("worker:*"):
                return [str(value or "") for value in client.hmget(key, names)]
        return []

    def waiting(self) -> int:
        """Rows that the collector holds back, in its memory's queue and in its spool; -1 without one."""
        found = self.worker("queue_rows", "spool_rows")
        return sum(int(rows or 0) for rows in found) if found else -1

    def passwords(self) -> AbstractContextManager[None]:
        """The role `app` needs one."""
        return passwords(self._postgres.data, self.execute)

    def gaps(self) -> list[Gap]:
        """The ledger."""
        return [Gap(*row) for row in self.execute(_GAPS)]

    def compare(
        self, instruments: Sequence[Instrument], truths: dict[Instrument, Any], first_ms: int, last_ms: int
    ) -> Rows:
        """The stored ticks of a time against what was really said of each instrument."""
        gaps, rows = self.gaps(), Rows()
        with closing(self.connect()) as connection:
            for it in instruments:
                stored: list[Tick] = stored_ticks(connection.cursor(), it, first_ms, last_ms)
                mine = [gap for gap in gaps if (gap.venue, gap.symbol) == it]
                found = compare_ticks(truths[it], stored, mine, first_ms)
                rows = rows.plus(
                    found._replace(example=found.example and f"{it.venue} {it.symbol} {found.example}")
                )
        return rows
