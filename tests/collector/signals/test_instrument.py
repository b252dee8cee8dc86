"""One instrument: rows at each close, signals that are entered and priced, restarts that change nothing."""

from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.signals.instrument import InstrumentSignals
from collector.signals.memory import Left, left_of
from db.rows import PaperTradeRow
from market.indicators import closes
from market.intervals import HORIZONS_S, open_of
from market.paper import PaperTrade
from market.quotes import quote_around
from market.replay import Costs, Replay
from market.signals import rate
from tests.collector.signals.told import ONE, SPREAD_BPS, TERMS, Told, live, look
from tests.market.walks import DAY, kline, minutes_of, past_of, walk
from tests.sizes import sized

MINUTE = 60_000


def fresh(told: Told, terms: object = ONE) -> InstrumentSignals:
    """Without a past."""
    made = InstrumentSignals("bybit", "ETHUSDT", terms, told)  # type: ignore[arg-type]  # Terms
    made.resume([], [])
    return made


def test_each_close_is_stored_with_its_score() -> None:
    """The values of the batch form, word and score beside them."""
    told, klines = Told(), walk(1, 200)
    made = fresh(told)
    for one in klines:
        live(made, one)
    assert [row.open_time for row in told.indicators] == [k.open_time for k in klines]
    for row, close in zip(told.indicators, closes(klines), strict=True):
        rating = rate(close)
        assert row[:3] == ("bybit", "ETHUSDT", "1m")
        assert (row.bars, row.reason) == (close.indicators.bars, close.indicators.reason)
        assert row.rsi == pytest.approx(close.indicators.rsi)
        assert row.signal == (rating.signal if rating else None)
        assert row.score == (pytest.approx(rating.score) if rating else None)
        assert row.computed_at == row.open_time + 60_050


def test_a_forming_candle_is_shown_and_never_stored_or_judged() -> None:
    """Though it crosses every line there is, again and again."""
    told, klines = Told(), walk(2, 400)
    made = fresh(told)
    InstrumentSignals.fill([(made, "1m", past_of(klines))], 0)
    stored, last = len(told.indicators), klines[-1]
    for n in range(500):
        price = last.close * (0.8 if n % 2 else 1.25)
        made.form({"1m": kline(400, price, open_=last.close, volume=1e6, is_closed=False)})
        assert made.said["1m"].indicators.is_provisional
        look(made, price, DAY + 400 * MINUTE + n)
    assert (len(told.indicators), told.signals, told.steps) == (stored, [], [])
    assert made.changed == {"1m"}


def test_what_a_close_said_is_shown_until_the_next_candle_moves() -> None:
    """Score and word stay those of the close; a forming candle that did not change is not news."""
    told, klines = Told(), walk(3, 400)
    made = fresh(told)
    InstrumentSignals.fill([(made, "1m", past_of(klines[:-1]))], 0)
    live(made, klines[-1])
    said = made.said["1m"]
    assert (said.indicators.is_provisional, said.indicators.open_time) == (False, klines[-1].open_time)
    rating = said.rating
    made.changed.clear()
    forming = kline(400, klines[-1].close, is_closed=False)
    made.form({"1m": forming, "5m": forming})
    assert made.changed == {"1m"}
    assert made.said["1m"].rating is rating
    made.changed.clear()
    made.form({"1m": msgspec.structs.replace(forming)})
    assert made.changed == set()


def test_a_revision_is_stored_with_what_depends_on_it_and_moves_no_signal() -> None:
    """Everything after it is told anew; what fired stays as it was."""
    told, klines = Told(), walk(4, 600)
    made = fresh(told)
    for one in klines:
        live(made, one)
    signals, stored = list(told.signals), len(told.indicators)
    assert signals
    revised = msgspec.structs.replace(klines[550], close=klines[550].close * 1.05, source="rest")
    at = klines[-1].open_time + 2 * MINUTE
    made.close([revised], at, quote_around(100.0, 1.0, at), at)
    again = told.indicators[stored:]
    assert [row.open_time for row in again] == [k.open_time for k in klines[550:]]
    right = closes([*klines[:550], revised, *klines[551:]])[550:]
    assert [row.rsi for row in again] == pytest.approx([c.indicators.rsi for c in right], abs=1e-6)
    assert told.signals == signals


