"""Feeds, workers, stores, strips and ledger as plain values."""

from app.status_parts import History24h, Hot, Stored
from app.status_view import feeds_of, history_content, strips_of, workers_of
from db.history.status import Cells, EventCell, GapCell, Incident
from db.migrate import required_version
from db.rows import CHANNELS
from tests.app.fakes import LIVE_FEED, NOW, WORKER, settings

CELLS = Cells(NOW - 4_000, 1_000, 4)


def stored(*gaps: GapCell, events: tuple[EventCell, ...] = ()) -> Stored:
    incident = Incident("bybit", "silent", NOW - 9, None, ["book"], 1, "BTCUSDT", 1, 1, 0, 0, 0, "why")
    return Stored(
        NOW, required_version(), "18.4", cells=CELLS, gap_cells=gaps, event_cells=events,
        incidents=[incident, incident._replace(venue="sim-bybit")],
    )  # fmt: skip


def test_a_feed_has_its_numbers_and_its_parts() -> None:
    """Missing ones None; parts by worker."""
    share = LIVE_FEED | {"state": "idle", "message_rate": ""}
    feed = LIVE_FEED | {"unlisted": "FOOUSDT"}
    found = feeds_of(Hot(NOW, {"bybit": feed}, {("bybit", "a"): share, ("binance", "a"): share}))
    assert found["bybit"]["message_rate"] == 412.5
    assert found["bybit"]["gaps"] is None
    assert found["bybit"]["unlisted"] == "FOOUSDT"
    assert found["bybit"]["workers"] == {
        "a": {"state": "idle", "reason": None, "message_rate": None, "last_message_time": NOW - 10}
    }


def test_the_shares_of_workers_add_up() -> None:
    """Nobody has a share of nothing; what is no number is None."""
    found = workers_of({"a": WORKER | {"symbols": "30", "pid": "7"}, "b": WORKER | {"symbols": "10"}})
    assert (found["a"]["share"], found["b"]["share"]) == (0.75, 0.25)
    assert (found["a"]["pid"], found["b"]["pid"], found["a"]["db_state"]) == (7, None, "up")
    assert workers_of({"a": WORKER})["a"]["share"] is None


def test_a_lane_has_the_cells_in_which_something_is_missing() -> None:
    """With the worst of them, how many instruments, and why; the whole span is counted beside them."""
    found = strips_of(
        stored(
            GapCell("bybit", "book", 1, 3, 4, 0, 1, "no", ["sequence", "silent"]),
            GapCell("bybit", "book", 3, 1, 1, 1, 0, "no", ["silent"]),
            GapCell("bybit", "book", None, 3, 5, 1, 1, "no", ["sequence", "silent"]),
            GapCell("binance", "book", 0, 1, 1, 0, 1, "yes", ["silent"]),
        ),
        ["bybit"],
    )
    assert list(found["lanes"]) == ["bybit"]
    lanes = {lane["name"]: lane for lane in found["lanes"]["bybit"]}
    assert list(lanes) == ["feed", *CHANNELS]
    assert lanes["book"] == {
        "name": "book", "gaps": 5, "open": 1, "whole": 1,
        "cells": [[1, "no", 3, "sequence, silent"], [3, "open", 1, "silent"]],
    }  # fmt: skip
    assert lanes["trade"] == {"name": "trade", "cells": [], "gaps": 0, "open": 0, "whole": 0}
    assert (found["start"], found["step_ms"], found["length"]) == CELLS


def test_the_lane_of_a_feed_tells_what_went_wrong() -> None:
    """By cell and in all; what went well is no news."""
    events = [("disconnected", 0, 2), ("resync", 0, 3), ("resync", 2, 1), ("live", 1, 9)]
    told = tuple(EventCell("bybit", *event) for event in events)
    feed = strips_of(stored(events=told), ["bybit"])["lanes"]["bybit"][0]
    assert feed == {
        "name": "feed", "events": {"disconnected": 2, "resync": 4},
        "cells": [[0, "event", 5, "2 × disconnected, 3 × resync"], [2, "event", 1, "1 × resync"]],
    }  # fmt: skip


def test_the_history_names_limits_whatever_it_knows() -> None:
    """Before Postgres told anything the rest is None; only venues that are shown are in the ledger."""
    given = settings(history_max_mb=700, tick_retention_days=3)
    nothing = history_content(History24h(None, True), given, ["bybit"])
    assert (nothing["database"], nothing["strips"], nothing["ledger"]) == (None, None, None)
    assert nothing["limits"] == {"retention_days": 3, "history_max_mb": 700, "spool_max_mb": 512}
    found = history_content(History24h(stored(), False), given, ["bybit"])
    assert [(gap["venue"], gap["detail"]) for gap in found["ledger"]] == [("bybit", "why")]
    assert found["database"]["shortened"] is None
    shortened = stored()._replace(shortened=(NOW, "", "w", "history_shortened", "gone"))
    found = history_content(History24h(shortened, False), given, ["bybit"])
    assert found["database"]["shortened"] == {"time": NOW, "detail": "gone"}
