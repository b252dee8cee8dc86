"""What an earlier run stored is taken up, and nothing that was right is replaced by less."""

from typing import Any, cast

import msgspec
import pytest

from collector.history import WANTED
from collector.signals.instrument import InstrumentSignals
from collector.signals.memory import Left, left_of
from collector.signals.owed import AFTER_S
from market.events import Kline
from market.indicators import closes
from market.quotes import quote_around
from tests.collector.signals.rig import Rig
from tests.collector.signals.told import ONE, Told, live, look
from tests.market.walks import past_of, walk

MINUTE = 60_000
LONG = walk(1, 1_400, rests=False)


def after(told: Told, klines: list[Kline], now: int) -> InstrumentSignals:
    """The next run, that begins at `now` with these candles and what was told before."""
    made = InstrumentSignals("bybit", "ETHUSDT", ONE, told)
    InstrumentSignals.fill([(made, "1m", past_of(klines))], now)
    made.resume(*left_of(cast(Any, told), "bybit", now).get("ETHUSDT", Left([], [])))
    return made


def revised(one: Kline) -> Kline:
    return msgspec.structs.replace(one, close=one.close * 1.0001, source="rest")


def assert_right(told: Told, klines: list[Kline]) -> None:
    """The last row of each close says what the whole history says."""
    right = {close.indicators.open_time: close.indicators for close in closes(klines)}
    for row in {row.open_time: row for row in told.indicators}.values():
        assert row.reason == right[row.open_time].reason
        assert row.rsi == pytest.approx(right[row.open_time].rsi, abs=1e-6)
        assert row.atr == pytest.approx(right[row.open_time].atr, rel=1e-6)


@pytest.mark.parametrize("index", [5, 100, 300])
def test_a_revision_after_a_restart_replaces_no_row_by_less(index: int) -> None:
    """Rows that the candles read at a start cannot tell are left to the stored ones."""
    told, at = Told(), LONG[-1].open_time + MINUTE
    made = after(told, LONG[-WANTED:], at)
    assert not made.is_behind()
    one = revised(LONG[1_000 + index])
    made.close([one], at, None, at)
    while made.store_past(at):
        pass
    assert len({row.open_time for row in told.indicators}) == min(150, 400 - index)
    assert_right(told, [*LONG[: 1_000 + index], one, *LONG[1_001 + index :]])
    assert [made.is_behind(), made.is_behind()] == [index < 250, False]


def test_a_series_that_begins_there_is_told_as_a_beginning() -> None:
    """The database held fewer than were asked for."""
    told, at = Told(), LONG[-1].open_time + MINUTE
    made = after(told, LONG[-300:], at)
    one = revised(LONG[-295])
    made.close([one], at, None, at)
    while made.store_past(at):
        pass
    assert len({row.open_time for row in told.indicators}) == 295
    assert sum(row.reason == "warming" for row in told.indicators) == 144


def away() -> Rig:
    """Postgres does not answer at the start; its history is long."""
    rig = Rig()
    rig.memory.history = LONG[:-3]
    rig.memory.broken = True
    rig.signals.follow(["ETHUSDT"])
    rig.turn()
    return rig


def test_a_start_without_the_database_replaces_no_row_by_less() -> None:
    """What closed meanwhile is kept when the history is there, and told by it."""
    rig = away()
    for one in LONG[-3:-1]:
        rig.candle(one)
    rig.turn()
    assert rig.told.indicators == []
    rig.memory.broken = False
    rig.turn(15)
    rig.candle(LONG[-1])
    rig.turn()
    assert {row.open_time for row in rig.told.indicators} == {one.open_time for one in LONG[-3:]}
    assert_right(rig.told, LONG)


def test_history_that_rest_tells_first_is_not_taken_for_all() -> None:
    """Its first rows would be warming; of what is missing the database is asked when it answers."""
    rig = away()
    rig.bench.pipeline.on_history(LONG[-WANTED:])
    rig.turn()
    rig.memory.owed = [LONG[-WANTED].open_time]
    rig.memory.broken = False
    rig.turn(15)
    assert_right(rig.told, LONG)
    assert {row.open_time for row in rig.told.indicators} == {one.open_time for one in LONG[-150:]}
    rig.turn(int(AFTER_S / 0.2) + 5)
    assert_right(rig.told, LONG)
    assert rig.told.indicators[-1].open_time == rig.memory.owed[0]


def test_who_caught_up_asks_what_it_owes() -> None:
    """Rows of what came from elsewhere meanwhile may be missing."""
    made = InstrumentSignals("bybit", "ETHUSDT", ONE, Told())
    made.is_caught_up = False
    made.catch_up(LONG[-100:], LONG[-1].open_time + MINUTE)
    assert made.is_behind()


def test_a_series_that_is_behind_asks_what_it_owes() -> None:
    """A candle was revised of which it remembers too little, or nothing."""
    rig = Rig()
    rig.memory.history = LONG
    rig.signals.follow(["ETHUSDT"])
    rig.turn(40)
    rig.bench.pipeline.on_history([revised(LONG[3])])
    rig.memory.owed = [LONG[500].open_time]
    rig.turn(40)
    assert [row.open_time for row in rig.told.indicators] == [LONG[-1].open_time, LONG[500].open_time]


def test_the_book_cools_down_across_a_restart() -> None:
    """Pressure that goes on fires once, and again when a minute has passed."""
    told, klines = Told(), walk(7, 400, rests=False)
    made = after(told, klines, 0)
    price, at = klines[-1].close, klines[-1].open_time + MINUTE
    for n in range(0, 6_000, 200):
        look(made, price, at + n, imbalance_10=0.9)
    assert len(told.signals) == 1
    made = after(told, klines, at + 6_000)
    for n in range(6_000, 60_000, 200):
        look(made, price, at + n, imbalance_10=0.9)
    assert len(told.signals) == 1
    for n in range(60_000, 70_000, 200):
        look(made, price, at + n, imbalance_10=0.9)
    assert len(told.signals) == 2


def test_a_close_that_fired_is_not_judged_again_after_a_restart() -> None:
    """Though its candle comes again, revised, in time."""
    told, klines = Told(), walk(4, 600)
    made, fired = after(told, klines[:400], 0), 399
    while not told.signals:
        fired += 1
        live(made, klines[fired])
    before, last = list(told.signals), klines[fired]
    at = last.open_time + MINUTE + 5_000
    made = after(told, klines[fired - 400 : fired], at)
    made.close([last], at, quote_around(last.close, 1.0, at), at)
    assert told.signals == before


def test_a_position_whose_time_ran_out_meanwhile_is_left_after_a_restart() -> None:
    """At the first quote, not at the next close."""
    told, klines = Told(), walk(4, 700)
    made = after(told, klines[:400], 0)
    newest = 400
    while not any(trade.exit_ts is None for trade in told.trades):
        live(made, klines[newest])
        newest += 1
    (held,) = [trade for trade in told.trades if trade.exit_ts is None]
    newest += 60
    at = klines[newest].open_time + MINUTE
    made = after(told, klines[newest - 399 : newest + 1], at)
    look(made, held.entry_price, at + 200)
    (left,) = [trade for trade in told.trades if trade.entry_ts == held.entry_ts and trade.rule == held.rule]
    assert (left.exit_reason, left.exit_ts) == ("time", at + 200)
