"""When the view is built, of which venues, and what is shown when Redis is silent."""

import threading

import pytest

from app.read_model import (
    BEGINS_MS,
    HISTORY_IS_DELAYED,
    MAX_AGE_S,
    POSTGRES_IS_SILENT,
    POSTGRES_IS_SILENT_TOO,
    REDIS_IS_SILENT,
    ReadModel,
)
from app.shared import WAIT_AGE_S
from app.view import MarketView, Notice
from app.watch import LOOK_EVERY_S, HistoryWatch
from db.rows import TickerRow
from tests.app.fakes import LIVE_FEED, NOW, WORKER, FakeHistory, FakeReader, FakeTime, settings


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


def symbols(view: MarketView) -> list[tuple[str, str]]:
    return [(row.venue, row.symbol) for row in view.rows]


def test_every_configured_symbol_has_a_row_before_there_is_data(reader: FakeReader, time: FakeTime) -> None:
    """An empty Redis gives blank rows on both venues, each in the venue's spelling."""
    model = ReadModel(settings(symbols=["BTCUSDT", "SHIB1000USDT"]), reader, time.clock)
    assert symbols(model.market()) == [
        ("bybit", "BTCUSDT"), ("bybit", "SHIB1000USDT"), ("binance", "BTCUSDT"), ("binance", "1000SHIBUSDT"),
    ]  # fmt: skip


def test_the_most_traded_symbols_are_those_that_redis_has(reader: FakeReader, time: FakeTime) -> None:
    """With `auto:N` only the collector knows the symbols."""
    reader.put("bybit", "SOLUSDT")
    model = ReadModel(settings(symbols=["auto:5"]), reader, time.clock)
    assert symbols(model.market()) == [("bybit", "SOLUSDT")]


def test_redis_is_asked_at_most_once_in_a_while(reader: FakeReader, time: FakeTime) -> None:
    """However many look, one reading serves them until it is old."""
    model = ReadModel(settings(), reader, time.clock)
    first = model.market()
    time.elapsed_s = MAX_AGE_S * 0.9
    assert model.market() is first
    assert reader.reads == 1
    time.elapsed_s = MAX_AGE_S * 1.1
    assert model.market() is not first
    assert reader.reads == 2


def test_one_builds_while_the_others_take_the_last_view(time: FakeTime) -> None:
    """Whoever comes during a build gets the view before, unless that is from long ago."""
    inside, proceed = threading.Event(), threading.Event()

    class SlowReader(FakeReader):
        def market(self, venue: str) -> dict[str, bytes]:
            if self.reads == 2:
                inside.set()
                assert proceed.wait(10)
            return super().market(venue)

    reader = SlowReader()
    model = ReadModel(settings(), reader, time.clock)
    before = model.market()
    time.elapsed_s = MAX_AGE_S + 0.1
    builder = threading.Thread(target=model.market)
    builder.start()
    assert inside.wait(10)
    assert model.market() is before

    time.elapsed_s = WAIT_AGE_S + 1
    waited: list[MarketView] = []
    waiter = threading.Thread(target=lambda: waited.append(model.market()))
    waiter.start()
    proceed.set()
    builder.join(10)
    waiter.join(10)
    assert waited[0] is not before
    assert reader.reads == 2


def test_while_redis_is_silent_the_last_values_stay_marked_old(reader: FakeReader, time: FakeTime) -> None:
    """The rows stay, a notice says why, and it goes when Redis is back."""
    reader.put("bybit", "BTCUSDT", last_price=65114.2)
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    model = ReadModel(settings(), reader, time.clock)
    fresh = model.market()
    reader.broken, time.elapsed_s = True, 1.0
    old = model.market()
    assert old.rows == fresh.rows
    assert old.notices == (REDIS_IS_SILENT,)
    assert old.version != fresh.version
    reader.broken, time.elapsed_s = False, 2.0
    assert model.market().version == fresh.version


def test_keys_that_have_ended_leave_the_last_values(reader: FakeReader, time: FakeTime) -> None:
    """Redis answers, and has nothing of a venue that was silent for long: its rows stay as they were."""
    reader.put("bybit", "BTCUSDT", last_price=65114.2)
    reader.put("binance", "BTCUSDT", last_price=65100.1)
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    model = ReadModel(settings(), reader, time.clock)
    before = {(row.venue, row.symbol): row for row in model.market().rows}
    del reader.rows["bybit"]
    reader.put("binance", "BTCUSDT", last_price=65100.2)
    for time.elapsed_s in (1.0, 2.0):
        after = {(row.venue, row.symbol): row for row in model.market().rows}
        kept = after["bybit", "BTCUSDT"]
        assert (kept.last_price, kept.recv_time) == (65114.2, before["bybit", "BTCUSDT"].recv_time)
        assert kept.book_state == "stale"
        assert after["binance", "BTCUSDT"].last_price == 65100.2


