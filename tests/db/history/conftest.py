"""Writer and reader on a database of the test's own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from db.history.engine import reader_engine, writer_engine
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """The writing engine."""
    made = writer_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def reading_engine(database_url: str) -> Iterator[Engine]:
    """The reading engine."""
    made = reader_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def writer(engine: Engine) -> HistoryWriter:
    """Writes into the test's database."""
    return HistoryWriter(engine)


@pytest.fixture
def reader(reading_engine: Engine) -> HistoryReader:
    """Reads from the test's database."""
    return HistoryReader(reading_engine)
