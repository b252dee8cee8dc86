"""The benchmark's viewers ask as browsers do, and a page that costs too much is said to."""

import json
from typing import Any

import pytest

from bench.viewers import PAGES, Cost, Viewer, market, result, signals, status, symbol


def viewer(page: str) -> Viewer:
    """One that has not connected to anything yet."""
    return Viewer(1, *PAGES[page])


def asked(found: Viewer) -> Any:
    """What it would send."""
    return json.loads(found.body())["inputs"][0]["value"]


def test_a_viewer_of_the_market_remembers_rows_and_past() -> None:
    """What did not come this time is as it was."""
    past = json.dumps({"sparks": {"version": "s1"}, "runs": {"version": "r1"}})
    found = viewer("Market")
    assert asked(found)["version"] is None
    found.learn({"version": "v1", "past": past})
    found.learn({"version": "v2", "past": json.dumps({"runs": {"version": "r2"}})})
    found.learn({"version": "v3", "past": None})
    assert asked(found) == market(None) | {"version": "v3", "held": {"sparks": "s1", "runs": "r2"}}


def test_a_viewer_of_a_symbol_asks_for_what_follows() -> None:
    """The newest closed candle, the end of the strips, the version of the marks."""
    candles, strips = {"open_time": [1, 2]}, {"until": 9}
    found = viewer("Symbol")
    assert "last" not in asked(found)
    found.learn({"payload": json.dumps({"candles": candles, "strips": strips, "marks_version": "m"})})
    assert asked(found) == symbol(None) | {"last": 2, "until": 9, "marks": "m"}
    found.learn(
        {"payload": json.dumps({"candles": {"open_time": []}, "strips": {"until": 10}, "marks_version": "m"})}
    )
    assert asked(found) == symbol(None) | {"last": 2, "until": 10, "marks": "m"}


def test_viewers_of_signals_and_status_ask_for_other_versions() -> None:
    """The parts that they have."""
    record, health = viewer("Signals"), viewer("Status")
    record.learn({"payload": json.dumps({"versions": {"past": "a", "board": "b"}})})
    assert asked(record) == signals(None) | {"held": {"past": "a", "board": "b"}}
    health.learn({"payload": json.dumps({"hot": {"version": "h"}, "history": {"version": "i"}})})
    health.learn({"payload": json.dumps({"hot": {"version": "j"}})})
    health.learn({"now": 1, "payload": None})
    assert asked(health) == status(None) | {"hot": "j", "history": "i"}


@pytest.mark.parametrize(
    ("ours", "is_met"),
    [
        ({1: 1.5, 30: 1.5, 300: 1.5}, True),
        ({1: 1.6, 30: 1.0, 300: 1.0}, False),
        ({1: 1.0, 30: 1.0, 300: 1.6}, False),
        ({1: 1.0, 30: 1.0, 300: 1.3}, False),
    ],
)
def test_a_page_is_within_the_budget_at_every_number_and_flat(ours: Cost, is_met: bool) -> None:
    """Half as much again as nothing at all, and no dearer for being many."""
    found = result("Market", ours, {1: 1.0, 30: 1.0, 300: 1.0})
    assert found.is_met is is_met
    assert f"300: {ours[300]:.2f} ms = {ours[300]:.1f}×" in found.measured
