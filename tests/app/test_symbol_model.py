"""When the Symbol page's text is made, what a browser gets of it, and what is said when a store is gone."""

import pytest

from app.symbol_history import (
    ALL_EVERY_S,
    CANDLES,
    RETRY_S,
    STRIPS_EVERY_S,
)
from app.symbol_model import (
    MAX_AGE_S,
    Asked,
)
from db.rows import TickRow
from tests.app.fakes import NOW
from tests.app.symbol_desk import OPEN, SERIES, STEP, Desk, kline


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_first_reply_is_whole_and_the_next_a_tail(desk: Desk) -> None:
    """400 candles at first; then a few, as long as the browser's last one touches them."""
    first = desk.ask()
    times = first["candles"]["open_time"]
    assert len(times) == CANDLES
    assert times[-1] == OPEN - STEP
    tail = desk.ask(times[-1], first["strips"]["until"])
    assert tail["candles"]["open_time"] == times[-3:]
    assert desk.ask(times[-4], first["strips"]["until"])["candles"]["open_time"] == times[-3:]


@pytest.mark.parametrize(("late_candles", "late_ms"), [(5, 0), (0, 40_000)])
def test_a_browser_with_a_hole_gets_everything(desk: Desk, late_candles: int, late_ms: int) -> None:
    """One whose candles or strips end before the tail begins: a tab that slept."""
    first = desk.ask()
    last, until = first["candles"]["open_time"][-1], first["strips"]["until"]
    again = desk.ask(last - late_candles * STEP, until - late_ms)
    assert len(again["candles"]["open_time"]) == CANDLES


def test_a_text_is_made_at_most_twice_a_second(desk: Desk) -> None:
    """However many look; replies of one view have one name, which says whether they are whole."""
    names = {desk.model.reply(Asked(*SERIES)).name for _ in range(5)}
    assert len(names) == 1
    last, until = OPEN - STEP, desk.ask()["strips"]["until"]
    assert desk.model.reply(Asked(*SERIES, last, until)).name not in names
    desk.time.elapsed_s = MAX_AGE_S * 1.1
    assert desk.model.reply(Asked(*SERIES)).name not in names


def test_candles_are_read_when_one_has_closed(desk: Desk) -> None:
    """Not with every tick: once at first, again when the minute is over, and the new one is in the tail."""
    until = desk.ask()["strips"]["until"]
    for second in range(1, 10):
        desk.time.elapsed_s = float(second)
        desk.ask()
    assert desk.asked("klines") == 1
    desk.history.candles[SERIES].append(kline(OPEN))
    desk.time.elapsed_s = (OPEN + STEP - NOW) / 1000 + 1
    found = desk.ask(OPEN - STEP, until)
    assert desk.asked("klines") == 2
    assert found["candles"]["open_time"][-1] == OPEN


def test_strips_are_read_every_two_seconds_from_where_they_end(desk: Desk) -> None:
    """The window moves on, what came late is still taken in, what is older than ten minutes goes."""
    desk.history.changes = [
        TickRow("bybit", "BTCUSDT", NOW - ms, ms, 10.0, 1.0, 11.0, 1.0, NOW)
        for ms in (700_000, 595_000, 3_000)
    ]
    assert desk.ask()["strips"]["ts"] == [NOW - 595_000, NOW - 3_000]
    before = desk.asked("ticks")
    desk.time.elapsed_s = STRIPS_EVERY_S * 0.9
    desk.ask()
    assert desk.asked("ticks") == before
    desk.history.changes.insert(2, TickRow("bybit", "BTCUSDT", NOW - 5_000, 7, 10.0, 1.0, 11.0, 1.0, NOW))
    desk.time.elapsed_s = STRIPS_EVERY_S * 2
    assert desk.ask()["strips"]["ts"] == [NOW - 5_000, NOW - 3_000]
    assert desk.asked("ticks") == before + 1


def test_numbers_have_the_instruments_digits(desk: Desk) -> None:
    """Places of price and size come with the reply; the tick is also known from the overview row."""
    found = desk.ask()
    assert (found["price_places"], found["size_places"]) == (1, 3)
    desk.history.known = []
    fresh = desk.ask(series=("bybit", "BTCUSDT", "5m"))
    assert (fresh["price_places"], fresh["size_places"]) == (1, None)


def test_without_redis_the_last_values_stay_and_are_called_old(desk: Desk) -> None:
    """Book and ticker stay, the history goes on, and it ends when Redis is back."""
    before = desk.ask()
    desk.reader.broken, desk.time.elapsed_s = True, 1.0
    old = desk.ask()
    assert old["is_old"]
    assert (old["book"], old["ticker"]) == (before["book"], before["ticker"])
    assert len(old["candles"]["open_time"]) == CANDLES
    desk.reader.broken, desk.time.elapsed_s = False, 2.0
    assert not desk.ask()["is_old"]


def test_keys_that_have_ended_leave_the_last_values(desk: Desk) -> None:
    """Redis answers and has nothing any more: ticker and book stay as they were, the book is `stale`."""
    before = desk.ask()
    desk.reader.books.clear()
    desk.reader.tickers.clear()
    for desk.time.elapsed_s in (1.0, 2.0):
        after = desk.ask()
        assert not after["is_old"]
        assert after["ticker"] == before["ticker"]
        assert after["book"] == {**before["book"], "state": "stale"}


def test_a_redis_that_never_answered_leaves_the_history(desk: Desk) -> None:
    """There is a page with candles, without a book."""
    desk.reader.broken = True
    found = desk.ask()
    assert (found["is_old"], found["book"], found["ticker"]) == (True, None, None)
    assert len(found["candles"]["open_time"]) == CANDLES


def test_without_postgres_the_history_is_delayed(desk: Desk) -> None:
    """The book goes on, what was read stays, and the next try waits a little."""
    desk.ask()
    desk.history.broken, desk.time.elapsed_s = True, STRIPS_EVERY_S
    delayed = desk.ask()
    assert delayed["history"] == "delayed"
    assert len(delayed["candles"]["open_time"]) == CANDLES
    assert delayed["book"]["state"] == "live"
    asked = len(desk.history.asked)
    desk.time.elapsed_s += RETRY_S * 0.9
    desk.ask()
    assert len(desk.history.asked) == asked
    desk.history.broken, desk.time.elapsed_s = False, desk.time.elapsed_s + RETRY_S
    assert desk.ask()["history"] == "ok"


def test_repaired_candles_come_within_a_minute(desk: Desk) -> None:
    """A candle whose hole was filled replaces the one that was shown."""
    desk.ask()
    desk.history.candles[SERIES][300] = kline(OPEN + 1)
    desk.time.elapsed_s = ALL_EVERY_S + 1
    assert OPEN + 1 in desk.ask()["candles"]["open_time"]
