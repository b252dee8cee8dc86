from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, make_url, text

from db.errors import SchemaMismatch, StoreUnavailable
from db.history.engine import reader_engine, writer_engine
from db.migrate import check_schema, migrate, required_version, schema_version


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = writer_engine(database_url)
    yield made
    made.dispose()


def _empty(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))


def test_the_required_version_is_the_newest_migration() -> None:
    """The number in the file's name and alembic's own head are the same, and there is one head."""
    assert ScriptDirectory("db/migrations").get_heads() == [required_version()]


def test_migrating_again_changes_nothing(database_url: str, engine: Engine) -> None:
    """The second run says so, and the schema is the one needed."""
    assert migrate(database_url) == f"the schema is {required_version()}: nothing to do"
    assert schema_version(engine) == required_version()
    check_schema(engine)


def test_of_two_migrations_at_once_one_waits(database_url: str, engine: Engine) -> None:
    """Both succeed, one of them with nothing left to do."""
    _empty(engine)
    with ThreadPoolExecutor(2) as pool:
        lines = sorted(pool.map(migrate, [database_url] * 2))
    version = required_version()
    assert lines == [f"the schema is {version}, it was empty", f"the schema is {version}: nothing to do"]
    check_schema(engine)


def test_an_empty_database_is_named_so(database_url: str, engine: Engine) -> None:
    """check_schema tells what to do; a reading session may ask as well."""
    _empty(engine)
    reading = reader_engine(database_url)
    assert schema_version(reading) is None
    with pytest.raises(SchemaMismatch, match=r"no schema, .* is needed: run"):
        check_schema(reading)
    reading.dispose()


@pytest.mark.parametrize(
    ("version", "words"), [("0000", "has schema 0000, .* is needed"), ("9999", "newer than")]
)
def test_another_version_is_named(database_url: str, engine: Engine, version: str, words: str) -> None:
    """Older and newer schemas are refused with both versions; nothing is migrated backwards."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    with pytest.raises(SchemaMismatch, match=words):
        check_schema(engine)
    if version > required_version():
        with pytest.raises(SchemaMismatch, match=words):
            migrate(database_url)


def test_an_older_schema_is_brought_forward(database_url: str, engine: Engine) -> None:
    """What was stored before the ledger stays, and what came later is there."""
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE gap_rows CASCADE"))
        connection.execute(text("DROP TABLE dead_letters, workers, leases"))
        connection.execute(text("DROP INDEX feed_events_kind"))
        for name in ("indicator", "signal", "outcome", "paper_trade", "paper_state", "scoreboard"):
            connection.execute(text(f"DROP TABLE {name}_rows CASCADE"))
        connection.execute(text("INSERT INTO feed_events VALUES (1, now(), 'bybit', 'w', 'live', '')"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert migrate(database_url) == f"the schema is {required_version()}, it was 0001"
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM feed_events")) == 1
        assert connection.scalar(text("SELECT count(*) FROM gaps")) == 0
        assert connection.scalar(text("SELECT count(*) FROM dead_letters")) == 0


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str, engine: Engine) -> None:
    """All or nothing: a table in the way stops it, and no other table was made."""
    _empty(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE feed_events (x int)"))
    with pytest.raises(StoreUnavailable, match="feed_events"):
        migrate(database_url)
    with engine.connect() as connection:
        tables = connection.scalars(
            text("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")
        )
        assert tables.all() == ["feed_events"]


def test_a_database_that_is_gone_is_store_unavailable(database_url: str) -> None:
    """Not a traceback of the driver's."""
    gone = make_url(database_url).set(database="no_such_database").render_as_string(hide_password=False)
    with pytest.raises(StoreUnavailable, match="no_such_database"):
        migrate(gone)
