"""A venue's thread, round by round: what is copied under the lock, and what becomes of it."""

import json
import time

import msgspec
import pytest

from collector import render
from collector.signals.venue import ROUNDS_A_SECOND
from db.hot.keys import INDICATOR_FIELDS
from market.instruments import unknown_instrument
from tests.collector.signals.rig import HISTORY, MINUTE, Rig
from tests.market.walks import DAY, kline, walk


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.signals.follow(["ETHUSDT"])
    return made


def test_a_close_becomes_a_row_and_is_shown(rig: Rig) -> None:
    """Every field of the hash, and a part of the overview row."""
    assert not rig.signals.is_shown.is_set()
    rig.turn()
    assert rig.signals.is_shown.is_set()
    rig.candle(kline(400, 201.0))
    rig.turn()
    assert [row.open_time for row in rig.told.indicators] == [HISTORY[-1].open_time, DAY + 400 * MINUTE]
    state = rig.bench.pipeline.states["ETHUSDT"]
    fields = state.indicators["1m"]
    assert set(fields) == set(INDICATOR_FIELDS)
    assert (fields["is_provisional"], fields["bars"], fields["reason"]) == (0, 400, "")
    assert state.indicators_changed == {"1m"}
    part = json.loads(state.overview_part)["1m"]
    assert part["rsi"] == pytest.approx(float(fields["rsi"]), abs=1e-8)
    assert part["signal"] == fields["signal"]
    assert float(fields["vwap"]) == pytest.approx(rig.told.indicators[-1].vwap)


