"""What can befall Postgres, each done to a real one while rows come: none is lost and none comes twice."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import pytest

from db.migrate import required_version
from tests.collector.faults import RATE, OwnPostgres, Run
from tests.collector.own_postgres_faults import ROWS, stopped

pytestmark = pytest.mark.stores


@contextmanager
def read_only(server: OwnPostgres) -> Iterator[None]:
    """As after a failover: sessions that are there and new ones may not write."""
    name = server.url.partition("?")[0].rpartition("/")[2]
    server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    server.end_sessions()
    try:
        yield
    finally:
        server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@contextmanager
def no_connections_left(server: OwnPostgres) -> Iterator[None]:
    """The role may have none."""
    server.execute("ALTER ROLE app CONNECTION LIMIT 0")
    server.end_sessions()
    try:
        yield
    finally:
        server.execute("ALTER ROLE app CONNECTION LIMIT -1")


def failing(code: str) -> Callable[[OwnPostgres], AbstractContextManager[None]]:
    """Each insert of ticks fails with that code of Postgres."""

    @contextmanager
    def fault(server: OwnPostgres) -> Iterator[None]:
        server.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{code}'; END $$"
        )
        server.execute(
            "CREATE TRIGGER fail BEFORE INSERT ON tick_rows FOR EACH STATEMENT EXECUTE FUNCTION fail()"
        )
        try:
            yield
        finally:
            server.execute("DROP FUNCTION fail CASCADE")

    return fault


@contextmanager
def other_schema(server: OwnPostgres) -> Iterator[None]:
    """Somebody migrated to a version that we do not know."""
    server.execute("UPDATE alembic_version SET version_num = '9999'")
    server.end_sessions()
    try:
        yield
    finally:
        server.execute(f"UPDATE alembic_version SET version_num = '{required_version()}'")


@contextmanager
def frozen_server(server: OwnPostgres) -> Iterator[None]:
    """The process that takes connections stands still, and those that are there are gone."""
    pids = server.sessions()
    with server.frozen(server.server):
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        yield


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        pytest.param(stopped, "down", id="P2 restarted"),
        pytest.param(read_only, "down", id="P5 read-only"),
        pytest.param(failing("53100"), "down", id="P6 disk full"),
        pytest.param(no_connections_left, "down", id="P10 no connection left"),
        pytest.param(frozen_server, "down", id="P11 new connections hang"),
        pytest.param(other_schema, "schema", id="P15 other schema"),
    ],
)
def test_an_outage_loses_nothing(
    run: Run, fault: Callable[[OwnPostgres], AbstractContextManager[None]], state: str
) -> None:
    """Rows wait on disk meanwhile, and go to the database when it is back, beside those that come then."""
    with run.running():
        with fault(run.server):
            run.wait(lambda: run.writer.state == state, f"the state {state}")
            run.wait(lambda: run.spool.rows > ROWS, "rows in the spool")
            assert run.writer.state == state
        run.wait_for_new_rows()
        run.wait_until_drained()
    run.assert_complete()


def test_p1_a_server_that_is_down_at_the_start_is_waited_for(run: Run) -> None:
    """Everything is kept from the first row on."""
    with stopped(run.server):
        running = run.running(is_up=False)
        running.__enter__()
        run.wait(lambda: run.spool.rows > ROWS, "rows in the spool")
        assert run.writer.state == "down"
    run.wait_until_drained()
    running.__exit__(None, None, None)
    run.assert_complete()


@pytest.mark.parametrize("how", ["P3 pg_terminate_backend", "P12 SIGKILL"])
def test_sessions_that_end_cost_nothing(run: Run, how: str) -> None:
    """Again and again, at any moment; a killed one takes all sessions of the server with it."""
    with run.running():
        for _ in range(4):
            if how.startswith("P3"):
                run.server.end_sessions()
            elif pids := run.server.sessions():
                os.kill(pids[-1], signal.SIGKILL)
            run.wait(is_up_again(run), "a new session")
            run.wait_for_new_rows()
        run.wait_until_drained()
    run.assert_complete()


def is_up_again(run: Run) -> Callable[[], bool]:
    """Whether more rows are written than at this moment."""
    before = run.writer.rows_written

    def condition() -> bool:
        return run.writer.rows_written > before

    return condition


def test_p4_a_frozen_backend_is_given_up(run: Run) -> None:
    """Within the deadline another connection is there and rows go on; the old one is not waited for."""
    with run.running():
        (pid,) = run.server.sessions()
        with run.server.frozen_at_rest(pid):
            run.wait(lambda: run.spool.rows > 0, "rows in the spool")
            run.wait_for_new_rows()
            assert pid in run.server.sessions()
            assert len(run.server.sessions()) <= 2
        run.wait(lambda: pid not in run.server.sessions(), "the end of the old session")
        run.wait_until_drained()
    run.assert_complete()


def test_p7_a_table_that_another_locks_is_waited_for(run: Run) -> None:
    """By one session: tries end, none is left behind; all that came is on disk."""
    with run.running():
        with closing(run.server.connect()) as other:
            other.cursor().execute("LOCK TABLE tick_rows IN ACCESS EXCLUSIVE MODE")
            run.wait(lambda: run.spool.rows > ROWS, "rows in the spool")
            assert len(run.server.sessions()) == 1
        run.wait_for_new_rows()
        run.wait_until_drained()
    run.assert_complete()


def test_p7_rows_that_another_holds_do_not_hold_up_others(run: Run) -> None:
    """As a frozen backend does that we gave up: they step aside until it is gone."""
    with run.running():
        row = run.script.tick(len(run.script.ticks) + RATE)
        with closing(run.server.connect()) as other:
            other.cursor().execute(
                "INSERT INTO tick_rows VALUES (to_timestamp(%s / 1000.0), %s, now(), 1, 1, 2, 1, %s, %s)",
                (row.ts, row.update_id, row.venue, row.symbol),
            )
            run.wait(lambda: run.script.ticks[-1].update_id > row.update_id, "that row")
            run.wait_for_new_rows()
            assert run.spool.rows > 0
        run.wait_until_drained()
    run.assert_complete()
