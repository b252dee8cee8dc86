"""A backend that is frozen, which no time-out of the driver or the server ends."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, text

from db.errors import StoreUnavailable
from db.history.deadline import Deadline
from db.history.engine import postgres_errors, writer_engine
from db.history.writer import HistoryWriter
from tests.db.history.rows import batch, tick


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """With one connection."""
    made = writer_engine(database_url, connections=1)
    yield made
    made.dispose()


def backend_of(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_backend_pid()")) or 0)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    try:
        os.kill(pid, signal.SIGSTOP)
    except PermissionError:
        pytest.skip("the server runs as somebody else")
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_frozen_backend_is_given_up_and_another_takes_its_place(engine: Engine) -> None:
    """The write fails as any other that the database did not take, and may be tried again at once."""
    deadline = Deadline(engine, 0.5, look_s=0.05)
    writer = HistoryWriter(engine)
    writer.write(batch([tick(0)]))
    pid = backend_of(engine)
    with frozen(pid):
        with pytest.raises(StoreUnavailable):
            writer.write(batch([tick(1)]))
        assert deadline.cut == 1
        assert writer.write(batch([tick(1)])).ticks == 1
        assert backend_of(engine) != pid
    assert writer.write(batch([tick(2)])).ticks == 1


def test_a_connection_that_rests_is_left_alone(engine: Engine) -> None:
    """Only its use has a limit, each use its own."""
    deadline = Deadline(engine, 1.0, look_s=0.05)
    pid = backend_of(engine)
    for _ in range(4):
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_sleep(0.3)"))
    assert (backend_of(engine), deadline.cut) == (pid, 0)


def test_a_statement_that_takes_too_long_is_cut_off(engine: Engine) -> None:
    """Whatever it is; its session ends on the server too, because nobody waits for it."""
    deadline = Deadline(engine, 0.3, look_s=0.05)
    with pytest.raises(StoreUnavailable), postgres_errors(), engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(30)"))
    assert deadline.cut == 1
    assert backend_of(engine)
