"""The dashboard under docs/ asks for what `/metrics` gives, and for nothing else."""

import json
import re
from pathlib import Path
from typing import Any

from app.factory import create_app
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, WORKER, FakeReader, FakeTime, settings
from tests.app.test_stored_metrics import SHARE

DASHBOARD = Path(__file__).parents[1] / "docs" / "grafana.json"
EVERY_FIELD = {
    "symbols": "1", "queue_rows": "1", "spool_rows": "1", "spool_bytes": "1", "rows_written": "1",
    "rows_dropped": "1",
}  # fmt: skip


def dashboard() -> Any:
    return json.loads(DASHBOARD.read_text())


def expressions() -> list[str]:
    """Every question of every panel."""
    return [target["expr"] for panel in dashboard()["panels"] for target in panel.get("targets", ())]


def test_every_metric_of_the_dashboard_is_told() -> None:
    """By the very names."""
    reader = FakeReader()
    reader.states = {"bybit": LIVE_FEED}
    reader.shares = {("bybit", "worker.1"): SHARE | {"open_gaps": "0", "silent_topics": "0"}}
    reader.collectors = {"worker.1": WORKER | EVERY_FIELD}
    client = create_app(settings(), reader, FakeHistory(), FakeTime().clock).server.test_client()
    client.get("/api/gaps")
    told = set(re.findall(r"^(tickdeck_\w+)", client.get("/metrics").get_data(as_text=True), re.MULTILINE))
    asked = {name for expression in expressions() for name in re.findall(r"tickdeck_\w+", expression)}
    assert len(asked) > 15
    assert asked - told == set()


def test_its_panels_have_places_and_questions() -> None:
    """Each in a room of its own, none without a name; the source of the data is chosen in Grafana."""
    panels = dashboard()["panels"]
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["title"] and (panel["type"] == "row" or panel["targets"]) for panel in panels)
    assert {panel["datasource"]["uid"] for panel in panels if "datasource" in panel} == {"${datasource}"}