def test_rows_of_the_past_can_wait() -> None:
    """Much history at once is shown at once, and stored when there is room."""
    told, klines = Told(), walk(8, 300)
    made = fresh(told)
    at = klines[-1].open_time + MINUTE
    made.close(klines, at, None, at)
    assert [row.open_time for row in told.indicators] == [klines[-1].open_time]
    assert made.said["1m"].indicators.bars == 300
    assert (made.store_past(at), made.store_past(at)) == (True, False)
    assert [row.open_time for row in told.indicators[1:]] == [k.open_time for k in klines[:-1]]


def test_the_past_is_stored_once_however_many_pieces_it_comes_in() -> None:
    """Newer ones first, and what was said meanwhile is said as it is at the end."""
    told, klines = Told(), walk(8, 300)
    made = fresh(told)
    at = klines[-1].open_time + MINUTE
    for piece in (klines[200:299], klines[299:], klines[:200]):
        made.close(piece, at, None, at)
    shown = len(told.indicators)
    assert (made.store_past(at), made.store_past(at)) == (True, False)
    rows = told.indicators[shown:]
    assert [row.open_time for row in rows] == [k.open_time for k in klines[:-1]]
    assert [row.rsi for row in rows] == [close.indicators.rsi for close in closes(klines[:-1])]


def vwaps(told: Told) -> dict[int, float | None]:
    """What is stored last, by minute after DAY."""
    return {(row.open_time - DAY) // MINUTE: row.vwap for row in told.indicators}


def test_the_day_goes_on_after_a_restart() -> None:
    """The row that a start says again, the forming candle and the next closes have the VWAP of the day."""
    klines, told = walk(9, 902), Told()
    whole = [close.indicators.vwap for close in closes(klines)]
    made = InstrumentSignals("bybit", "ETHUSDT", TERMS, told)
    InstrumentSignals.fill([(made, "1m", past_of(klines[500:900]))], 1)
    assert vwaps(told) == {899: None}
    made.begin_day(minutes_of(klines[:900]), 2)
    assert vwaps(told) == {899: pytest.approx(whole[899])}
    assert [row.computed_at for row in told.indicators] == [1, 2]
    made.form({"1m": msgspec.structs.replace(klines[900], is_closed=False)})
    assert made.said["1m"].indicators.vwap == pytest.approx(whole[900])
    made.close(klines[900:], DAY, None, DAY)
    assert vwaps(told)[901] == pytest.approx(whole[901])
    assert not made.store_past(DAY)


def test_minutes_from_before_the_memory_mend_the_day() -> None:
    """What came since is stored again, when there is room; a day that stays unknown stays without."""
    klines, told = walk(10, 1_000), Told()
    made = fresh(told)
    for one in klines[1:]:
        made.close([one], DAY, None, DAY)
    assert set(vwaps(told).values()) == {None}
    made.begin_day(None, DAY)
    assert len(told.indicators) == 999
    made.close([klines[0]], DAY, None, DAY + 1)
    made.close([kline(1_000, 5.0)], DAY, None, DAY + 2)
    whole = [close.indicators.vwap for close in closes([*klines, kline(1_000, 5.0)])]
    assert vwaps(told)[1_000] == pytest.approx(whole[1_000])
    while made.store_past(DAY + 3):
        pass
    assert vwaps(told)[999] == pytest.approx(whole[999])
    assert vwaps(told)[800] == pytest.approx(whole[800])


def bars(trade: PaperTrade | PaperTradeRow) -> tuple[str, str, int, int | None, str | None]:
    """Who traded, which way, and in which candles it began and ended."""
    if isinstance(trade, PaperTrade):
        entry, left = trade.entry_time, trade.exit_time
    else:
        entry, left = trade.entry_ts, trade.exit_ts
    end = None if left is None else open_of(left, "1m")
    return trade.rule, trade.side, open_of(entry, "1m"), end, trade.exit_reason


@settings(max_examples=sized(5), deadline=None)
@given(st.integers(0, 10**6))
def test_the_collector_does_what_a_backtest_does(seed: int) -> None:
    """On the same candles the same signals, and trades in the same candles."""
    klines, told = walk(seed, 600), Told()
    made = fresh(told)
    replay = Replay("ETHUSDT", "1m", ONE.settings, Costs(SPREAD_BPS, ONE.taker_bps))
    played = [replay.take(one) for one in klines]
    for one in klines:
        live(made, one)
    expected = [(s.rule, s.side, s.open_time, s.inputs) for p in played for s in p.signals]
    assert [(s.rule, s.side, s.open_time, s.inputs) for s in told.signals] == expected
    last = {(t.rule, t.entry_time): t for p in played for t in p.trades}
    assert sorted(map(bars, told.trades), key=str) == sorted(map(bars, last.values()), key=str)


@settings(max_examples=sized(5), deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(1, 299), min_size=1, max_size=4))
def test_a_killed_collector_goes_on_where_it_was(seed: int, kills: list[int]) -> None:
    """With 400 stored candles: indicators to 1e-6, the same signals, outcomes and trades."""
    klines, whole, broken = walk(seed, 700, rests=False), Told(), Told()
    one, other = fresh(whole), fresh(broken)
    for made in (one, other):
        InstrumentSignals.fill([(made, "1m", past_of(klines[:400]))], 0)
    for index, each in enumerate(klines[400:], 400):
        if index - 400 in kills:
            other = InstrumentSignals("bybit", "ETHUSDT", ONE, broken)
            InstrumentSignals.fill([(other, "1m", past_of(klines[index - 400 : index]))], each.open_time)
            left = left_of(cast(Any, broken), "bybit", each.open_time)
            other.resume(*left.get("ETHUSDT", Left([], [])))
        for made in (one, other):
            live(made, each)
    stored = [{row.open_time: row for row in told.indicators} for told in (whole, broken)]
    assert stored[0].keys() == stored[1].keys()
    for open_time, row in stored[0].items():
        assert stored[1][open_time][4:15] == pytest.approx(row[4:15], rel=1e-6)
    assert [s[:7] for s in broken.signals] == [s[:7] for s in whole.signals]
    assert sorted(o[:6] for o in broken.outcomes) == sorted(o[:6] for o in whole.outcomes)
    assert [bars(t) for t in broken.trades] == [bars(t) for t in whole.trades]
    nets = [[t.net_bps for t in told.trades if t.net_bps is not None] for told in (whole, broken)]
    assert nets[1] == pytest.approx(nets[0], abs=1e-3)


