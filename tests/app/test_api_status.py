"""`/api/status`."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from db.migrate import required_version
from market import VERSION
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, WORKER, FakeReader, FakeTime, settings


@pytest.fixture
def reader() -> FakeReader:
    made = FakeReader()
    made.states = {"bybit": LIVE_FEED | {"gaps": "3", "lag_p99_ms": "41"}, "binance": LIVE_FEED}
    made.shares = {("bybit", "worker.1"): LIVE_FEED}
    made.collectors = {
        "worker.1": WORKER | {"version": "0.1.0", "symbols": "3", "spool_rows": "12"},
        "worker.2": WORKER | {"symbols": "1"},
    }
    return made


def status(reader: FakeReader, history: FakeHistory) -> Any:
    client: FlaskClient = create_app(settings(), reader, history, FakeTime().clock).server.test_client()
    response = client.get("/api/status")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    return response.get_json()


def test_it_tells_feeds_workers_stores_and_versions(reader: FakeReader) -> None:
    """Numbers as numbers, missing ones null."""
    found = status(reader, FakeHistory())
    assert set(found) == {"now", "parts", "notices", "feeds", "workers", "stores", "versions"}
    feed = found["feeds"]["bybit"]
    assert (feed["state"], feed["gaps"], feed["lag_p99_ms"], feed["resyncs"]) == ("live", 3, 41, None)
    assert feed["workers"] == {
        "worker.1": {"state": "live", "reason": None, "message_rate": 412.5, "last_message_time": NOW - 10}
    }
    worker = found["workers"]["worker.1"]
    assert (worker["host"], worker["share"], worker["spool_rows"], worker["pid"]) == ("here", 0.75, 12, None)
    assert found["stores"]["redis"]["max_bytes"] == 25_000_000
    assert found["stores"]["postgres"]["sizes"]["tick_partitions"] == 20
    assert found["stores"]["postgres"]["retention_days"] == 7
    versions = found["versions"]
    assert (versions["tickdeck"], versions["schema"], versions["schema_needed"]) == (
        VERSION, required_version(), required_version(),
    )  # fmt: skip
    assert versions["workers"] == {"worker.1": "0.1.0", "worker.2": None}


def test_with_both_stores_gone_it_says_so(reader: FakeReader) -> None:
    """With 200: it is the answer to what was asked."""
    history = FakeHistory()
    reader.broken = history.broken = True
    found = status(reader, history)
    assert found["stores"]["redis"]["is_silent"]
    assert found["stores"]["postgres"]["is_silent"]
    assert found["workers"] == {}
    assert set(found["feeds"]) == {"bybit", "binance"}
    assert {part["name"]: part["level"] for part in found["parts"]} == {
        "Redis": "bad", "Postgres": "bad", "Collector": "unknown", "Feeds": "unknown", "Rows": "unknown",
    }  # fmt: skip
