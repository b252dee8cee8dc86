"""The market's model while stores and collector come and go, and what a venue does not list."""

import pytest

from app.read_model import (
    BEGINS_MS,
    HISTORY_CATCHES_UP,
    HISTORY_IS_DELAYED,
    POSTGRES_IS_SILENT,
    POSTGRES_IS_SILENT_TOO,
    REDIS_IS_SILENT,
    ReadModel,
)
from app.view import Notice
from app.watch import LOOK_EVERY_S
from db.rows import TickerRow
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, WORKER, FakeReader, FakeTime, settings
from tests.app.watched_model import symbols, watched


def test_without_redis_the_rows_come_from_postgres(reader: FakeReader, time: FakeTime) -> None:
    """Also in a process that never saw Redis; the numbers go on as the collector stores them."""
    history = FakeHistory()
    history.last = [TickerRow("bybit", "BTCUSDT", 65114.2, recv_time=NOW - 9000)]
    reader.broken = True
    model = watched(reader, history, time)
    view = model.market()
    assert (view.rows[0].last_price, view.rows[0].recv_time) == (65114.2, NOW - 9000)
    assert view.notices == (REDIS_IS_SILENT,)
    assert view.feeds["bybit"]["state"] is None
    history.last = [TickerRow("bybit", "BTCUSDT", 65115.0, recv_time=NOW)]
    time.elapsed_s = LOOK_EVERY_S
    assert model.market().rows[0].last_price == 65115.0


def test_without_redis_the_venues_shown_last_are_shown(reader: FakeReader, time: FakeTime) -> None:
    """With automatic feeds those whose stored tickers are the newest; with `auto:N` the symbols stored."""
    history = FakeHistory()
    history.last = [
        TickerRow("bybit", "BTCUSDT", 1.0, recv_time=NOW - 60_000),
        TickerRow("sim-bybit", "SOLUSDT", 2.0, recv_time=NOW),
    ]
    reader.broken = True
    view = watched(reader, history, time, feeds="auto", symbols=["auto:5"]).market()
    assert symbols(view) == [("sim-bybit", "SOLUSDT")]
    assert view.rows[0].last_price == 2.0
    assert view.simulated


def test_without_either_store_there_are_blank_rows_and_two_notices(
    reader: FakeReader, time: FakeTime
) -> None:
    """The page still comes."""
    history = FakeHistory()
    reader.broken = history.broken = True
    view = watched(reader, history, time).market()
    assert view.notices == (REDIS_IS_SILENT, POSTGRES_IS_SILENT_TOO)
    assert len(view.rows) == 4


def test_a_postgres_that_is_gone_is_a_notice(reader: FakeReader, time: FakeTime) -> None:
    """The live rows go on; the notice goes when it is back."""
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    history = FakeHistory()
    model = watched(reader, history, time)
    assert model.market().notices == ()
    history.broken, time.elapsed_s = True, LOOK_EVERY_S
    assert model.market().notices == (POSTGRES_IS_SILENT,)
    history.broken, time.elapsed_s = False, 2 * LOOK_EVERY_S
    assert model.market().notices == ()


@pytest.mark.parametrize(
    ("states", "notices"),
    [
        (("up", "up"), ()),
        (("up", "starting"), ()),
        (("up", "behind"), (HISTORY_CATCHES_UP,)),
        (("up", "down"), (HISTORY_IS_DELAYED,)),
        (("behind", "refused"), (HISTORY_IS_DELAYED,)),
        (("schema", "up"), (HISTORY_IS_DELAYED,)),
    ],
)
def test_a_collector_whose_rows_wait_is_a_notice(
    reader: FakeReader, time: FakeTime, states: tuple[str, str], notices: tuple[Notice, ...]
) -> None:
    """One of several is enough, and the worst is said."""
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    reader.collectors = {name: WORKER | {"db_state": state} for name, state in zip("ab", states, strict=True)}
    assert ReadModel(settings(), reader, time.clock).market().notices == notices


def test_a_collector_that_is_gone_is_one_notice(reader: FakeReader, time: FakeTime) -> None:
    """Not one more for each of its feeds; it carries the time of the newest datum."""
    reader.put("bybit", "BTCUSDT", recv_time=NOW - 20_000)
    reader.put("bybit", "ETHUSDT", recv_time=NOW - 30_000)
    reader.collectors = {}
    (notice,) = ReadModel(settings(), reader, time.clock).market().notices
    assert (notice.kind, notice.since) == ("trouble", NOW - 20_000)
    assert "collector is gone" in notice.text


