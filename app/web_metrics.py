"""What the web measures of itself: how long requests take, and questions to Postgres.

With `PROMETHEUS_MULTIPROC_DIR`, which gunicorn.conf.py sets, the numbers of all web processes stand in files
there, and whichever is asked adds them up.
"""

import time
from collections.abc import Callable
from typing import Any, cast

import structlog
from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from app.ports import History

log = structlog.get_logger()

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW_S = 1.0
"""A question to Postgres that takes longer is logged."""
_DASH_PAGE = "/<path:path>"


class WebMetrics:
    """Histograms of one process, and the way to those of all."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "tickdeck_web_request_seconds",
            "Time from a request to its reply, or to the first byte of a stream.",
            ("route", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._queries = Histogram(
            "tickdeck_web_query_seconds",
            "Time of the web's questions to Postgres, by what was asked and whether it was answered.",
            ("query", "outcome"),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def watch(self, server: Flask) -> None:
        """Measure every request from here on; to be called before anything else that may answer."""

        @server.before_request
        def _begin() -> None:
            g.began_at = time.perf_counter()

        @server.after_request
        def _end(response: Response) -> Response:
            began_at: float | None = g.get("began_at")
            if began_at is not None:
                taken = time.perf_counter() - began_at
                self._requests.labels(_route(), f"{response.status_code // 100}xx").observe(taken)
            return response

    def timed(self, history: History) -> History:
        """The same history, each of its questions measured."""
        return cast(History, _Timed(history, self._note))

    def collector(self) -> Collector:
        """The measurements of all web processes; where they keep no files, of this one."""
        try:
            return MultiProcessCollector(None)  # type: ignore[no-untyped-call]  # it has no types
        except ValueError:
            return self._registry

    def _note(self, query: str, outcome: str, seconds: float) -> None:
        self._queries.labels(query, outcome).observe(seconds)
        if seconds > SLOW_S:
            log.warning("postgres.slow", query=query, outcome=outcome, seconds=round(seconds, 2))


class _Timed:
    """Has every method of a History."""

    def __init__(self, history: History, note: Callable[[str, str, float], None]) -> None:
        self._history = history
        self._note = note

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._history, name)

        def ask(*values: Any, **named: Any) -> Any:
            began_at, outcome = time.perf_counter(), "failed"
            try:
                answer = method(*values, **named)
                outcome = "answered"
                return answer
            finally:
                self._note(name, outcome, time.perf_counter() - began_at)

        return ask


def _route() -> str:
    """A name out of few: never what somebody wrote into an address."""
    rule = request.url_rule.rule if request.url_rule else ""
    if not rule:
        return "none"
    return "page" if rule in ("/", _DASH_PAGE) else rule
