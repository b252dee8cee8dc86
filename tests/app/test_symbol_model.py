"""When the Symbol page's text is made, what a browser gets of it, and what is said when a store is gone."""

import json
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from app.lately import KEEP_S
from app.read_model import ReadModel
from app.symbol_history import (
    ALL_EVERY_S,
    CANDLES,
    CLOSE_EVERY_S,
    MARKS_EVERY_S,
    RETRY_S,
    STRIPS_EVERY_S,
)
from app.symbol_model import (
    LOOK_EVERY_S,
    MAX_AGE_S,
    MOST_SERIES,
    TRADE_TAIL,
    Asked,
    Sources,
    SymbolModel,
    in_background,
)
from db.history.track import StoredSignal
from db.rows import GapRow, IndicatorRow, SignalRow, TickRow
from market.events import Kline
from market.instruments import Instrument
from market.intervals import INTERVAL_MS, open_of
from tests.app.fakes import LIVE_FEED, NOW, FakeHistory, FakeReader, FakeTime, settings

STEP = INTERVAL_MS["1m"]
OPEN = open_of(NOW, "1m")
SERIES = ("bybit", "BTCUSDT", "1m")


def at_once(job: Callable[[], None]) -> None:
    job()


def kline(open_time: int) -> Kline:
    return Kline(
        "BTCUSDT", "1m", open_time, 1, 2, 0.5, 1.5, 10, 15, True, open_time + STEP - 1, open_time + STEP
    )


class Desk:
    """A model over fakes."""

    def __init__(self) -> None:
        self.reader, self.history, self.time = FakeReader(), FakeHistory(), FakeTime()
        self.reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
        self.reader.put("bybit", "BTCUSDT", tick_size=0.1, last_price=65114.2)
        self.reader.tickers["bybit", "BTCUSDT"] = {"last_price": "65114.2", "recv_time": str(NOW)}
        self.reader.books["bybit", "BTCUSDT"] = {
            "state": "live", "bids": "[[65114.2,1]]", "asks": "[[65114.3,1]]", "recv_time": str(NOW),
        }  # fmt: skip
        self.history.known = [Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0, 0.1, 0.001)]
        self.history.candles[SERIES] = [kline(OPEN - n * STEP) for n in range(600, 0, -1)]
        read_model = ReadModel(settings(), self.reader, self.time.clock)
        self.model = SymbolModel(Sources(read_model, self.reader, self.history, self.time.clock, at_once))

    def ask(self, last: int | None = None, until: int | None = None, series: Any = SERIES) -> Any:
        """The content of the reply."""
        return json.loads(self.model.reply(Asked(*series, last, until)).text)

    def ask_on(self, held: Any) -> Any:
        """The content of the reply to who has this one."""
        last, until = held["candles"]["open_time"][-1], held["strips"]["until"]
        return json.loads(self.model.reply(Asked(*SERIES, last, until, held["marks_version"])).text)

    def asked(self, what: str) -> int:
        """How often Postgres was asked for this."""
        return self.history.asked.count(what)


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


def test_a_slow_query_holds_nobody_up(desk: Desk) -> None:
    """Replies go on while Postgres thinks; the history comes with a later one."""
    proceed, done = threading.Event(), threading.Event()

    def later(job: Callable[[], None]) -> None:
        def run() -> None:
            proceed.wait(10)
            job()
            done.set()

        threading.Thread(target=run, daemon=True).start()

    read_model = ReadModel(settings(), desk.reader, desk.time.clock)
    model = SymbolModel(Sources(read_model, desk.reader, desk.history, desk.time.clock, later))
    first = json.loads(model.reply(Asked(*SERIES)).text)
    assert (first["history"], first["book"]["state"]) == ("loading", "live")
    proceed.set()
    assert done.wait(10)
    desk.time.elapsed_s = 1.0
    assert json.loads(model.reply(Asked(*SERIES)).text)["history"] == "ok"


def test_the_number_of_series_kept_is_bounded(desk: Desk) -> None:
    """Those that nobody looked at the longest go."""
    for n in range(MOST_SERIES + 3):
        desk.model.reply(Asked("bybit", f"S{n}USDT", "1m"))
    before = desk.asked("instruments")
    desk.model.reply(Asked("bybit", f"S{MOST_SERIES}USDT", "1m"))
    assert desk.asked("instruments") == before
    desk.model.reply(Asked("bybit", "S0USDT", "1m"))
    assert desk.asked("instruments") == before + 1


def test_a_series_nobody_asks_for_is_let_go(desk: Desk) -> None:
    """One that is asked for again and again stays."""
    other = ("bybit", "BTCUSDT", "5m")
    desk.ask()
    desk.ask(series=other)
    desk.time.elapsed_s = KEEP_S * 0.9
    desk.ask(series=other)
    desk.time.elapsed_s = KEEP_S * 1.1
    number = desk.model.reply(Asked(*other)).name.split(":")[3]
    assert int(number) == 2
    assert desk.model.reply(Asked(*SERIES)).name.split(":")[3] == "0"


