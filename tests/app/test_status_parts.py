"""In one word each: which part is well, and what is said of one that is not."""

import pytest

from app.health import FRESH_MS
from app.status_parts import History24h, Hot, Stored, parts_of, sum_of
from db.hot.reader import Usage
from db.migrate import required_version
from tests.app.fakes import LIVE_FEED, NOW, WORKER

WELL = Hot(NOW, {"bybit": LIVE_FEED, "binance": LIVE_FEED}, {}, {"w": WORKER}, Usage("7.0.15", 1_000, 0, 3))
STORED = Stored(NOW, required_version(), "18.4")


def told(hot: Hot = WELL, history: History24h | None = None) -> dict[str, tuple[str, str, str, int | None]]:
    """Part -> level, word, detail, since."""
    parts = parts_of(hot, history or History24h(STORED, False), NOW)
    return {part.name: (part.level, part.word, part.detail, part.since) for part in parts}


def test_all_is_well() -> None:
    """Every part has a word for that as well."""
    assert {name: part[:2] for name, part in told().items()} == {
        "Redis": ("ok", "answers"), "Postgres": ("ok", "answers"), "Collector": ("ok", "runs"),
        "Feeds": ("ok", "live"), "Rows": ("ok", "are written"),
    }  # fmt: skip


def test_a_silent_redis_hides_what_it_would_tell() -> None:
    """Since when is said where anything is shown; of the rest nothing is claimed."""
    found = told(WELL._replace(is_silent=True))
    assert found["Redis"] == ("bad", "does not answer", "feeds and workers are shown as they were", NOW)
    assert [found[name][0] for name in ("Collector", "Feeds", "Rows")] == ["unknown"] * 3
    assert found["Postgres"][0] == "ok"
    assert told(Hot(is_silent=True))["Redis"][2:] == ("nothing is known of feeds", None)


def test_a_silent_postgres_and_one_with_other_tables() -> None:
    """The one has a time, the other a remedy; before the first answer nothing is claimed."""
    silent = told(history=History24h(STORED, True))["Postgres"]
    assert (silent[0], silent[1], silent[3]) == ("bad", "does not answer", NOW)
    assert told(history=History24h(None, True))["Postgres"][3] is None
    assert told(history=History24h(None, False))["Postgres"][0] == "unknown"
    wrong = told(history=History24h(STORED._replace(schema="0001"), False))["Postgres"]
    assert (wrong[0], wrong[1]) == ("bad", "wrong schema")
    assert "python -m db.migrate" in wrong[2]


def test_a_collector_is_gone_or_stands_still() -> None:
    """Without a heartbeat, or with an old one."""
    gone = told(WELL._replace(workers={}, feeds={"bybit": {}, "binance": {}}))
    assert gone["Collector"][:2] == ("bad", "gone")
    assert gone["Feeds"] == ("bad", "down", "0 of 2 venues live", None)
    assert gone["Rows"][0] == "unknown"
    last = NOW - FRESH_MS - 1
    still = told(WELL._replace(workers={"w": WORKER | {"heartbeat_at": str(last)}}))["Collector"]
    assert (still[0], still[1], still[3]) == ("bad", "silent", last)


@pytest.mark.parametrize(
    ("states", "level", "word"),
    [
        (("live", "degraded"), "warn", "degraded"),
        (("degraded", "degraded"), "warn", "degraded"),
        (("live", "blocked"), "warn", "blocked"),
        (("down", "reconnecting"), "bad", "down"),
    ],
)
def test_the_worst_feed_gives_the_word(states: tuple[str, str], level: str, word: str) -> None:
    """It is bad only where none is well."""
    feeds = {str(n): LIVE_FEED | {"state": state} for n, state in enumerate(states)}
    assert told(WELL._replace(feeds=feeds))["Feeds"][:2] == (level, word)


@pytest.mark.parametrize(
    ("states", "level", "word"),
    [
        (("up", "behind"), "warn", "wait"), (("starting",), "warn", "wait"),
        (("up", "down"), "bad", "pile up"), (("refused",), "bad", "pile up"), (("",), "bad", "pile up"),
    ],
)  # fmt: skip
def test_rows_that_do_not_reach_postgres(states: tuple[str, ...], level: str, word: str) -> None:
    """Whatever the web itself hears of Postgres."""
    workers = {str(n): WORKER | {"db_state": state} for n, state in enumerate(states)}
    assert told(WELL._replace(workers=workers))["Rows"][:2] == (level, word)


def test_rows_on_their_way_are_counted() -> None:
    """Those in memory and those on disk, of all workers; what is no number counts as none."""
    workers = {"a": WORKER | {"queue_rows": "5", "spool_rows": "1200"}, "b": WORKER | {"queue_rows": ""}}
    assert told(WELL._replace(workers=workers))["Rows"][2] == "1,205 rows on their way"
    assert sum_of([{"n": "x"}, {"n": "-1"}, {"n": "2"}, {}], "n") == 2
