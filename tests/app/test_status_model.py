"""What the Status page is told, and what it is spared."""

import json
from typing import Any

import pytest

from app.read_model import ReadModel
from app.status_model import HISTORY_EVERY_S, MAX_AGE_S, Asked, StatusModel
from db.history.status import GapCell
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, WORKER, FakeReader, FakeTime, settings


class Stage:
    """A model over stores that the test moves."""

    def __init__(self, **values: Any) -> None:
        self.reader, self.history, self.time = FakeReader(), FakeHistory(), FakeTime()
        self.reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
        given, clock = settings(**values), self.time.clock
        read_model = ReadModel(given, self.reader, clock)
        self.model = StatusModel(given, read_model, self.reader, self.history, clock, lambda job: job())

    def later(self, seconds: float = MAX_AGE_S) -> None:
        self.time.elapsed_s += seconds

    def reply(self, **versions: str) -> Any:
        """What a browser with these versions is told; None if nothing."""
        text = self.model.reply(Asked(**versions)).text
        return text and json.loads(text)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_whoever_has_nothing_gets_both_parts(stage: Stage) -> None:
    """Feeds with their numbers, workers, stores, strips and ledger."""
    found = stage.reply()
    hot, history = found["hot"]["content"], found["history"]["content"]
    assert [(feed["venue"], feed["state"], feed["message_rate"]) for feed in hot["feeds"]] == [
        ("bybit", "live", 412.5), ("binance", "live", 412.5),
    ]  # fmt: skip
    assert [worker["id"] for worker in hot["workers"]] == ["worker.1"]
    assert hot["redis"]["used_bytes"] == 2_500_000
    assert history["database"]["sizes"]["database_bytes"] == 350_000_000
    assert history["ledger"] == []
    assert history["strips"]["length"] == 96
    assert [part["level"] for part in hot["parts"]] == ["ok"] * 5


def test_whoever_has_everything_gets_nothing(stage: Stage) -> None:
    """Also a second later, while nothing changes; then only the part that did."""
    found = stage.reply()
    held = {name: found[name]["version"] for name in ("hot", "history")}
    assert stage.reply(**held) is None
    stage.later()
    assert stage.reply(**held) is None
    stage.reader.collectors = {"worker.1": WORKER | {"queue_rows": "7"}}
    stage.later()
    assert set(stage.reply(**held)) == {"hot"}
    stage.history.gap_counts = [GapCell("bybit", "book", None, 1, 1, 0, 0, "no", ["silent"])]
    stage.later(HISTORY_EVERY_S)
    assert set(stage.reply(hot=stage.reply()["hot"]["version"], history=held["history"])) == {"history"}


def test_the_stores_are_asked_once_for_everybody(stage: Stage) -> None:
    """However many look; the history less often."""
    for _ in range(5):
        stage.reply()
    assert stage.history.asked.count("incidents") == 1
    asked = stage.reader.reads
    stage.reply()
    assert stage.reader.reads == asked


def test_while_redis_is_silent_the_last_numbers_stay(stage: Stage) -> None:
    """Their time is told; of the state nothing is claimed. It recovers by itself."""
    stage.reply()
    stage.reader.broken = True
    stage.later()
    hot = stage.reply()["hot"]["content"]
    assert (hot["is_silent"], hot["parts"][0]["since"]) == (True, NOW)
    assert [(feed["state"], feed["message_rate"]) for feed in hot["feeds"]] == [(None, 412.5)] * 2
    assert len(hot["workers"]) == 1
    assert (hot["parts"][0]["level"], hot["parts"][2]["level"]) == ("bad", "unknown")
    stage.reader.broken = False
    stage.later()
    assert stage.reply()["hot"]["content"]["is_silent"] is False


def test_a_redis_that_never_answered_leaves_dashes(stage: Stage) -> None:
    """The venues are named all the same."""
    stage.reader.broken = True
    hot = stage.reply()["hot"]["content"]
    assert [(feed["venue"], feed["state"]) for feed in hot["feeds"]] == [("bybit", None), ("binance", None)]
    assert hot["workers"] == []


def test_while_postgres_is_silent_the_rest_goes_on(stage: Stage) -> None:
    """What it told last stays, with its time; before it told anything there is nothing of it."""
    stage.history.broken = True
    history = stage.reply()["history"]["content"]
    assert (history["is_silent"], history["database"], history["ledger"]) == (True, None, None)
    stage.history.broken = False
    stage.later(HISTORY_EVERY_S)
    assert stage.reply()["history"]["content"]["is_silent"] is False
    stage.history.broken = True
    stage.later(HISTORY_EVERY_S)
    found = stage.reply()
    assert found["hot"]["content"]["parts"][1]["since"] == NOW + HISTORY_EVERY_S * 1000
    assert found["history"]["content"]["database"]["schema"]
    assert found["hot"]["content"]["feeds"][0]["state"] == "live"


def test_tables_that_are_not_ours_are_not_asked(stage: Stage) -> None:
    """Only the version is read, and told."""
    stage.history.schema = "0001"
    found = stage.reply()
    assert stage.history.asked == ["schema_version", "server_version"]
    assert found["history"]["content"]["strips"] is None
    assert found["hot"]["content"]["parts"][1]["word"] == "wrong schema"


def test_a_venue_without_a_heartbeat_is_down(stage: Stage) -> None:
    """With `FEEDS=auto` the simulated ones stand beside those that they stand in for."""
    del stage.reader.states["binance"]
    feeds = stage.reply()["hot"]["content"]["feeds"]
    assert [(feed["venue"], feed["state"]) for feed in feeds] == [("bybit", "live"), ("binance", "down")]
    auto = Stage(feeds="auto")
    auto.reader.states = {"bybit": LIVE_FEED | {"state": "blocked"}, "sim-bybit": LIVE_FEED}
    feeds = auto.reply()["hot"]["content"]["feeds"]
    assert [feed["venue"] for feed in feeds] == ["bybit", "sim-bybit", "sim-binance"]
