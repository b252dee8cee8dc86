"""Real stores for the tests that ask for them, and how tests are marked and spread.

`TEST_DATABASE_URL` (its role may create databases) and `TEST_REDIS_URL` (it is emptied) replace local stores.
"""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from hypothesis import settings
from sqlalchemy.engine import make_url
from xdist.scheduler import LoadFileScheduling

from bench.chromium import find_chromium
from db.local.stores import temporary_stores
from tests.memory import MEMORY
from tests.sizes import PROFILE

if TYPE_CHECKING:
    from xdist.remote import Producer

STORE_FIXTURES = {"postgres_url", "redis_url", "database_url", "shared_database_url", "redis_client_url"}
_numbers = itertools.count(1)
_COPY = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY"  # or all of it goes through the log, too

settings.register_profile("whole", deadline=None)  # a machine that is busy is no failure
settings.register_profile("quick", deadline=None, max_examples=15)
settings.load_profile(PROFILE)


class ThreeBrowsers(LoadFileScheduling):
    """Files go to whoever is free; the browser's in three lots, so that no more run at a time.

    They go in the order of collection, which puts those that take long first (see `_weight`).
    """

    def __init__(self, config: pytest.Config, log: "Producer") -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        if not scope.startswith("tests/browser/"):
            return scope
        return next((lot for lot in ("symbol", "market") if lot in scope), "other pages")


def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> ThreeBrowsers:
    """How `-n` spreads the tests, whatever `--dist` says."""
    return ThreeBrowsers(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever asks for a store or the browser is marked so."""
    for item in items:
        names = set(getattr(item, "fixturenames", ()))
        if names & STORE_FIXTURES:
            item.add_marker(pytest.mark.stores)
        if "browser" in names:
            item.add_marker(pytest.mark.browser)
    items.sort(key=_weight)


def _weight(item: pytest.Item) -> int:
    """Where its file stands in the order: the browser's, those that start processes, the others."""
    if item.nodeid.startswith("tests/browser/"):
        return 0
    module = item.getparent(pytest.Module)
    return 2 if module is None or module.get_closest_marker("wire") is None else 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A skipped browser is not to be overlooked."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if "browser" in report.keywords]
    if skipped and not find_chromium():
        terminalreporter.write_line(
            f"NO BROWSER: {len(skipped)} tests skipped; install chromium or set CHROMIUM_PATH", yellow=True
        )


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL whose role may create databases; started once."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with temporary_stores(redis=False, parent=MEMORY) as stores:
        yield stores.urls["DATABASE_URL"]


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis; started once."""
    if given := os.environ.get("TEST_REDIS_URL"):
        yield given
        return
    with temporary_stores(postgres=False, parent=MEMORY) as stores:
        yield stores.urls["REDIS_URL"]


def _execute(url: str, statement: str) -> None:
    """Run one statement outside a transaction."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(plain)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


def _drop(url: str, name: str) -> None:
    """Drop a database; an autovacuum worker, which only a superuser may end, gets a moment to leave it."""
    for _ in range(50):
        try:
            _execute(url, f"DROP DATABASE {name} WITH (FORCE)")
            return
        except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.ObjectInUse):
            time.sleep(0.1)
    _execute(url, f"DROP DATABASE {name} WITH (FORCE)")


def _sibling(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """Name of a migrated database nobody is connected to, to be copied."""
    from db.migrate import migrate

    name = f"tickdeck_test_{os.getpid()}"
    _execute(postgres_url, f"CREATE DATABASE {name}")
    try:
        migrate(_sibling(postgres_url, name))
        yield name
    finally:
        _drop(postgres_url, name)


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """URL of a migrated, empty database of this test's own."""
    name = f"{template_database}_{next(_numbers)}"
    _execute(postgres_url, _COPY.format(name, template_database))
    yield _sibling(postgres_url, name)
    _drop(postgres_url, name)


@pytest.fixture(scope="module")
def shared_database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """The same for all tests of a file, which leave it as it is."""
    name = f"{template_database}_{next(_numbers)}"
    _execute(postgres_url, _COPY.format(name, template_database))
    yield _sibling(postgres_url, name)
    _drop(postgres_url, name)


@pytest.fixture
def redis_client_url(redis_url: str) -> str:
    """URL of an empty Redis."""
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
    return redis_url