def test_a_signal_is_priced_after_each_horizon() -> None:
    """Out at the other side of the book, two fees paid; a horizon without a book stays open."""
    told, klines = Told(), walk(6, 560)
    made = fresh(told)
    InstrumentSignals.fill([(made, "1m", past_of(klines[:400]))], 0)
    for one in klines[400:]:
        live(made, one)
    first = told.signals[0]
    priced = {o.horizon_s: o for o in told.outcomes if o[:5] == first[:5]}
    assert set(priced) == set(HORIZONS_S)
    for outcome in priced.values():
        assert outcome.net_bps == pytest.approx(outcome.return_bps - 10.0)
    assert {o.horizon_s for o in told.outcomes if o[:5] == told.signals[-1][:5]} < set(HORIZONS_S)


def test_pressure_of_the_book_makes_one_signal_that_is_traded() -> None:
    """With the stop of one-minute candles, and left when its time is up."""
    told, klines = Told(), walk(7, 400, rests=False)
    made = fresh(told, TERMS)
    InstrumentSignals.fill([(made, "1m", past_of(klines))], 0)
    price, at = klines[-1].close, klines[-1].open_time + MINUTE
    for n in range(0, 30_000, 200):
        look(made, price, at + n, imbalance_10=0.9)
    (signal,) = told.signals
    assert (signal.interval, signal.side, signal.open_time) == ("book", "buy", signal.ts)
    (trade,) = told.trades
    assert (trade.interval, trade.side, trade.exit_ts) == ("book", "long", None)
    assert trade.entry_ts == signal.ts + 200
    atr = closes(klines)[-1].indicators.atr
    stop = msgspec.json.decode(told.steps[-1].state)["position"]["stop_price"]
    assert atr is not None
    assert trade.entry_price - stop == pytest.approx(TERMS.settings.stop_atr * atr)
    look(made, price, at + 1_000_000)
    assert told.trades[0].exit_reason == "time"
    made.lose_book()


def test_nothing_is_traded_before_it_is_known_what_is_held() -> None:
    """Signals are stored all the same, and priced."""
    told, klines = Told(), walk(4, 600)
    made = InstrumentSignals("bybit", "ETHUSDT", ONE, told)
    for one in klines:
        live(made, one)
    assert told.signals
    assert told.outcomes
    assert told.steps == []
