"""What the Symbol page's model does beside replies: slow jobs, series let go, indicators and marks."""

import json
import threading
from collections.abc import Callable

import msgspec
import pytest

from app.lately import KEEP_S
from app.read_model import ReadModel
from app.symbol_history import (
    ALL_EVERY_S,
    CLOSE_EVERY_S,
    MARKS_EVERY_S,
)
from app.symbol_model import (
    LOOK_EVERY_S,
    MOST_SERIES,
    TRADE_TAIL,
    Asked,
    Sources,
    SymbolModel,
    in_background,
)
from db.history.track import StoredSignal
from db.rows import GapRow, IndicatorRow, SignalRow
from tests.app.fakes import NOW, settings
from tests.app.symbol_desk import OPEN, SERIES, STEP, Desk, kline


@pytest.fixture
def desk() -> Desk:
    return Desk()


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
    """One that is asked for again and again stays. What comes back has no name of an earlier reply."""
    other = ("bybit", "BTCUSDT", "5m")
    names = {desk.model.reply(Asked(*SERIES)).name}
    desk.ask(series=other)
    desk.time.elapsed_s = KEEP_S * 0.9
    desk.ask(series=other)
    desk.time.elapsed_s = KEEP_S * 1.1
    desk.ask(series=other)
    assert list(desk.model._series._held) == [other]
    assert desk.model.reply(Asked(*SERIES)).name not in names


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
