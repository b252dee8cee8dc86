"""What the web measures of itself, alone and with other processes beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from app import web_metrics
from app.web_metrics import WebMetrics
from db.errors import StoreUnavailable
from tests.app.fake_history import FakeHistory

pytestmark = pytest.mark.wire

ONE_PROCESS = """
from flask import Flask
from app.web_metrics import WebMetrics

web, server = WebMetrics(), Flask("one")
web.watch(server)
server.get("/x")(lambda: "x")
server.test_client().get("/x")
from prometheus_client import CollectorRegistry
registry = CollectorRegistry()
registry.register(web.collector())
print(registry.get_sample_value("tickdeck_web_request_seconds_count", {"route": "/x", "status": "2xx"}))
"""


def value(web: WebMetrics, name: str, **labels: str) -> float | None:
    registry = CollectorRegistry()
    registry.register(web.collector())
    return registry.get_sample_value(name, labels)


def test_requests_are_measured_by_route() -> None:
    """Under the rule that matched, never under what somebody wrote; errors apart."""
    web, server = WebMetrics(), Flask("test")
    web.watch(server)
    server.add_url_rule("/api/book/<name>", "book", lambda name: name)
    server.add_url_rule("/<path:path>", "pages", lambda path: path)
    client = server.test_client()
    for path in ("/api/book/A", "/api/book/B", "/anything/at/all"):
        assert client.get(path).status_code == 200
    assert client.post("/api/book/A").status_code == 405
    count = "tickdeck_web_request_seconds_count"
    assert value(web, count, route="/api/book/<name>", status="2xx") == 2
    assert value(web, count, route="page", status="2xx") == 1
    assert value(web, count, route="none", status="4xx") == 1


def test_questions_to_postgres_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that fail; slow ones are logged."""
    web, history = WebMetrics(), FakeHistory()
    timed = web.timed(history)
    assert timed.instruments() == []
    history.broken = True
    monkeypatch.setattr(web_metrics, "SLOW_S", -1.0)
    with capture_logs() as logs, pytest.raises(StoreUnavailable):
        timed.gap_cells(None)  # type: ignore[arg-type]  # the fake takes any
    assert [(entry["event"], entry["query"]) for entry in logs] == [("postgres.slow", "gap_cells")]
    count = "tickdeck_web_query_seconds_count"
    assert value(web, count, query="instruments", outcome="answered") == 1
    assert value(web, count, query="gap_cells", outcome="failed") == 1


def test_any_process_tells_the_sum_of_all(tmp_path: Path) -> None:
    """Also of those that have ended: a sum never falls."""
    env = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    root = Path(__file__).parents[2]
    told = [
        subprocess.run(
            [sys.executable, "-c", ONE_PROCESS], cwd=root, env=env, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]
    assert told == ["1.0\n", "2.0\n"]