def test_digits_that_become_known_are_those_of_the_candles(desk: Desk) -> None:
    """The instrument was not stored yet when the page was first asked for."""
    desk.history.known, known = [], desk.history.known
    candles = desk.history.candles[SERIES]
    candles[-1] = msgspec.structs.replace(candles[-1], close=1.23456)
    assert desk.ask()["candles"]["close"][-1] == 1.23456
    desk.history.known, desk.time.elapsed_s = known, ALL_EVERY_S
    assert desk.ask()["candles"]["close"][-1] == 1.2


def test_jobs_beyond_the_limit_are_left_out() -> None:
    """They come again with the next round; a place is free again when its job ends, even badly."""
    start, proceed, ran = in_background(1), threading.Event(), threading.Semaphore(0)

    def job() -> None:
        proceed.wait(10)
        ran.release()

    start(job)
    start(lambda: ran.release(100))
    proceed.set()
    assert ran.acquire(timeout=10)
    assert not ran.acquire(blocking=False)


def test_the_collector_is_told_what_is_looked_at(desk: Desk) -> None:
    """Once in 20 s a symbol, whatever the interval and however many look."""
    for interval in ("1m", "5m", "1m"):
        desk.ask(series=("bybit", "BTCUSDT", interval))
    desk.ask(series=("bybit", "ETHUSDT", "1m"))
    assert desk.reader.looks == [("bybit", "BTCUSDT", NOW), ("bybit", "ETHUSDT", NOW)]
    desk.time.elapsed_s += LOOK_EVERY_S
    desk.ask()
    assert desk.reader.looks[2:] == [("bybit", "BTCUSDT", NOW + 20_000)]


def test_without_redis_nobody_is_told_and_the_page_goes_on(desk: Desk) -> None:
    """Nor is anybody asked to: the look is told when Redis is back."""
    desk.reader.broken = True
    assert desk.ask()["is_old"]
    desk.reader.broken = False
    desk.time.elapsed_s += 1
    desk.ask()
    assert len(desk.reader.looks) == 1


def said(open_time: int, rsi: float) -> IndicatorRow:
    return IndicatorRow(
        *SERIES, open_time, rsi, None, None, None, None, None, None, None, None, None, None, None, 400, "",
        open_time + STEP,
    )  # fmt: skip


def test_indicators_that_come_after_their_candle_are_read_soon(desk: Desk) -> None:
    """They are written a moment later than it: the next look is not a minute later."""
    desk.time.elapsed_s = (OPEN + STEP - NOW) / 1000 + 1
    desk.history.candles[SERIES].append(kline(OPEN))
    desk.history.said = [said(OPEN - STEP, 40.0)]
    first = desk.ask()
    assert first["candles"]["rsi"][-2:] == [40.0, None]
    desk.history.said.append(said(OPEN, 41.0))
    desk.time.elapsed_s += CLOSE_EVERY_S
    assert desk.ask_on(first)["candles"]["rsi"][-1] == 41.0


def test_the_forming_candle_has_provisional_indicators(desk: Desk) -> None:
    """From Redis, with the candle they are of."""
    desk.reader.provisional[SERIES] = {"open_time": str(OPEN), "rsi": "55.5", "is_provisional": "1"}
    found = desk.ask()["indicator"]
    assert (found["open_time"], found["rsi"], found["is_provisional"]) == (OPEN, 55.5, True)


def test_marks_are_sent_to_who_has_others(desk: Desk) -> None:
    """Signals of the interval and of the book, gaps of the instrument; nothing while they stay the same."""
    row = SignalRow(*SERIES, "rsi_reversal", OPEN - STEP, OPEN, "buy", 0.5, 10.0, None, {})
    desk.history.fired = [
        StoredSignal(1, row, {}),
        StoredSignal(2, row._replace(interval="book", rule="book_pressure"), {}),
        StoredSignal(3, row._replace(interval="5m"), {}),
    ]
    first = desk.ask()
    assert first["marks"]["signals"]["id"] == [1, 2]
    assert desk.ask_on(first)["marks"] is None
    desk.history.holes = [
        GapRow("bybit", "BTCUSDT", "kline", OPEN - STEP, OPEN, "disconnect", "no", 0, ""),
        GapRow("bybit", "ETHUSDT", "kline", OPEN - STEP, OPEN, "disconnect", "no", 0, ""),
    ]
    desk.time.elapsed_s = MARKS_EVERY_S
    found = desk.ask_on(first)
    assert found["marks"]["gaps"]["cause"] == ["disconnect"]
    assert found["marks_version"] != first["marks_version"]


def test_who_has_the_earlier_trades_gets_the_newest(desk: Desk) -> None:
    """The first reply has all that Redis keeps."""
    desk.reader.tapes["bybit", "BTCUSDT"] = [
        {"price": "1", "size": "1", "trade_id": str(n)} for n in range(120)
    ]
    first = desk.ask()
    assert len(first["trades"]["price"]) == 120
    assert desk.ask_on(first)["trades"]["trade_id"] == first["trades"]["trade_id"][:TRADE_TAIL]


def test_the_tick_is_told(desk: Desk) -> None:
    """The ladder is grouped by it; until the instrument is known it is the overview row's."""
    desk.history.known = []
    assert desk.ask()["tick_size"] == 0.1
