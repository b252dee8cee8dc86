"""The database's schema version: bring it to the newest, ask for it, insist on it.

`python -m db.migrate` needs `DATABASE_URL`. Running it again changes nothing; of two at once one waits.
"""

import sys
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from db.errors import SchemaMismatch, StoreUnavailable
from db.history.engine import postgres_errors, writer_engine
from db.settings import load_settings

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 7_113_301
"""Number of the advisory lock that one migration holds; no meaning of its own."""
_TIMEOUT_MS = 600_000


@cache
def required_version() -> str:
    """The newest version there is a migration for, like "0001"; what this code needs."""
    return max(path.stem.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*_*.py"))


def schema_version(engine: Engine) -> str | None:
    """The version of the database, None if it has no schema at all. Raises StoreUnavailable."""
    with postgres_errors(), engine.connect() as connection:
        return _version(connection)


def check_schema(engine: Engine) -> None:
    """Raises SchemaMismatch unless the database has exactly the schema needed; StoreUnavailable."""
    found, needed = schema_version(engine), required_version()
    if found == needed:
        return
    if found is None:
        raise SchemaMismatch(f"the database has no schema, {needed} is needed: run `python -m db.migrate`")
    if found < needed:
        raise SchemaMismatch(
            f"the database has schema {found}, {needed} is needed: run `python -m db.migrate`"
        )
    raise SchemaMismatch(
        f"the database has schema {found}, newer than the {needed} this program knows: update it"
    )


def migrate(url: str) -> str:
    """Bring the database to the newest schema, in one transaction; returns a line that says what was done.

    Raises StoreUnavailable; SchemaMismatch if the database is newer than this code.
    """
    engine = writer_engine(url, statement_timeout_ms=_TIMEOUT_MS)
    try:
        with postgres_errors(), engine.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            before, needed = _version(connection), required_version()
            if before == needed:
                return f"the schema is {needed}: nothing to do"
            if before is not None and before > needed:
                raise SchemaMismatch(
                    f"the database has schema {before}, newer than {needed}: update the program"
                )
            _upgrade(connection)
            return f"the schema is {needed}, it was {before or 'empty'}"
    finally:
        engine.dispose()


def _version(connection: Connection) -> str | None:
    try:
        with connection.begin_nested():
            found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) == "42P01":  # no such table: nothing was ever migrated
            return None
        raise
    return found


def _upgrade(connection: Connection) -> None:
    # Imported here: the collector and the web only compare versions, and start sooner without alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def main() -> None:
    """Migrate the database of the settings and say what was done; ends with one line where it cannot."""
    try:
        print(migrate(load_settings().database_url))
    except (StoreUnavailable, SchemaMismatch) as error:
        sys.exit(f"migrate: {error}")


if __name__ == "__main__":
    main()
