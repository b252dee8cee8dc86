"""What the Market page asks and gets."""

import json
import struct
from typing import Any

import pytest

from app.market_history import EVERY_S, MarketHistory
from app.market_model import Asked, MarketModel
from app.read_model import ReadModel
from db.history.runs import SignalRun
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, FakeReader, FakeTime, settings

QUARTER = 900_000
HOUR = 4 * QUARTER
SERIES = ("bybit", "BTCUSDT", "15m")


class Page:
    """A model over fakes; what it reads aside it reads at once."""

    def __init__(self) -> None:
        self.time, self.reader, self.history = FakeTime(), FakeReader(), FakeHistory()
        self.reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
        values = {"5m": {"rsi": 50.0}, "1h": {"rsi": 70.0}}
        self.reader.put("bybit", "BTCUSDT", last_price=1.0, indicators=values)
        clock = self.time.clock
        read_model = ReadModel(settings(symbols=["BTCUSDT"]), self.reader, clock)
        past = MarketHistory(read_model, self.history, clock, spawn=lambda job: job())
        self.model = MarketModel(read_model, past)

    def close(self, *closes: float) -> None:
        """Store so many candles that end now."""
        opened = NOW - NOW % QUARTER
        rows = [
            ((opened + (i - len(closes)) * QUARTER) / 1000, 1, 1, 1, close, 1, 1, 1)
            for i, close in enumerate(closes)
        ]
        self.history.packed[SERIES] = b"".join(struct.pack(">8d", *row) for row in rows)


@pytest.fixture
def page() -> Page:
    return Page()


def past_of(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text or "{}")
    return found


def test_the_indicators_are_those_of_the_interval_that_is_asked(page: Page) -> None:
    """The payload says which; an interval that is not collected is the default one."""
    hour = page.model.reply(Asked(interval="1h"))
    assert json.loads(hour.payload or "")["columns"]["rsi"][0] == 70.0
    other = page.model.reply(Asked(interval="7m"))
    assert json.loads(other.payload or "")["interval"] == "5m"
    assert hour.version != other.version


def test_who_has_the_version_gets_no_payload(page: Page) -> None:
    """Until something changes, or something else is asked."""
    first = page.model.reply(Asked())
    assert page.model.reply(Asked(version=first.version)).payload is None
    assert page.model.reply(Asked(version=first.version, interval="1h")).payload is not None
    pairs = page.model.reply(Asked(version=first.version, pairs=True))
    assert "pairs" in json.loads(pairs.payload or "")


def test_the_past_comes_once_and_again_when_it_changed(page: Page) -> None:
    """Who has it pays nothing for it every second."""
    page.close(1.0, 2.0)
    first = page.model.reply(Asked())
    past = past_of(first.past)
    assert past["sparks"]["content"]["lines"]["bybit:BTCUSDT"] == [" " * 94 + "0[", 1.0, 2.0]
    held = {name: part["version"] for name, part in past.items()}
    assert page.model.reply(Asked(held=held)).past is None
    page.close(2.0, 1.0)
    page.time.elapsed_s += EVERY_S
    again = past_of(page.model.reply(Asked(held=held)).past)
    assert set(again) == {"sparks"}
    assert again["sparks"]["content"]["lines"]["bybit:BTCUSDT"][0].endswith("[0")


def test_postgres_is_asked_at_most_once_a_minute(page: Page) -> None:
    """However often and by however many the page is looked at, once every row has its line."""
    page.history.packed["binance", "BTCUSDT", "15m"] = struct.pack(">8d", NOW / 1000 - 900, *[1] * 7)
    page.close(1.0)
    for _ in range(20):
        page.model.reply(Asked())
        page.time.elapsed_s += EVERY_S / 20
    assert page.history.asked.count("packed_klines") == 2  # one a venue
    page.model.reply(Asked())
    assert page.history.asked.count("packed_klines") == 4


def test_a_past_that_is_not_whole_is_read_again_sooner(page: Page) -> None:
    """At a first start candles come seconds after the page; the wait grows where none ever come."""
    page.model.reply(Asked())
    page.close(1.0)
    page.time.elapsed_s += 10.0
    assert "lines" in past_of(page.model.reply(Asked()).past)["sparks"]["content"]
    for _ in range(300):
        page.time.elapsed_s += 1.0
        page.model.reply(Asked())
    assert page.history.asked.count("packed_klines") <= 2 * 11


def test_a_signal_is_told_since_its_candle_closed(page: Page) -> None:
    """By interval; one that has held for longer than is looked back has no beginning."""
    page.history.runs["bybit", "BTCUSDT", "1h"] = SignalRun("buy", NOW - 2 * HOUR)
    page.history.runs["binance", "BTCUSDT", "1h"] = SignalRun("sell", None)
    runs = past_of(page.model.reply(Asked(interval="1h")).past)["runs"]["content"]
    assert runs == {
        "interval": "1h",
        "since": {"bybit:BTCUSDT": ["buy", NOW - HOUR], "binance:BTCUSDT": ["sell", None]},
    }
    assert past_of(page.model.reply(Asked()).past)["runs"]["content"] == {"interval": "5m", "since": {}}


def test_without_postgres_the_live_part_goes_on(page: Page) -> None:
    """What was read before stays."""
    page.close(1.0)
    page.model.reply(Asked())
    page.history.broken = True
    page.time.elapsed_s += EVERY_S
    reply = page.model.reply(Asked())
    assert reply.payload is not None
    assert past_of(reply.past)["sparks"]["content"]["lines"]


def test_replies_of_one_name_are_the_same(page: Page) -> None:
    """They are compressed once for everybody; what has a past of its own has no name."""
    first = page.model.reply(Asked())
    held = {name: part["version"] for name, part in past_of(first.past).items()}
    one, other = page.model.reply(Asked(held=held)), page.model.reply(Asked(held=held))
    assert first.name == ""
    assert one == other
    assert one.name
