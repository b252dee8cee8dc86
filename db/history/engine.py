"""Connections to Postgres: an engine that writes, one that only reads. Neither connects before it is used."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.errors import AccessRefused, StoreBusy, StoreUnavailable


def driver_url(url: str) -> URL:
    """The URL with its driver named, and with TLS asked for where the way to the server may be public.

    Takes postgres://, postgresql:// and postgresql+psycopg2://.
    """
    made = make_url(url).set(drivername="postgresql+psycopg2")
    if "sslmode" not in made.query and _is_remote(made.host):
        made = made.update_query_dict({"sslmode": "require"})
    return made


def _is_remote(host: str | None) -> bool:
    """Not sockets, loopback, private addresses or names without a dot: containers, Render's own net."""
    if not host or host.startswith("/") or ("." not in host and ":" not in host):
        return False
    try:
        return not ipaddress.ip_address(host).is_private
    except ValueError:
        return not host.endswith((".localhost", ".local", ".internal"))


def _options(**settings: int | str) -> str:
    return " ".join(f"-c {name}={value}" for name, value in settings.items())


START_NAME = "tickdeck-start"
SCOREBOARD_NAME = "tickdeck-scoreboard"
"""Connections that come and go (docs/deployment.md counts them apart)."""
_KEEPALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A connection whose other end is gone is noticed within half a minute."""


def writer_engine(
    url: str,
    *,
    connections: int = 2,
    statement_timeout_ms: int = 30_000,
    lock_timeout_ms: int = 5_000,
    name: str = "tickdeck-writer",
) -> Engine:
    """An engine that writes. The collector has some with one connection each: its writer waits for nobody.

    `name`: what its connections are called in `pg_stat_activity`.
    """
    return create_engine(
        driver_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        connect_args={
            "application_name": name,
            "connect_timeout": 5,
            **_KEEPALIVE,
            "options": _options(
                statement_timeout=statement_timeout_ms,
                lock_timeout=lock_timeout_ms,
                client_connection_check_interval=2_000,  # a statement ends when nobody waits for it any more
                idle_in_transaction_session_timeout=30_000,
                timezone="UTC",
            ),
        },
    )


def fleeting_engine(url: str, *, statement_timeout_ms: int = 30_000) -> Engine:
    """The collector's engine for reading now and then: a connection is there only while it is used."""
    return create_engine(
        driver_url(url),
        poolclass=NullPool,
        connect_args={
            "application_name": START_NAME,
            "connect_timeout": 5,
            **_KEEPALIVE,
            "options": _options(
                statement_timeout=statement_timeout_ms,
                default_transaction_read_only="on",
                client_connection_check_interval=2_000,
                timezone="UTC",
            ),
        },
    )


def reader_engine(url: str, *, statement_timeout_ms: int = 5_000, connect_timeout_s: int = 5) -> Engine:
    """The web's engine: at most three connections a process, and a session that refuses to write."""
    return create_engine(
        driver_url(url),
        pool_size=3,
        max_overflow=0,
        pool_timeout=3,
        pool_pre_ping=True,
        pool_recycle=300,
        connect_args={
            "application_name": "tickdeck-reader",
            "connect_timeout": connect_timeout_s,
            **_KEEPALIVE,
            "options": _options(
                statement_timeout=statement_timeout_ms,
                default_transaction_read_only="on",
                idle_in_transaction_session_timeout=10_000,
                timezone="UTC",
            ),
        },
    )


def follow(engine: Engine, url: Callable[[], str]) -> None:
    """Have each new connection of an engine go where `url()` leads then, as whom it says then."""
    first = engine.dialect.create_connect_args(engine.url)[1]

    def aim(dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        for name, value in first.items():
            if options.get(name) == value:
                del options[name]
        for name, value in dialect.create_connect_args(driver_url(url()))[1].items():
            options.setdefault(name, value)

    event.listen(engine, "do_connect", aim, insert=True)


@contextmanager
def postgres_errors() -> Iterator[None]:
    """Turn what the driver and the pool raise into StoreUnavailable, or one of its kinds.

    Rows that the database refuses (DataError, IntegrityError) pass: trying those again would not help.
    """
    try:
        yield
    except (DataError, IntegrityError, psycopg2.DataError, psycopg2.IntegrityError):
        raise
    except (DBAPIError, psycopg2.Error) as error:
        raise _kind_of(error)(f"Postgres: {first_line(error)}") from error
    except PoolTimeout as error:
        raise StoreUnavailable("Postgres: every connection of this process is busy") from error


def sqlstate(error: BaseException | None) -> str:
    """Postgres's five characters for what went wrong, "" where it gave none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "pgcode", None) or ""


def first_line(error: Exception) -> str:
    """What the driver says, without its hints."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return (str(cause) or type(cause).__name__).splitlines()[0]


_BUSY = {"55P03", "57014", "40001", "40P01"}
"""Lock not available, statement cancelled, serialization failure, deadlock."""
_REFUSED_ENTRY = re.compile(
    r"authentication failed|no password supplied|role .* does not exist|is not permitted to log in"
    r"|no pg_hba\.conf entry|permission denied for database"
)
"""A failure to connect has no code: the words are all there is."""


def _kind_of(error: Exception) -> type[StoreUnavailable]:
    code = sqlstate(error)
    if code in _BUSY:
        return StoreBusy
    if code.startswith("28") or (not code and _REFUSED_ENTRY.search(str(error))):
        return AccessRefused
    return StoreUnavailable
