"""A venue's thread, round by round: what is copied under the lock, and what becomes of it."""

import json
import time
from collections.abc import Mapping, Sequence

import msgspec
import pytest

from collector import render
from collector.signals.venue import ROUNDS_A_SECOND, VenueSignals
from collector.venues import Decoded
from db.errors import StoreUnavailable
from db.hot.keys import INDICATOR_FIELDS
from db.rows import SignalRow
from market.events import BookDelta, BookSnapshot, Kline
from market.indicators import Past
from market.indicators.day import Minutes
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench
from tests.collector.signals.told import ONE, Told
from tests.market.walks import DAY, kline, minutes_of, past_of, walk

MINUTE = 60_000
HISTORY = walk(1, 400)


class Memory(Told):
    """A database: stored candles, and what a run told. With `broken` it does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.day: list[Kline] = []
        self.owed: list[int] = []
        self.asked = 0

    def past(
        self, _venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> Mapping[tuple[str, str], Past]:
        self._check()
        return {(symbol, interval): past_of(HISTORY[-most:]) for symbol in symbols for interval in intervals}

    def newest_klines(self, _venue: str, _symbols: Sequence[str], per_series: int) -> list[Kline]:
        self._check()
        return HISTORY[-per_series:]

    def closes_without_indicators(
        self, _venue: str, symbols: Sequence[str], _intervals: Sequence[str], _most: int
    ) -> Mapping[tuple[str, str], Sequence[int]]:
        self._check()
        found = {(symbol, "1m"): self.owed for symbol in symbols}
        return found if self.owed else {}

    def minutes(self, _venue: str, symbols: Sequence[str], since: int) -> Mapping[str, Minutes]:
        self._check()
        return {symbol: minutes_of([k for k in self.day if k.open_time >= since]) for symbol in symbols}

    def paper_states(self, venue: str) -> list[tuple[str, int, dict[str, object]]]:
        self._check()
        return super().paper_states(venue)

    def recent_signals(self, venue: str, since: int) -> list[tuple[SignalRow, set[int]]]:
        self._check()
        return super().recent_signals(venue, since)

    def _check(self) -> None:
        self.asked += 1
        if self.broken:
            raise StoreUnavailable("Postgres: gone")


class Rig:
    """A pipeline whose closed candles go to a venue's signals, turned by hand."""

    def __init__(self) -> None:
        self.bench = Bench("bybit", "ETHUSDT")
        self.told, self.memory = Told(), Memory()
        self.signals = VenueSignals(self.bench.pipeline, ONE, self.told, self.memory)
        self.bench.on_closed = self.signals.on_closed  # type: ignore[method-assign]  # as the assembly has it
        self.now = 100.0

    def turn(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.now += 0.2
            self.signals.turn(self.now)

    def candle(self, one: Kline) -> None:
        at = one.open_time + (MINUTE if one.is_closed else 1)
        told = msgspec.structs.replace(one, event_time=at, recv_time=at)
        self.bench.pipeline._take(Decoded("", [told]), at)

    def book(self, update_id: int, time: int, bid: float = 200.0, *, is_first: bool = False) -> None:
        made = BookSnapshot if is_first else BookDelta
        levels = ([(bid - n, 9.0) for n in range(10)], [(bid + 1 + n, 1.0) for n in range(10)])
        event = made("ETHUSDT", *levels, update_id, time, time)
        self.bench.pipeline._take(Decoded("", [event]), time)


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
    """Indicators begin empty, signals of the book fire; trading waits until the states are there."""
    rig.memory.broken = True
    rig.turn()
    assert rig.signals.is_shown.is_set()  # there is nothing to wait for
    rig.candle(kline(400, 201.0))
    rig.turn()
    assert [(row.bars, row.reason) for row in rig.told.indicators] == [(1, "warming")]
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
    assert (rig.told.indicators[-1].bars, rig.told.indicators[-1].reason) == (400, "")


def test_a_reader_that_fails_in_another_way_is_asked_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """No instrument is lost by it."""

    def fail(*_args: object) -> None:
        raise ValueError("not even this")

    with monkeypatch.context() as patched:
        patched.setattr(rig.memory, "past", fail)
        with pytest.raises(ValueError, match="not even"):
            rig.turn()
    rig.turn()
    assert rig.signals.is_shown.is_set()
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
