"""What the tests of REST share."""

from collections.abc import Iterator

import pytest

from collector.backfill import RestClient
from collector.venues import venue_for
from tests.collector.backfill.server import Server


@pytest.fixture
def server() -> Iterator[Server]:
    """A scripted venue."""
    with Server().running() as found:
        yield found


@pytest.fixture
def client(server: Server) -> Iterator[RestClient]:
    """A client of it that speaks Binance's language."""
    found = RestClient(server.url, venue_for("binance").rest)
    yield found
    found.close()
