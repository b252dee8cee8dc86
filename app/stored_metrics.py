"""What collectors and stores say of themselves, as metrics: read when somebody asks, not kept.

A worker has no port. What it publishes once a second is told here, by venue and worker: sum over the workers.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from app.health import FRESH_MS, newest_heartbeat
from app.ports import Fields
from app.status_model import Look, StatusModel
from app.view import read_feed
from market import VERSION

STATES = ("live", "degraded", "reconnecting", "blocked", "down")
DB_STATES = ("starting", "up", "behind", "down", "refused", "schema")
_STAGES = (("venue", "lag"), ("redis", "lag_redis"), ("postgres", "lag_postgres"))
_QUANTILES = (("0.5", "p50_ms"), ("0.99", "p99_ms"))
_OF_PART = ("venue", "worker")
_PART_COUNTERS = {
    "messages": "Messages received.",
    "reconnects": "Connections that were opened again.",
    "gaps": "Missing updates that a sequence showed.",
    "resyncs": "Books that were begun anew.",
    "revisions": "Closed candles that came to have other numbers.",
    "audits": "Books compared with a snapshot by REST.",
    "audit_mismatches": "Of those, books that had drifted.",
}
_PART_GAUGES = {
    "message_rate": "Messages per second over the last ten.",
    "open_gaps": "Gaps of the ledger that last.",
    "silent_topics": "Topics that are dead for sure.",
}
_WORKER_COUNTERS = {
    "rows_written": "Rows that were committed in Postgres.",
    "rows_dropped": "Rows that were lost or refused.",
}
_WORKER_GAUGES = {
    "symbols": "Instruments that a worker has.",
    "queue_rows": "Rows in memory on their way to Postgres.",
    "spool_rows": "Rows on disk that wait for Postgres.",
    "spool_bytes": "Bytes of the spool.",
}


class StoredMetrics(Collector):
    """Everything that the Status page knows and Prometheus can hold."""

    def __init__(self, model: StatusModel) -> None:
        self._model = model

    def collect(self) -> Iterator[Metric]:
        """Made of one look. What is not known, because its store is silent, is left out."""
        look = self._model.look()
        yield _gauge("tickdeck_info", "Versions.", ("version",), [((VERSION,), 1)])
        yield from _stores(look)
        if look.hot.is_silent:
            return
        yield from _feeds(look)
        yield from _workers(look)


def _stores(look: Look) -> Iterator[Metric]:
    up = [(("redis",), not look.hot.is_silent), (("postgres",), not look.history.is_silent)]
    yield _gauge("tickdeck_store_up", "Whether a store answers the web.", ("store",), up)
    usage, stored = look.hot.usage, look.history.stored
    if usage and not look.hot.is_silent:
        yield _gauge("tickdeck_redis_used_bytes", "Memory that Redis uses.", (), [((), usage.used_bytes)])
        yield _gauge("tickdeck_redis_clients", "Connections that Redis has.", (), [((), usage.clients)])
    if stored is None or stored.sizes is None:
        return
    sizes = stored.sizes
    yield _gauge("tickdeck_database_bytes", "Size of the database.", (), [((), sizes.database_bytes)])
    rows = [(("ticks",), sizes.tick_rows), (("klines",), sizes.kline_rows)]
    yield _gauge("tickdeck_stored_rows", "Rows stored, estimated by Postgres.", ("table",), rows)
    if stored.oldest_tick is not None:
        seconds = [((), stored.oldest_tick / 1000)]
        yield _gauge("tickdeck_oldest_tick_timestamp_seconds", "Time of the oldest tick.", (), seconds)


def _feeds(look: Look) -> Iterator[Metric]:
    feeds = {venue: read_feed(fields) for venue, fields in look.hot.feeds.items()}
    states = [((v, word), feed["state"] == word) for v, feed in feeds.items() for word in STATES]
    yield _gauge("tickdeck_feed_state", "1 for the state a feed is in.", ("venue", "state"), states)
    shares = {place: read_feed(fields) for place, fields in look.hot.shares.items()}
    for name, said in _PART_COUNTERS.items():
        yield _counter(f"tickdeck_feed_{name}", said, _OF_PART, [(p, s[name]) for p, s in shares.items()])
    for name, said in _PART_GAUGES.items():
        yield _gauge(f"tickdeck_feed_{name}", said, _OF_PART, [(p, s[name]) for p, s in shares.items()])
    lags = [
        ((*place, stage, quantile), _seconds(share[f"{field}_{end}"]))
        for place, share in shares.items()
        for stage, field in _STAGES
        for quantile, end in _QUANTILES
    ]
    said = "Time to us from the venue, and from here until it was in Redis or Postgres; of late."
    yield _gauge("tickdeck_feed_lag_seconds", said, (*_OF_PART, "stage", "quantile"), lags)
    heard = [(place, _seconds(share["last_message_time"])) for place, share in shares.items()]
    yield _gauge("tickdeck_feed_last_message_timestamp_seconds", "The last market datum.", _OF_PART, heard)


def _workers(look: Look) -> Iterator[Metric]:
    workers = look.hot.workers
    newest = newest_heartbeat(workers)
    is_fresh = newest is not None and look.now - newest <= FRESH_MS
    yield _gauge("tickdeck_collector_up", "Whether any worker gives signs of life.", (), [((), is_fresh)])
    for name, said in _WORKER_COUNTERS.items():
        yield _counter(f"tickdeck_worker_{name}", said, ("worker",), _numbers(workers, name))
    for name, said in _WORKER_GAUGES.items():
        yield _gauge(f"tickdeck_worker_{name}", said, ("worker",), _numbers(workers, name))
    beats = [(worker, value and value / 1000) for worker, value in _numbers(workers, "heartbeat_at")]
    yield _gauge("tickdeck_worker_heartbeat_timestamp_seconds", "The last sign of life.", ("worker",), beats)
    states = [((w, word), f.get("db_state") == word) for w, f in workers.items() for word in DB_STATES]
    yield _gauge(
        "tickdeck_worker_db_state", "1 for what Postgres is to a worker.", ("worker", "state"), states
    )


def _numbers(workers: Mapping[str, Fields], name: str) -> list[tuple[tuple[str], float | None]]:
    return [
        ((worker,), int(text) if (text := f.get(name, "")).isdecimal() else None)
        for worker, f in workers.items()
    ]


def _seconds(value: Any) -> float | None:
    return None if value is None else value / 1000


def _gauge(name: str, said: str, labels: tuple[str, ...], values: Iterable[tuple[Any, Any]]) -> Metric:
    return _filled(GaugeMetricFamily(name, said, labels=labels), values)


def _counter(name: str, said: str, labels: tuple[str, ...], values: Iterable[tuple[Any, Any]]) -> Metric:
    return _filled(CounterMetricFamily(name, said, labels=labels), values)


def _filled(family: Any, values: Iterable[tuple[Any, Any]]) -> Metric:
    for labels, value in values:
        if value is not None:
            family.add_metric(labels, float(value))
    found: Metric = family
    return found