def test_depth_and_the_day_are_shown_where_no_candle_forms(rig: Rig) -> None:
    """Once a second of a live book; the day is that of the database, and of what closed since."""
    now = time.time_ns() // 1_000_000
    day = kline((now - DAY) // 86_400_000 * 1_440, 200.0, volume=2.0, bought=1.5)
    rig.memory.day = [day]
    rig.turn()
    rig.book(1, now, is_first=True)
    rig.turn(ROUNDS_A_SECOND)
    row = json.loads(render.overview_row(rig.bench.pipeline.states["ETHUSDT"]))
    assert (row["vwap_day"], row["cvd_day"]) == (200.0, 1.0)
    assert row["bid_depth_50bps"] == 9.0 * 200 and row["is_depth_10bps_whole"] is not None
    assert row["indicators"]["1m"]["buy_volume"] is None
    rig.bench.pipeline.lose_book("ETHUSDT", "", "")
    rig.turn(ROUNDS_A_SECOND)
    row = json.loads(render.overview_row(rig.bench.pipeline.states["ETHUSDT"]))
    assert row["bid_depth_50bps"] is None


def test_forming_candles_are_shown_once_a_second(rig: Rig) -> None:
    """Labelled so."""
    rig.turn()
    rig.candle(kline(400, 201.0, is_closed=False))
    rig.turn(ROUNDS_A_SECOND)
    fields = rig.bench.pipeline.states["ETHUSDT"].indicators["1m"]
    assert (fields["is_provisional"], fields["open_time"]) == (1, DAY + 400 * MINUTE)
    assert len(rig.told.indicators) == 1


def test_candles_that_close_before_their_instrument_is_taken_up_wait(rig: Rig) -> None:
    """A new instrument's history may take a while to be read."""
    rig.bench.pipeline.follow([unknown_instrument("bybit", "BTCUSDT")])
    rig.candle(msgspec.structs.replace(kline(400, 5.0), symbol="BTCUSDT"))
    rig.turn(3)
    assert {row.symbol for row in rig.told.indicators} == {"ETHUSDT"}
    rig.signals.follow(["BTCUSDT"])
    rig.turn()
    assert [r.bars for r in rig.told.indicators if r.symbol == "BTCUSDT"] == [400, 400]


@pytest.mark.parametrize("is_history", [False, True])
def test_history_that_comes_before_the_first_event_makes_no_signal(rig: Rig, *, is_history: bool) -> None:
    """No event has told what time it is: the candle may have closed hours ago, and here it did."""
    rig.turn()
    last = HISTORY[-1].close
    surge = kline(400, last * 1.2, open_=last, volume=1e6)
    if is_history:
        rig.bench.pipeline.on_history([surge])
    else:
        rig.candle(surge)
    rig.turn()
    assert len(rig.told.indicators) == 2
    assert bool(rig.told.signals) is not is_history


def test_a_database_that_is_away_delays_only_what_it_knows(rig: Rig) -> None:
    """Indicators begin empty, and are shown so and not stored; trading waits until the states are there."""
    rig.memory.broken = True
    rig.turn()
    assert rig.signals.is_shown.is_set()  # there is nothing to wait for
    rig.candle(kline(400, 201.0))
    rig.turn()
    assert rig.bench.pipeline.states["ETHUSDT"].indicators["1m"]["reason"] == "warming"
    assert rig.told.indicators == []
    rig.memory.broken = False
    asked = rig.memory.asked
    rig.turn()
    assert rig.memory.asked == asked  # not at every round
    rig.turn(11)
    assert rig.memory.asked == asked + 4
    rig.turn(11)
    assert rig.memory.asked == asked + 4
    rig.candle(kline(401, 202.0))
    rig.turn()
    assert {(row.bars, row.reason) for row in rig.told.indicators} == {(400, "")}
    assert {row.open_time for row in rig.told.indicators} == {DAY + n * MINUTE for n in (400, 401)}


def test_a_reader_that_fails_in_another_way_is_asked_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No instrument is lost by it."""

    def fail(*_args: object) -> None:
        raise ValueError("not even this")

    with monkeypatch.context() as patched:
        patched.setattr(rig.memory, "past", fail)
        with pytest.raises(ValueError, match="not even"):
            rig.turn()
    assert rig.signals.is_shown.is_set()  # nobody waits for it any more
    rig.turn()
    assert [row.bars for row in rig.told.indicators] == [400]


def test_rows_of_the_past_wait_for_room(rig: Rig) -> None:
    """Until then they are not even made."""
    rig.turn()
    rig.told.has_room = False
    for one in walk(2, 500)[400:]:
        rig.candle(one)
    rig.turn(3)
    assert len(rig.told.indicators) == 2
    rig.told.has_room = True
    rig.turn()
    assert len(rig.told.indicators) == 1 + 100


def test_what_an_earlier_run_owed_is_made_up_for_when_there_is_room(rig: Rig) -> None:
    """Not in a start's first rounds either."""
    rig.memory.owed = [one.open_time for one in HISTORY[200:300]]
    rig.turn(20)
    rig.told.has_room = False
    rig.turn(20)
    assert len(rig.told.indicators) == 1
    rig.told.has_room = True
    rig.turn(2)
    assert [row.open_time for row in rig.told.indicators[1:]] == rig.memory.owed


def test_books_are_looked_at_and_their_pressure_is_traded(rig: Rig) -> None:
    """A lost book ends pressure; the trade is entered at the next look."""
    rig.turn()
    start = DAY + 400 * MINUTE
    rig.book(1, start, is_first=True)
    for n in range(2, 40):
        rig.book(n, start + n * 200)
        rig.turn()
    (signal,) = rig.told.signals
    assert (signal.rule, signal.side, signal.price) == ("book_pressure", "buy", 200.5)
    (trade,) = rig.told.trades
    assert (trade.entry_ts, trade.entry_price) == (signal.ts + 200, 201.0)
    rig.bench.pipeline.lose_book("ETHUSDT", "", "test")
    rig.turn(2)
    assert len(rig.told.signals) == 1


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_signal_is_not_priced_at_a_book_that_is_lost(rig: Rig, *, is_lost: bool) -> None:
    """It is told at its candle's close then."""
    rig.turn()
    rig.book(1, DAY + 400 * MINUTE, is_first=True, received=time.time_ns() // 1_000_000)
    rig.turn()
    if is_lost:
        rig.bench.pipeline.lose_book("ETHUSDT", "", "test")
        rig.turn()
    last = HISTORY[-1].close
    rig.candle(kline(400, last * 1.2, open_=last, volume=1e6))
    rig.turn()
    wanted = (last * 1.2, None) if is_lost else (200.5, pytest.approx(1e4 / 200.5))
    assert (rig.told.signals[0].price, rig.told.signals[0].spread_bps) == wanted


def test_a_book_that_did_not_change_is_not_looked_at_again(rig: Rig) -> None:
    """Whatever else comes in; many changes between two looks are one look."""
    rig.turn()
    start = DAY + 400 * MINUTE
    rig.book(1, start, is_first=True)
    for n in range(2, 30):
        rig.book(n, start + n * 1000)
    rig.turn(20)
    assert rig.told.signals == []


def test_an_instrument_that_goes_is_forgotten_and_may_come_back(rig: Rig) -> None:
    """Its series begin again from the database."""
    rig.turn(2)
    rig.bench.pipeline.forget(["ETHUSDT"])
    rig.turn(2)
    assert rig.signals._instruments == {}
    rig.bench.pipeline.follow([unknown_instrument("bybit", "ETHUSDT")])
    rig.signals.follow(["ETHUSDT"])
    rig.turn()
    rig.candle(kline(400, 201.0))
    rig.turn()
    assert rig.told.indicators[-1].bars == 400


def test_instruments_that_the_pipeline_does_not_have_yet_are_kept(rig: Rig) -> None:
    """History is read while the venue's list is still asked for."""
    rig.bench.pipeline.forget(["ETHUSDT"])
    rig.turn(3)
    rig.bench.pipeline.follow([unknown_instrument("bybit", "ETHUSDT")])
    rig.candle(kline(400, 201.0))
    rig.turn()
    assert rig.told.indicators[-1].bars == 400


def test_a_thread_does_what_was_queued_before_it_ends(rig: Rig) -> None:
    """The candle that closed last is not lost."""
    rig.signals.follow(["ETHUSDT"])
    rig.signals.start()
    rig.candle(kline(400, 201.0))
    rig.signals.stop()
    rig.signals.join(time.monotonic() + 30)
    assert rig.told.indicators[-1].open_time == DAY + 400 * MINUTE
