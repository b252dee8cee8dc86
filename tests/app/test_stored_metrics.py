"""What collectors and stores say of themselves, as Prometheus reads it."""

import pytest
from prometheus_client import CollectorRegistry

from app.stored_metrics import StoredMetrics
from tests.app.fakes import LIVE_FEED, NOW, WORKER
from tests.app.test_status_model import Stage

SHARE = LIVE_FEED | {
    "messages": "1000", "gaps": "2", "resyncs": "3", "reconnects": "4", "lag_p50_ms": "12",
    "lag_p99_ms": "-5", "lag_redis_p99_ms": "80", "lag_postgres_p99_ms": "",
}  # fmt: skip


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.reader.states["binance"] = LIVE_FEED | {"state": "degraded"}
    made.reader.shares = {("bybit", "worker.1"): SHARE}
    made.reader.collectors = {
        "worker.1": WORKER | {"queue_rows": "5", "spool_rows": "6", "spool_bytes": "700",
                              "rows_written": "800", "rows_dropped": "1", "db_state": "behind"},
    }  # fmt: skip
    return made


def value(held: Stage, metric: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(StoredMetrics(held.model))
    return registry.get_sample_value(metric, labels)


def test_a_feed_is_told_by_worker(stage: Stage) -> None:
    """Counters and gauges; delays in seconds by stage, negative ones too, unknown ones not."""
    place = {"venue": "bybit", "worker": "worker.1"}
    names = ("messages_total", "gaps_total", "resyncs_total", "reconnects_total", "message_rate")
    assert [value(stage, f"tickdeck_feed_{name}", **place) for name in names] == [1000, 2, 3, 4, 412.5]
    lags = [("venue", "0.5"), ("venue", "0.99"), ("redis", "0.99"), ("postgres", "0.99")]
    assert [
        value(stage, "tickdeck_feed_lag_seconds", **place | {"stage": at, "quantile": quantile})
        for at, quantile in lags
    ] == [0.012, -0.005, 0.08, None]
    heard = value(stage, "tickdeck_feed_last_message_timestamp_seconds", **place)
    assert heard == (NOW - 10) / 1000


def test_a_state_is_one_of_all_words(stage: Stage) -> None:
    """1 for the one it is."""
    states = {word: value(stage, "tickdeck_feed_state", venue="binance", state=word)
              for word in ("live", "degraded", "down")}  # fmt: skip
    assert states == {"live": 0, "degraded": 1, "down": 0}
    assert value(stage, "tickdeck_worker_db_state", worker="worker.1", state="behind") == 1


def test_a_worker_tells_its_queue_and_spool(stage: Stage) -> None:
    """And what became of its rows."""
    names = ("queue_rows", "spool_rows", "spool_bytes", "rows_written_total", "rows_dropped_total")
    told = [value(stage, f"tickdeck_worker_{name}", worker="worker.1") for name in names]
    assert told == [5, 6, 700, 800, 1]
    assert value(stage, "tickdeck_collector_up") == 1
    stage.reader.collectors = {}
    stage.later()
    assert value(stage, "tickdeck_collector_up") == 0


def test_what_is_silent_is_told_as_such(stage: Stage) -> None:
    """Its numbers of earlier are left out: an old one would look like a new one."""
    assert value(stage, "tickdeck_store_up", store="redis") == 1
    assert value(stage, "tickdeck_database_bytes") == 350_000_000
    stage.reader.broken = True
    stage.later()
    assert value(stage, "tickdeck_store_up", store="redis") == 0
    assert value(stage, "tickdeck_store_up", store="postgres") == 1
    assert value(stage, "tickdeck_feed_state", venue="bybit", state="live") is None
