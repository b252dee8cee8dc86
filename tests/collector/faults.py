"""A PostgreSQL of a test's own that can be made to fail, and a writer that gets a script of rows."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path

import psycopg2
from sqlalchemy.engine import make_url

from bench.drill.contexts import passwords
from collector.stores import StoredHistory
from collector.writer import Writer
from db.local.process import birth
from db.local.stores import Stores
from db.migrate import migrate
from db.rows import GapRow, KlineRow, TickRow
from db.settings import Settings
from db.spool import Spool
from tests.collector.running import until
from tests.db.history.rows import T0, gap, kline

RATE = 600
"""Ticks a second of the script."""
_numbers = itertools.count(1)


class OwnPostgres:
    """A server that the test may stop, freeze and change; each test has a migrated database in it."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        assert stores.postgres is not None
        self._postgres = stores.postgres
        self.url = self.new_database()

    def new_database(self) -> str:
        """A migrated database; it is the one that `execute` and the like work on from now on."""
        name = f"faults_{next(_numbers)}"
        self.url = self._postgres.url
        self.execute(f"CREATE DATABASE {name} OWNER app")
        self.url = make_url(self._postgres.url).set(database=name).render_as_string(hide_password=False)
        migrate(self.url)
        return self.url

    def connect(self) -> "psycopg2.extensions.connection":
        """A session of the superuser."""
        url = make_url(self.url).set(drivername="postgresql", username="postgres", password=None)
        options = "-c default_transaction_read_only=off"
        return psycopg2.connect(url.render_as_string(hide_password=False), options=options)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the superuser; its rows."""
        with closing(self.connect()) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def number(self, query: str) -> int:
        """The one number that a query gives."""
        return int(str(self.execute(query)[0][0]))

    def sessions(self) -> list[int]:
        """Process ids of the writer's sessions."""
        query = (
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'tickdeck-writer' "
            "AND datname = current_database() ORDER BY backend_start"
        )
        return [int(str(row[0])) for row in self.execute(query)]

    def end_sessions(self) -> None:
        """End the writer's sessions."""
        for pid in self.sessions():
            self.execute(f"SELECT pg_terminate_backend({pid})")

    @property
    def server(self) -> int:
        """Process id of the server itself."""
        return self._stores.supervisor.children["postgres"].pid

    def passwords(self) -> AbstractContextManager[None]:
        """The role `app` needs one."""
        return passwords(self._postgres.data, self.execute)

    def stop(self, how: int = signal.SIGQUIT) -> None:
        """Stop the server: SIGQUIT at once, as in a crash."""
        process = self._stores.supervisor.children.pop("postgres").process
        process.send_signal(how)
        process.wait(30)

    def start(self) -> None:
        """Start it again; it takes connections."""
        self._postgres.wait(self._stores.supervisor, self._postgres.start(self._stores.supervisor))

    @contextmanager
    def frozen(self, pid: int) -> Iterator[None]:
        """One of its processes stands still."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if birth(pid):
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def frozen_at_rest(self, pid: int) -> Iterator[None]:
        """A session stands still between transactions: within one it may hold what others wait for."""
        rests = f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'idle'"
        while True:
            with self.frozen(pid):
                if self.number(rests):
                    yield
                    return
            time.sleep(0.01)


class Script:
    """Ticks at a steady rate, candles and gaps now and then: what must be in the database in the end."""

    def __init__(self, writer: Writer, rate: int = RATE, first: int = 0) -> None:
        """`first`: number of the first tick; candles and gaps are numbered by their tick."""
        self.ticks: list[TickRow] = []
        self.klines: list[KlineRow] = []
        self.gaps: list[GapRow] = []
        self._writer = writer
        self._rate = rate
        self._first = first
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Rows come inside."""
        self._thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._thread.join(10)

    def tick(self, n: int) -> TickRow:
        """The n-th tick."""
        return TickRow("bybit", f"S{n % 8}USDT", T0 + n, n, 100.0 + n, 1.0, 101.0 + n, 2.0, T0 + n + 5)

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stopping.wait(0.01):
            while len(self.ticks) < (time.monotonic() - began) * self._rate:
                n = self._first + len(self.ticks)
                self.ticks.append(self.tick(n))
                self._writer.add_tick(self.ticks[-1])
                if n % self._rate == 0:
                    self.klines.append(kline(n // self._rate))
                    self._writer.add_kline(self.klines[-1], is_news=True)
                    self.gaps.append(gap(n // self._rate))
                    self._writer.add_gap(self.gaps[-1])


def writer_on(
    database_url: str, spool: Spool, on_hopeless: Callable[[str], None], *, flush_interval_ms: int = 50
) -> Writer:
    """A writer on a real database."""
    settings = Settings(_env_file=None, database_url=database_url, redis_url="redis://nowhere")
    return Writer(
        StoredHistory(settings, spool),
        spool,
        worker_id="w",
        flush_interval_ms=flush_interval_ms,
        unsaved_tickers=list,
        on_news=lambda _row: None,
        on_gap=lambda _row: None,
        on_signal=lambda _row: None,
        on_feed_event=lambda _row: None,
        on_written=lambda _batch: None,
        on_hopeless=on_hopeless,
    )


class Run:
    """A writer on that server, and its script."""

    def __init__(
        self, server: OwnPostgres, directory: Path, *, rate: int = RATE, max_mb: int = 50, url: str = ""
    ) -> None:
        """`url`: another way to the server."""
        self.server = server
        self.spool = Spool(directory, max_mb)
        self.hopeless: list[str] = []
        self.writer = writer_on(url or server.url, self.spool, self.hopeless.append)
        self.script = Script(self.writer, rate)

    @contextmanager
    def running(self, *, is_up: bool = True) -> Iterator[None]:
        """Rows come and are written inside; afterwards everything is where it belongs."""
        self.writer.start()
        with self.script.running():
            if is_up:
                self.wait(lambda: self.writer.rows_written > 100, "first rows")
            yield
        assert self.writer.stop(20.0)

    def wait(self, condition: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
        """Wait for a condition; says what was waited for and how it stood. Who recovers is asked again."""

        def is_so() -> bool:
            with suppress(psycopg2.OperationalError):
                return condition()
            return False

        until(is_so, timeout_s, f"{what} ({self.writer.state}, {self.spool.rows} rows in the spool)")

    def wait_for_new_rows(self) -> None:
        """Wait until rows that came just now are in the database."""
        newest = self.script.ticks[-1].update_id
        query = f"SELECT count(*) FROM tick_rows WHERE update_id >= {newest}"
        self.wait(lambda: self.server.number(query) > 0, "rows that are new")

    def wait_until_drained(self) -> None:
        """Wait until nothing waits in the spool any more."""
        self.wait(lambda: self.writer.state == "up" and not self.spool.rows, "an empty spool")

    def stored(self) -> list[int]:
        """Numbers of the ticks in the database, each as often as it is there."""
        rows = self.server.execute("SELECT update_id FROM tick_rows ORDER BY update_id")
        return [int(str(row[0])) for row in rows]

    def assert_complete(self, *, but: Collection[int] = ()) -> None:
        """The database has exactly the script's rows, once each, but for the ticks named."""
        assert self.stored() == [row.update_id for row in self.script.ticks if row.update_id not in but]
        assert self.server.number("SELECT count(*) FROM klines") == len(self.script.klines)
        own = "SELECT count(*) FROM gaps WHERE cause <> 'spool_full'"
        assert self.server.number(own) == len(self.script.gaps)