def test_a_blocked_feed_is_told_beside_a_collector_that_is_gone(reader: FakeReader, time: FakeTime) -> None:
    """Its reason was known before."""
    reader.states = {"bybit": {"state": "blocked", "reason": "HTTP 403"}}
    reader.collectors = {}
    texts = [notice.text for notice in ReadModel(settings(), reader, time.clock).market().notices]
    assert texts[0] == "bybit blocked: HTTP 403"
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (
            BEGINS_MS - 1,
            ("old", "The collector has just started · these are the last known values", NOW - 60_000),
        ),
        (BEGINS_MS, ("trouble", "bybit down: no heartbeat from the collector", None)),
    ],
)
def test_a_feed_that_waits_for_a_new_collector_is_not_called_down(
    reader: FakeReader, time: FakeTime, age_ms: int, expected: tuple[str, str, int | None]
) -> None:
    """The rows are those of the run before, with their age. What the other feed says is told."""
    reader.put("bybit", "BTCUSDT", recv_time=NOW - 60_000)
    reader.states = {"binance": {"state": "down", "reason": "no route"}}
    reader.collectors = {"old": WORKER, "new": WORKER | {"started_at": str(NOW - age_ms)}}
    notices = ReadModel(settings(), reader, time.clock).market().notices
    assert Notice(*expected) in notices
    assert Notice("trouble", "binance down: no route") in notices
    assert len(notices) == 2


def test_a_new_collector_whose_feeds_are_known_is_no_notice(reader: FakeReader, time: FakeTime) -> None:
    """Nothing waits for it."""
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    reader.collectors = {"new": WORKER | {"started_at": str(NOW - 1)}}
    assert ReadModel(settings(), reader, time.clock).market().notices == ()


def unlisted(words: str) -> dict[str, dict[str, str]]:
    """Live feeds; Bybit does not list these."""
    return {"bybit": LIVE_FEED | {"unlisted": words}, "binance": LIVE_FEED}


def test_a_symbol_with_another_name_stands_under_that(reader: FakeReader, time: FakeTime) -> None:
    """In its place, once; what is not listed at all keeps its row."""
    reader.states = unlisted("FOOUSDT, PEPEUSDT as 1000PEPEUSDT")
    reader.put("bybit", "1000PEPEUSDT", last_price=0.01)
    wanted = [f"bybit:{symbol}" for symbol in ("PEPEUSDT", "FOOUSDT", "BTCUSDT", "1000PEPEUSDT")]
    view = ReadModel(settings(symbols=wanted), reader, time.clock).market()
    assert [(row.symbol, row.last_price) for row in view.rows] == [
        ("1000PEPEUSDT", 0.01), ("FOOUSDT", None), ("BTCUSDT", None),
    ]  # fmt: skip
    assert view.listed_as("bybit", "FOOUSDT") == ""


def test_what_a_silent_feed_said_last_goes_on(reader: FakeReader, time: FakeTime) -> None:
    """While Redis is silent or the collector is gone, the rows stay as they were."""
    reader.states = unlisted("PEPEUSDT as 1000PEPEUSDT")
    model = ReadModel(settings(symbols=["bybit:PEPEUSDT"]), reader, time.clock)
    assert symbols(model.market()) == [("bybit", "1000PEPEUSDT")]
    reader.broken, time.elapsed_s = True, 1.0
    assert symbols(model.market()) == [("bybit", "1000PEPEUSDT")]
    assert model.market().listed_as("bybit", "PEPEUSDT") == "1000PEPEUSDT"
    reader.broken, reader.states, time.elapsed_s = False, {}, 2.0
    assert symbols(model.market()) == [("bybit", "1000PEPEUSDT")]
    assert model.market().listed_as("bybit", "PEPEUSDT") == "1000PEPEUSDT"
    reader.states, time.elapsed_s = unlisted(""), 3.0
    assert symbols(model.market()) == [("bybit", "PEPEUSDT")]
    assert model.market().listed_as("bybit", "PEPEUSDT") is None


def test_what_has_a_row_is_listed(reader: FakeReader, time: FakeTime) -> None:
    """Another worker's list is newer than that of the one that says it is not."""
    reader.states = unlisted("ETHUSDT, FOOUSDT")
    reader.put("bybit", "ETHUSDT", last_price=3321.45)
    view = ReadModel(settings(symbols=["ETHUSDT", "FOOUSDT"]), reader, time.clock).market()
    assert view.feeds["bybit"]["unlisted"] == "FOOUSDT"
