"""When the view is built, of which venues, and what is shown when Redis is silent."""

import threading

import pytest

from app.read_model import (
    MAX_AGE_S,
    REDIS_IS_SILENT,
    ReadModel,
)
from app.shared import WAIT_AGE_S
from app.view import MarketView
from db.rows import TickerRow
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, FakeReader, FakeTime, settings
from tests.app.watched_model import symbols, watched


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
