"""When the Signals page's text is made, what a browser gets of it, and what is said when a store is gone."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.read_model import ReadModel
from app.record_history import (
    OPEN_ROWS,
    PAST_ROWS,
    REST,
    RETRY_S,
    ROWS_EVERY_S,
    SUMS_EVERY_S,
    Common,
    Question,
    RecordHistory,
)
from app.record_model import MAX_AGE_S, Asked, RecordModel, Sources
from db.history.record import RecordedSignal, RecordedTrade
from db.rows import PaperTradeRow, SignalRow
from market.instruments import Instrument
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, FakeReader, FakeTime, settings

PARTS = {"open", "past", "board", "equity"}


def at_once(job: Callable[[], None]) -> None:
    job()


def fired(n: int, **changes: Any) -> RecordedSignal:
    row = SignalRow(
        "bybit", "BTCUSDT", "1m", "rsi_reversal", NOW - n, NOW - n, "buy", 0.5, 100.0, 1.0, {"rsi": 30.0}
    )
    return RecordedSignal(n, row._replace(**changes), {})


def traded(n: int, *, is_open: bool, **changes: Any) -> RecordedTrade:
    row = PaperTradeRow("bybit", "BTCUSDT", "1m", "rsi_reversal", "long", NOW - n - 1000, 100.0, 11.0)
    end = row._replace(exit_ts=NOW - n, exit_price=101.0, exit_reason="time", gross_bps=100.0, net_bps=89.0)
    return RecordedTrade(n, (row if is_open else end)._replace(**changes), None)


class Desk:
    """A model over fakes."""

    def __init__(self, **values: Any) -> None:
        self.reader, self.history, self.time = FakeReader(), FakeHistory(), FakeTime()
        self.reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
        self.reader.put(
            "bybit", "BTCUSDT", tick_size=0.1, best_bid_price=101.0, best_ask_price=101.1, recv_time=NOW
        )
        self.history.known = [Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0, 0.1, 0.001)]
        self.history.recorded = [fired(1)]
        self.history.trades = [traded(1, is_open=True), traded(2, is_open=False)]
        read_model = ReadModel(settings(**values), self.reader, self.time.clock)
        self.model = RecordModel(Sources(read_model, self.history, self.time.clock, at_once))

    def ask(self, **asked: Any) -> Any:
        """The content of the reply."""
        return json.loads(self.model.reply(Asked(**asked)).text)

    def past(self, **asked: Any) -> list[int]:
        """Ids of the rows of the history."""
        return [row["id"] for row in self.ask(**asked)["parts"]["past"]["rows"]]

    def asked(self, what: str) -> int:
        """How often Postgres was asked for this."""
        return self.history.asked.count(what)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_browser_gets_the_parts_it_lacks(desk: Desk) -> None:
    """All at first; then only what changed; what moves all the time is in every reply."""
    first = desk.ask()
    assert set(first["parts"]) == set(first["versions"]) == PARTS
    assert first["history"] == "ok"
    assert first["marks"] == [[101.0, 89.0]]
    assert {feed["venue"] for feed in first["feeds"]} == {"bybit", "binance"}
    desk.time.elapsed_s = ROWS_EVERY_S
    assert desk.ask(held=first["versions"])["parts"] == {}
    desk.history.recorded.append(fired(2))
    desk.time.elapsed_s = 2 * ROWS_EVERY_S
    again = desk.ask(held=first["versions"])
    assert set(again["parts"]) == {"past"}
    assert [row["id"] for row in again["parts"]["past"]["rows"]] == [1, 2]


def test_replies_of_one_name_are_one_text(desk: Desk) -> None:
    """Whoever asks the same within half a second gets it; other questions have other names."""
    first, same = (desk.model.reply(Asked()) for _ in range(2))
    assert first is not same
    assert (first.name, first.text) == (same.name, same.text)
    assert desk.model.reply(Asked(held={"open": "x"})).name == first.name
    assert desk.model.reply(Asked(rule="macd_trend")).name != first.name
    desk.time.elapsed_s = MAX_AGE_S
    assert desk.model.reply(Asked()).name != first.name


def test_rows_are_read_every_two_seconds_and_sums_seldom(desk: Desk) -> None:
    """However many ask."""
    for tenth in range(int(10 * SUMS_EVERY_S)):
        desk.time.elapsed_s = tenth / 10
        desk.ask()
    assert desk.asked("newest_signals") == pytest.approx(SUMS_EVERY_S / ROWS_EVERY_S, abs=1)
    assert desk.asked("equity") == 1
    assert desk.asked("scoreboard") == 1


def test_what_takes_long_is_asked_for_less_often() -> None:
    """Sums of millions of trades are not read again and again."""
    time, history = FakeTime(), FakeHistory()

    class Slow(FakeHistory):
        def equity(self, *asked: Any) -> Any:
            time.elapsed_s += 4
            return super().equity(*asked)

    history = Slow()
    question = Question("", "", "", "", "", "signals", None)
    part = RecordHistory(question, lambda: ("bybit",), Common(history, time.clock), history, time.clock)
    part.refresh()
    time.elapsed_s += 4 * REST - 1
    part.refresh()
    assert history.asked.count("equity") == 1
    time.elapsed_s += 1
    part.refresh()
    assert history.asked.count("equity") == 2


def test_filters_narrow_every_part(desk: Desk) -> None:
    """Rows, sums and the scoreboard; symbol and side are none of the scoreboard's."""
    desk.history.recorded = [
        fired(1),
        fired(2, side="sell"),
        fired(3, interval="5m"),
        fired(4, venue="binance"),
    ]
    assert desk.past() == [1, 2, 3, 4]
    assert desk.past(venue="binance") == [4]
    assert desk.past(side="sell") == [2]
    assert desk.past(interval="5m") == [3]
    assert desk.past(rule="macd_trend") == []
    assert desk.past(show="trades") == [2]
    found = desk.ask(side="sell")["parts"]
    assert found["open"] == {"count": 0, "rows": []}
    assert found["equity"]["trades"] == []


