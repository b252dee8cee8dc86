import pytest
from sqlalchemy import Engine, make_url, text
from sqlalchemy.exc import DataError, IntegrityError

from db.errors import AccessRefused, StoreBusy, StoreUnavailable
from db.history.engine import driver_url, follow, postgres_errors, reader_engine, writer_engine
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter
from tests.db.history.rows import batch, tick

GONE = "postgresql://nobody@127.0.0.1:1/none"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_every_spelling_of_the_scheme_names_the_driver(scheme: str) -> None:
    """postgres://, postgresql:// and postgresql+psycopg2:// are the same database."""
    made = driver_url(f"{scheme}://u:p%40ss@localhost:5432/db?connect_timeout=3")
    assert made.drivername == "postgresql+psycopg2"
    assert (made.password, made.query["connect_timeout"]) == ("p@ss", "3")


@pytest.mark.parametrize(
    ("host", "sslmode"),
    [
        ("ec2-1-2-3-4.compute-1.amazonaws.com", "require"),
        ("8.8.8.8", "require"),
        ("localhost", None),
        ("127.0.0.1", None),
        ("[::1]", None),
        ("10.0.0.7", None),
        ("dpg-abc-a", None),
        ("", None),
    ],
)
def test_only_a_remote_host_is_asked_for_tls(host: str, sslmode: str | None) -> None:
    """sslmode=require is added where the way to the host may be public, and nowhere else."""
    assert driver_url(f"postgres://u:p@{host}/db").query.get("sslmode") == sslmode


def test_an_sslmode_that_is_given_stays() -> None:
    """Whoever names an sslmode gets it."""
    assert driver_url("postgres://u@db.example.com/db?sslmode=disable").query["sslmode"] == "disable"


def test_a_socket_directory_in_the_query_survives() -> None:
    """?host=/dir is a socket: no TLS."""
    assert driver_url("postgresql://app@/app?host=/tmp/x").query == {"host": "/tmp/x"}


def test_the_reading_engine_cannot_write(reading_engine: Engine) -> None:
    """The web's session is read-only, and says so as StoreUnavailable."""
    with (
        pytest.raises(StoreUnavailable, match="read-only"),
        postgres_errors(),
        reading_engine.begin() as connection,
    ):
        connection.execute(text("DELETE FROM instruments"))


def test_sessions_are_bounded_and_in_utc(engine: Engine, reading_engine: Engine) -> None:
    """Both engines limit statements, lock waits and idle transactions, and show times in UTC."""
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "timezone")
    found = []
    for made in (engine, reading_engine):
        with made.connect() as connection:
            found.append([connection.scalar(text(f"SHOW {name}")) for name in names])
    assert found == [["30s", "5s", "30s", "UTC"], ["5s", "0", "10s", "UTC"]]


def test_a_server_that_is_gone_is_store_unavailable() -> None:
    """Neither engine connects when made; used, both raise StoreUnavailable."""
    writer, reader = HistoryWriter(writer_engine(GONE)), HistoryReader(reader_engine(GONE))
    with pytest.raises(StoreUnavailable, match="Postgres"):
        writer.write(batch([tick()]))
    with pytest.raises(StoreUnavailable, match="Postgres"):
        reader.tickers()


def test_a_connection_that_was_cut_is_replaced(engine: Engine, database_url: str) -> None:
    """After the server ended our sessions one batch fails, and the next is written."""
    writer = HistoryWriter(engine)
    writer.write(batch([tick(0)]))
    other = writer_engine(database_url)
    with other.begin() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                 "WHERE datname = current_database() AND pid <> pg_backend_pid()")
        )  # fmt: skip
    other.dispose()
    with pytest.raises(StoreUnavailable):
        writer.write(batch([tick(1)]))
    assert writer.write(batch([tick(1)])).ticks == 1


def code(engine: Engine, state: str) -> type[Exception]:
    """What a statement that fails with this code of Postgres comes as."""
    with pytest.raises(Exception) as caught, postgres_errors(), engine.begin() as connection:
        connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{state}'; END $$"))
    return caught.type


def test_what_went_wrong_is_told_apart(engine: Engine) -> None:
    """Busy, not let in, or simply away; a refused row stays what it is."""
    assert {code(engine, state) for state in ("55P03", "57014", "40P01", "40001")} == {StoreBusy}
    assert {code(engine, state) for state in ("28000", "28P01")} == {AccessRefused}
    assert {code(engine, state) for state in ("53100", "53300", "25006", "57P01", "XX000")} == {
        StoreUnavailable
    }
    assert code(engine, "22003") is DataError
    assert code(engine, "23505") is IntegrityError


def test_a_role_that_is_not_there_is_not_let_in(database_url: str) -> None:
    """A failure to connect has no code: its words are read."""
    url = make_url(database_url).set(username="nobody_by_that_name")
    engine = writer_engine(url.render_as_string(hide_password=False))
    with pytest.raises(AccessRefused, match="nobody_by_that_name"), postgres_errors(), engine.connect():
        pass


def test_new_connections_follow_the_url(database_url: str) -> None:
    """Where it leads when they are made; what else was set stays."""
    urls = [GONE]
    engine = writer_engine(GONE, connections=1)
    follow(engine, lambda: urls[0])
    with pytest.raises(StoreUnavailable), postgres_errors(), engine.connect():
        pass
    urls[0] = database_url
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW statement_timeout")) == "30s"
        assert connection.scalar(text("SELECT current_database()")) == make_url(database_url).database
    urls[0] = GONE
    engine.dispose()
    with pytest.raises(StoreUnavailable), postgres_errors(), engine.connect():
        pass
