"""What several files of this folder begin with; a fixture of a file's own comes before these."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import stores
from db.local.stores import temporary_stores
from tests.collector.faults import OwnPostgres, Run
from tests.collector.feed_rig import WAIT_S, Setup
from tests.memory import MEMORY


@pytest.fixture(scope="module")
def own() -> Iterator[OwnPostgres]:
    """A server for this file alone."""
    with temporary_stores(redis=False, max_connections=20, parent=MEMORY) as found:
        yield OwnPostgres(found)


@pytest.fixture
def server(own: OwnPostgres) -> OwnPostgres:
    """With an empty database."""
    own.new_database()
    return own


@pytest.fixture
def run(server: OwnPostgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A writer that is not started yet, and less patient than in earnest."""
    monkeypatch.setattr(stores, "WRITE_WITHIN_S", 2.0)
    return Run(server, tmp_path)


@pytest.fixture
def setup() -> Iterator[Setup]:
    """A feed of BTCUSDT."""
    made = Setup("BTCUSDT", "NOPEUSDT")
    yield made
    made.feed.stop()
    made.feed.join(time.monotonic() + WAIT_S)
    made.venue.close()