def test_simulated_and_real_rows_never_mix() -> None:
    """Without a venue named, those of the venues that are shown."""
    rows = [fired(1), fired(2, venue="sim-bybit")]
    for values, venue, expected in (({}, "bybit", [1]), ({"feeds": "auto"}, "sim-bybit", [2])):
        desk = Desk(**values)
        desk.reader.states = {venue: LIVE_FEED}
        desk.history.recorded = rows
        assert desk.past() == expected
        assert desk.past(venue="sim-bybit") == [2]


def test_older_rows_come_page_by_page(desk: Desk) -> None:
    """By the place where the page before ended; only so many at once, and all open ones are counted."""
    desk.history.recorded = [fired(n) for n in range(PAST_ROWS + 1)]
    desk.history.trades = [traded(n, is_open=True) for n in range(OPEN_ROWS + 1)]
    found = desk.ask()["parts"]
    end = found["past"]["end"]
    assert len(found["past"]["rows"]) == PAST_ROWS
    assert desk.past(before=end) == [PAST_ROWS]
    assert desk.ask(before=end)["parts"]["past"]["end"] is None
    assert (found["open"]["count"], len(found["open"]["rows"])) == (OPEN_ROWS + 1, OPEN_ROWS)


def test_without_postgres_the_last_answer_stays(desk: Desk) -> None:
    """It is called delayed, with the time of its reading; a question never answered has no part."""
    desk.ask()
    desk.history.broken = True
    desk.time.elapsed_s = ROWS_EVERY_S
    found = desk.ask()
    assert (found["history"], found["read_at"], set(found["parts"])) == ("delayed", NOW, PARTS)
    assert desk.ask(rule="macd_trend")["parts"] == {}
    desk.history.broken = False
    desk.time.elapsed_s += RETRY_S
    assert desk.ask()["history"] == "ok"


def test_without_redis_open_trades_have_no_mark(desk: Desk) -> None:
    """The last known prices are not what one could leave at."""
    desk.ask()
    desk.reader.broken = True
    desk.time.elapsed_s = 11
    found = desk.ask()
    assert found["marks"] == [None]
    assert any("Redis" in notice["text"] for notice in found["notices"])
