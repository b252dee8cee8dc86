"""Real stores, as plain as those of a platform."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest
import redis

from db.local.errors import LocalError
from db.local.process import birth
from db.local.stores import temporary_stores

pytestmark = [pytest.mark.stores, pytest.mark.wire]


def until(condition: Callable[[], bool]) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def query(url: str, sql: str) -> tuple[object, ...] | None:
    """The first row of an answer."""
    with closing(psycopg2.connect(url.replace("+psycopg2", ""))) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        row: tuple[object, ...] | None = cursor.fetchone()
        return row


def test_the_stores_are_plain_private_and_gone_afterwards() -> None:
    """A role without privileges that owns its database; no TCP port; UTC; sorted alike on every system."""
    with temporary_stores() as stores:
        url = stores.urls["DATABASE_URL"]
        asked = (
            "SELECT current_user, rolsuper, pg_get_userbyid(datdba), datcollate, current_setting('TimeZone'),"
            " inet_server_port() FROM pg_roles, pg_database"
            " WHERE rolname = current_user AND datname = current_database()"
        )
        assert query(url, asked) == ("app", False, "app", "C", "UTC", None)
        with redis.Redis.from_url(stores.urls["REDIS_URL"]) as client:
            assert client.config_get("port") == {"port": "0"}
        pids = [child.pid for child in stores.supervisor.children.values()]
        directories = stores.socket_directories
    assert [birth(pid) for pid in pids] == ["", ""]
    assert [path for path in directories if path.exists()] == []


def test_a_killed_store_comes_back_with_its_url() -> None:
    """Both of them; PostgreSQL with its rows."""
    with temporary_stores() as stores:
        query(stores.urls["DATABASE_URL"], "CREATE TABLE kept AS SELECT 7 AS value; COMMIT; SELECT 1")
        children = list(stores.supervisor.children.values())
        for child in children:
            os.kill(child.pid, signal.SIGKILL)
            child.process.wait()

        def answers() -> bool:
            stores.supervisor.tend()
            try:
                with redis.Redis.from_url(stores.urls["REDIS_URL"]) as client:
                    return bool(client.ping()) and query(
                        stores.urls["DATABASE_URL"], "SELECT value FROM kept"
                    ) == (7,)
            except (psycopg2.OperationalError, redis.ConnectionError):
                return False

        until(answers)


def test_an_empty_pid_file_keeps_no_server_from_starting() -> None:
    """A disk that was full, or a machine that lost its power, leaves one."""
    with temporary_stores(redis=False) as stores:
        postgres = stores.postgres
        assert postgres is not None
        (child,) = stores.supervisor.children.values()
        os.kill(child.pid, signal.SIGINT)
        child.process.wait()
        (postgres.data / "postmaster.pid").write_text("")
        postgres.prepare(stores.supervisor)
        postgres.wait(stores.supervisor, postgres.start(stores.supervisor))
        assert query(postgres.url, "SELECT 7") == (7,)


def test_a_book_is_read_in_the_order_it_was_written() -> None:
    """People read it with HGETALL: what is shorter than a side of a book keeps its place."""
    fields = {"state": "live", "bids": "x" * 400, "asks": "x" * 400, "update_id": "1"}
    with temporary_stores(postgres=False) as stores, redis.Redis.from_url(stores.urls["REDIS_URL"]) as client:
        client.hset("book", mapping=fields)
        client.hset("book", mapping=fields | {"state": "stale"})
        assert list(client.hgetall("book")) == [name.encode() for name in fields]


def test_one_store_alone_can_be_had() -> None:
    """What wasn't asked for isn't started."""
    with temporary_stores(postgres=False) as stores:
        assert (list(stores.urls), list(stores.supervisor.children)) == (["REDIS_URL"], ["redis"])


def test_a_store_that_cannot_start_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last words are the message; the other one is stopped."""
    monkeypatch.setenv("REDIS_SERVER_BIN", "/bin/false")
    with pytest.raises(LocalError, match="redis does not start"), temporary_stores():
        pytest.fail("there is no Redis")