def test_a_web_that_starts_later_has_them_from_postgres(reader: FakeReader, time: FakeTime) -> None:
    """With `FEEDS=sim`, too, where nothing else is known of the venue."""
    history = FakeHistory()
    history.last = [TickerRow("sim-bybit", "BTCUSDT", last_price=5.0, recv_time=NOW - 600_000)]
    view = watched(reader, history, time, feeds="sim").market()
    row = next(row for row in view.rows if (row.venue, row.symbol) == ("sim-bybit", "BTCUSDT"))
    assert (row.last_price, row.recv_time) == (5.0, NOW - 600_000)


def test_what_stood_in_stays_when_every_key_has_ended(reader: FakeReader, time: FakeTime) -> None:
    """A collector that died shows what it showed last, until a live venue has something."""
    reader.put("sim-bybit", "BTCUSDT", last_price=5.0)
    model = ReadModel(settings(feeds="auto"), reader, time.clock)
    model.market()
    reader.rows.clear()
    time.elapsed_s = 1.0
    assert ("sim-bybit", "BTCUSDT", 5.0) in [(r.venue, r.symbol, r.last_price) for r in model.market().rows]
    reader.put("bybit", "BTCUSDT", last_price=6.0)
    time.elapsed_s = 2.0
    assert {row.venue for row in model.market().rows} == {"bybit", "binance"}


def test_a_redis_that_was_never_there_gives_blank_rows(reader: FakeReader, time: FakeTime) -> None:
    """Nothing is claimed of the feeds, and Redis's address is nobody's business."""
    reader.broken = True
    view = ReadModel(settings(), reader, time.clock).market()
    assert len(view.rows) == 4
    assert view.feeds["bybit"]["state"] is None
    assert view.notices == (REDIS_IS_SILENT,)
    assert "redis.internal" not in str(view)


def test_a_blank_view_asks_nobody(reader: FakeReader, time: FakeTime) -> None:
    """It has the rows to come, and claims nothing of the feeds."""
    view = ReadModel(settings(), reader, time.clock).blank()
    assert (len(view.rows), view.notices, reader.reads) == (4, (), 0)


def test_simulated_feeds_show_simulated_venues(reader: FakeReader, time: FakeTime) -> None:
    """With `FEEDS=sim` no live venue is looked at or named."""
    view = ReadModel(settings(feeds="sim"), reader, time.clock).market()
    assert list(view.feeds) == ["sim-bybit", "sim-binance"]
    assert view.simulated


def test_automatic_feeds_show_the_simulator_while_its_keys_exist(reader: FakeReader, time: FakeTime) -> None:
    """Live first, the simulated venues as long as Redis has them, then live again."""
    model = ReadModel(settings(feeds="auto"), reader, time.clock)
    reader.states = {"bybit": {"state": "blocked", "reason": "HTTP 403"}}
    assert list(model.market().feeds) == ["bybit", "binance"]

    reader.states["sim-bybit"] = LIVE_FEED
    time.elapsed_s = 1.0
    stand_in = model.market()
    assert list(stand_in.feeds) == ["sim-bybit", "sim-binance"]
    assert "bybit blocked: HTTP 403" in stand_in.notices[0].text

    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    time.elapsed_s = 2.0
    assert list(model.market().feeds) == ["bybit", "binance"]
    assert not model.market().simulated


def test_unreadable_rows_are_named(reader: FakeReader, time: FakeTime) -> None:
    """A poisoned row is a notice, not an error."""
    reader.rows = {"bybit": {"BTCUSDT": b"[]"}}
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    view = ReadModel(settings(), reader, time.clock).market()
    assert [n.text for n in view.notices] == ["unreadable rows: bybit BTCUSDT"]


def test_a_testnet_is_a_venue_of_its_own(reader: FakeReader, time: FakeTime) -> None:
    """The name follows the address, as it does in the collector."""
    url = "wss://stream-testnet.bybit.com/v5/public/linear"
    view = ReadModel(settings(bybit_ws_url=[url]), reader, time.clock).market()
    assert list(view.feeds) == ["bybit-testnet", "binance"]


@pytest.mark.parametrize(("intervals", "expected"), [(["1m", "5m"], "5m"), (["1h", "1d"], "1h")])
def test_five_minutes_unless_not_collected(intervals: list[str], expected: str, time: FakeTime) -> None:
    """The default interval is one that there is."""
    assert ReadModel(settings(intervals=intervals), FakeReader(), time.clock).interval == expected


def watched(reader: FakeReader, history: FakeHistory, time: FakeTime, **values: object) -> ReadModel:
    """A read model whose fetches aside are done at once."""
    watch = HistoryWatch(history, time.clock.monotonic, lambda job: job())
    return ReadModel(settings(**values), reader, time.clock, watch)


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
    ("state", "delayed"),
    [
        ("up", False),
        ("starting", False),
        ("behind", True),
        ("down", True),
        ("refused", True),
        ("schema", True),
    ],
)
def test_a_collector_that_cannot_write_is_a_notice(
    reader: FakeReader, time: FakeTime, state: str, delayed: bool
) -> None:
    """One of several is enough."""
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    reader.collectors = {"a": WORKER, "b": WORKER | {"db_state": state}}
    notices = ReadModel(settings(), reader, time.clock).market().notices
    assert notices == ((HISTORY_IS_DELAYED,) if delayed else ())


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
