"""A replica and its primary, told apart by what they hold."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.breaker import PAUSE_S, Breaker
from db.errors import StoreBusy, StoreUnavailable
from db.history.engine import reader_engine, writer_engine
from db.history.reader import HistoryReader
from db.history.replica import AWAY_S, LOOK_EVERY_S, history_reader, remembering, replica_first
from db.history.writer import HistoryWriter
from tests.db.history.rows import batch, tick

PRIMARY, REPLICA = [1_001], [1_002]
"""Update ids of what each holds."""
GONE = "postgresql://127.0.0.1:1/none"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Late(HistoryReader):
    """A replica that says how far behind it is."""

    behind = 0.0

    def behind_s(self) -> float:
        return self.behind


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replica_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """A second database, which holds another tick."""
    name = f"{template_database}_replica"
    plain = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    url = make_url(postgres_url).set(database=name).render_as_string(hide_password=False)
    with closing(psycopg2.connect(plain)) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}")
        engine = writer_engine(url)
        HistoryWriter(engine).write(batch([tick(2)]))
        engine.dispose()
        yield url
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def primary(writer: HistoryWriter, reader: HistoryReader) -> HistoryReader:
    writer.write(batch([tick(1)]))
    return reader


@pytest.fixture
def replica_engine(replica_url: str) -> Iterator[Engine]:
    made = reader_engine(replica_url, statement_timeout_ms=300)
    yield made
    made.dispose()


def _asked(reader: HistoryReader) -> list[int]:
    return [row.update_id for row in reader.ticks("bybit", "ETHUSDT")]


@pytest.mark.usefixtures("primary")
def test_the_replica_answers_where_there_is_one(database_url: str, replica_url: str) -> None:
    """And the primary where there is none."""
    assert _asked(history_reader(database_url, replica_url)) == REPLICA
    assert _asked(history_reader(database_url)) == PRIMARY


def test_a_replica_that_is_gone_is_left_for_a_while(
    primary: HistoryReader, replica_engine: Engine, clock: Clock
) -> None:
    """The same question goes to the primary; the replica is tried again later, not with every question."""
    gone = HistoryReader(reader_engine(GONE))
    reader = replica_first(gone, primary, clock)
    assert _asked(reader) == PRIMARY
    gone._engine = replica_engine  # it is back
    assert _asked(reader) == PRIMARY
    clock.now += AWAY_S
    assert [_asked(reader), _asked(reader)] == [REPLICA, REPLICA]


def test_a_replica_that_is_slow_is_left(
    primary: HistoryReader, replica_engine: Engine, replica_url: str, clock: Clock
) -> None:
    """Its statements end in time, and what they asked is asked of the primary."""
    reader = replica_first(HistoryReader(replica_engine), primary, clock)
    holder = writer_engine(replica_url)
    with holder.begin() as connection:
        connection.execute(text("LOCK TABLE tick_rows IN ACCESS EXCLUSIVE MODE"))
        assert _asked(reader) == PRIMARY
    holder.dispose()
    assert _asked(reader) == PRIMARY
    clock.now += AWAY_S
    assert _asked(reader) == REPLICA


def test_a_replica_that_refuses_is_left(
    primary: HistoryReader, replica_engine: Engine, replica_url: str, clock: Clock
) -> None:
    """Without its tables too: it is not what it should be."""
    holder = writer_engine(replica_url)
    with holder.begin() as connection:
        connection.execute(text("DROP TABLE tick_rows CASCADE"))
    holder.dispose()
    assert _asked(replica_first(HistoryReader(replica_engine), primary, clock)) == PRIMARY


def test_a_replica_far_behind_is_asked_only_where_the_primary_is_gone(
    primary: HistoryReader, replica_engine: Engine, clock: Clock
) -> None:
    """It falls behind for ever when its primary is gone: what it has is better than nothing."""
    late = Late(replica_engine)
    reader, alone = (
        replica_first(late, primary, clock),
        replica_first(late, HistoryReader(reader_engine(GONE)), clock),
    )
    assert _asked(reader) == REPLICA
    late.behind = 31.0
    clock.now += LOOK_EVERY_S
    assert (_asked(reader), _asked(alone)) == (PRIMARY, REPLICA)
    late.behind = 1.0
    clock.now += AWAY_S
    assert _asked(reader) == REPLICA


def test_nobody_who_could_answer_is_an_error() -> None:
    """As with one database."""
    with pytest.raises(StoreUnavailable):
        _asked(history_reader(GONE, GONE))


def test_a_primary_is_not_behind(reader: HistoryReader) -> None:
    """It has nothing to take from another."""
    assert reader.behind_s() == 0


class Moody(HistoryReader):
    """Raises what the test says; counts how often it is asked."""

    def __init__(self) -> None:
        self.error: StoreUnavailable | None = None
        self.asked = 0

    def schema_version(self) -> str | None:
        self.asked += 1
        if self.error:
            raise self.error
        return "0001"


def _told(error: StoreUnavailable, cause: Exception) -> StoreUnavailable:
    error.__cause__ = cause
    return error


def test_after_a_failure_one_tries_and_others_are_refused() -> None:
    """At once, for a second after each failure."""
    clock, moody = Clock(), Moody()
    reader = remembering(moody, Breaker(clock))
    moody.error = StoreUnavailable("Postgres: gone")
    with pytest.raises(StoreUnavailable, match="gone"):
        reader.schema_version()
    with pytest.raises(StoreUnavailable, match="a moment ago"):
        reader.schema_version()
    assert moody.asked == 1
    clock.now += PAUSE_S
    moody.error = None
    assert [reader.schema_version(), reader.schema_version()] == ["0001"] * 2


@pytest.mark.parametrize(
    "error",
    [StoreBusy("Postgres: a lock"), _told(StoreUnavailable("Postgres: busy"), PoolTimeout("no connection"))],
)
def test_one_that_is_busy_is_asked_again(error: StoreUnavailable) -> None:
    """A lock, a slow question or a used up pool are no reason to leave it."""
    moody = Moody()
    reader = remembering(moody, Breaker(Clock()))
    moody.error = error
    for asked in (1, 2):
        with pytest.raises(StoreUnavailable, match=r"Postgres: (a lock|busy)"):
            reader.schema_version()
        assert moody.asked == asked


def test_a_database_without_our_tables_still_tells_its_schema(database_url: str) -> None:
    """A statement that fails is an answer."""
    with closing(
        psycopg2.connect(make_url(database_url).set(drivername="postgresql").render_as_string(False))
    ) as c:
        c.autocommit = True
        c.cursor().execute("DROP TABLE kline_rows CASCADE")
    reader = history_reader(database_url)
    with pytest.raises(StoreUnavailable, match="kline_rows"):
        reader.klines("bybit", "ETHUSDT", "1m")
    assert reader.schema_version() is not None
