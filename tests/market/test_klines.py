"""Candles that close on time, and what follows from a later and better word."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.events import Kline, Trade
from market.intervals import MINUTE_MS
from market.klines import GRACE_MS, LOST_MS, Candles
from tests.market.candles import DAY, candle, trade


def at(minute: int) -> int:
    """The moment the grace of a minute is over."""
    return DAY + (minute + 1) * MINUTE_MS + GRACE_MS


def minutes(changed: Sequence[Kline]) -> list[tuple[int, str, bool]]:
    """Minute, source and completeness of the 1m candles among these."""
    found = [k for k in changed if k.interval == "1m"]
    return [((k.open_time - DAY) // MINUTE_MS, k.source, k.complete) for k in found]


def closed(candles: Candles, venue_time: int) -> list[Kline]:
    """What closes or changes by then from minute 0 on; the one before only brings a trade to begin with."""
    return [k for k in candles.expire(venue_time) if k.open_time >= DAY]


def binance(*trades: Trade) -> Candles:
    return feed(Candles(ids_rise_by_one=True, opens_at_last_close=False), *trades)


def bybit(*trades: Trade) -> Candles:
    return feed(Candles(), *trades)


def feed(candles: Candles, *trades: Trade) -> Candles:
    for each in trades:
        candles.trades.add(each)
    return candles


def test_a_close_that_never_comes_is_made_after_the_grace() -> None:
    """A later candle alone does not close the one before; the venue's word still wins afterwards."""
    candles = Candles()
    candles.upsert(candle(0, close=1.5, is_closed=False))
    candles.upsert(candle(1, close=1.6, is_closed=False))
    assert candles.expire(at(0) - 1) == []
    (made,) = candles.expire(at(0))
    assert (made.open_time, made.close, made.source, made.complete) == (DAY, 1.5, "trades", False)
    assert candles.expire(at(0)) == candles.expire(at(0) + 1) == []
    (final,) = candles.upsert(candle(0, close=1.7))
    assert (final.close, final.source, final.complete) == (1.7, "stream", True)
    assert candles.revisions == 1
    assert set(candles.forming()) == {"1m", "5m", "15m", "1h", "4h", "1d"}


def test_a_close_in_time_is_not_made_again() -> None:
    """Neither by the timer nor by trades that come after it."""
    candles = binance(trade(0, -1), trade(1, 30), trade(2, 61))
    candles.upsert(candle(0))
    assert closed(candles, at(0)) == []
    feed(candles, trade(3, 59))
    assert closed(candles, at(0) + 1000) == []


def test_trades_of_the_whole_minute_make_a_whole_candle() -> None:
    """Its numbers are those of the trades, and the rollups stand on it."""
    candles = binance(trade(0, -1, price=2.0), trade(1, 10, price=3.0), trade(2, 61, price=4.0))
    (made,) = closed(candles, at(0))
    assert (made.open, made.close, made.volume, made.trades, made.complete) == (3.0, 3.0, 1.0, 1, True)


def test_what_is_not_proven_yet_is_whole_once_a_later_trade_comes() -> None:
    """The candle is told twice: on time, and when it is known to be all."""
    candles = binance(trade(0, -1), trade(1, 10))
    assert minutes(closed(candles, at(0))) == [(0, "trades", False)]
    assert closed(candles, at(0) + 1000) == []
    feed(candles, trade(2, 70))
    assert minutes(closed(candles, at(0) + 6000)) == [(0, "trades", True)]
    assert candles.revisions == 0


@pytest.mark.parametrize("make", [binance, bybit])
def test_quiet_minutes_are_flat_and_whole_once_the_next_trade_comes(make: type) -> None:
    """On a clock that goes on while the instrument's own streams are silent."""
    is_named = make is bybit
    candles = make(trade(0, 1, is_named=is_named), trade(1, 59, price=7.0, is_named=is_named))
    candles.upsert(candle(0, close=7.0))
    flat = candles.expire(at(1)) + candles.expire(at(2))
    assert minutes(flat) == [(1, "trades", False), (2, "trades", False)]
    assert {(k.open, k.high, k.low, k.close, k.volume) for k in flat} == {(7.0, 7.0, 7.0, 7.0, 0.0)}
    feed(candles, trade(2, 190, price=8.0, is_named=is_named))
    assert minutes(candles.expire(at(2) + 30_000)) == [(1, "trades", True), (2, "trades", True)]


def test_the_next_minutes_follow_a_corrected_close() -> None:
    """They were flat at it."""
    candles = bybit(trade(0, 59, price=7.0, is_named=True))
    candles.upsert(candle(0, close=7.0, is_closed=False))
    candles.expire(at(2))
    changed = candles.upsert(candle(0, close=6.0))
    assert minutes(changed) == [(0, "stream", True), (1, "trades", False), (2, "trades", False)]
    assert [k.close for k in changed] == [6.0, 6.0, 6.0]


def test_what_was_not_followed_is_no_candle() -> None:
    """A hole stays a hole, also while the venue's clock goes on."""
    candles = bybit(trade(0, 1, is_named=True))
    candles.trades.interrupt()
    assert minutes(candles.expire(at(3))) == [(0, "trades", False)]
    feed(candles, trade(1, 250, is_named=True), trade(2, 301, is_named=True))
    assert minutes(candles.expire(at(4))) == [(4, "trades", False)]
    assert sorted(candles.series["1m"].closed) == [DAY, DAY + 4 * MINUTE_MS]


def test_a_minute_of_which_nothing_came_is_missed_once_it_cannot_come_any_more() -> None:
    """Not one that was made of trades, nor one that REST told meanwhile."""
    candles = bybit(trade(0, 1, is_named=True))
    candles.trades.interrupt()
    candles.expire(at(0))
    candles.missed.clear()
    candles.expire(at(1))
    assert candles.missed == []
    candles.expire(at(2))
    assert candles.missed == [DAY + MINUTE_MS]
    candles.upsert(candle(2, close=1.0))
    candles.expire(at(3) - GRACE_MS + LOST_MS)
    candles.expire(at(3) - GRACE_MS + LOST_MS + 1)
    assert candles.missed == [DAY + MINUTE_MS, DAY + 3 * MINUTE_MS]


def test_ids_that_join_fill_the_hole() -> None:
    """A reconnect that lost nothing: the minutes between were quiet."""
    candles = binance(trade(0, -1), trade(1, 1, price=3.0))
    candles.trades.interrupt()
    candles.expire(at(2))
    feed(candles, trade(2, 200))
    changed = candles.expire(at(2) + 20_000)
    assert minutes(changed) == [(0, "trades", True), (1, "trades", True), (2, "trades", True)]
    assert [k.close for k in changed] == [3.0, 3.0, 3.0]


def test_recovered_trades_repair_what_was_closed_without_them() -> None:
    """The minute with the hole, and the rollups it is in."""
    trades = [trade(n, 10 * n - 5, price=1 + n) for n in range(32)]
    candles = binance(*trades[:15], *trades[17:])
    changed = closed(candles, at(4))
    assert minutes(changed) == [(n, "trades", n != 2) for n in range(5)]
    assert [(k.complete, k.volume) for k in changed if k.interval == "5m"] == [(False, 28.0)]
    repaired = candles.recover(trades[14:18])
    assert [(k.interval, k.complete, k.volume) for k in repaired] == [("1m", True, 6.0), ("5m", True, 30.0)]
    assert closed(candles, at(4) + 1000) == []


def test_trades_recovered_before_the_grace_leave_no_mark() -> None:
    """The candle is whole when it closes."""
    trades = [trade(n, 10 * n - 5) for n in range(8)]
    candles = binance(*trades[:3], *trades[5:])
    assert candles.recover(trades[3:5]) == []
    assert minutes(closed(candles, at(0))) == [(0, "trades", True)]


def test_a_late_trade_revises_a_provisional_candle() -> None:
    """It is told again with other numbers, newer than before; a repeat of it changes nothing."""
    candles = bybit(*(trade(n, t, is_named=True) for n, t in enumerate((-1, 10, 61))))
    candles.upsert(candle(-1, close=1.0))
    (made,) = candles.expire(at(0))
    feed(candles, trade(3, 59, price=9.0, is_named=True))
    (revised,) = candles.expire(at(0) + 1000)
    assert (revised.close, revised.volume, revised.source) == (9.0, 2.0, "trades")
    assert revised.recv_time > made.recv_time
    feed(candles, trade(3, 59, price=9.0, is_named=True))
    assert candles.expire(at(0) + 2000) == []
    assert candles.revisions == 1


def test_a_last_word_after_the_grace_revises_a_provisional_candle() -> None:
    """It tells of trades that never came."""
    candles = bybit(trade(0, 10, is_named=True), trade(1, 70, is_named=True))
    candles.expire(at(0))
    changed = candles.upsert(candle(0, is_closed=False, volume=5.0))
    assert [(k.volume, k.source, k.complete) for k in changed] == [(5.0, "trades", False)]


def test_a_restart_does_not_replace_a_provisional_candle_by_a_poorer_one() -> None:
    """What the database remembers of the minute is more than the few trades since."""
    candles = bybit()
    candles.upsert(candle(0, source="trades", complete=False, volume=50.0))
    feed(candles, trade(0, 58, is_named=True), trade(1, 61, is_named=True))
    assert minutes(candles.expire(at(0))) == []
    assert candles.series["1m"].closed[DAY].volume == 50.0


def bare(minute: int, volume: float) -> Kline:
    """A candle as Bybit's stream and REST tell it."""
    return candle(minute, volume=volume, trades=None, taker_buy_volume=None)


def test_the_trades_tell_the_counts_the_venue_does_not() -> None:
    """At once where they add up to its volume, else when the last of them has come."""
    sides = ("buy", "sell", "buy")
    trades = [trade(n, 10 * n + 1, taker_side=side, is_named=True) for n, side in enumerate(sides)]
    candles = bybit(*trades)
    (told,) = candles.upsert(bare(0, 3.0))
    assert (told.trades, told.taker_buy_volume, told.source) == (3, 2.0, "stream")
    assert candles.upsert(bare(1, 1.0))[0].trades is None
    assert candles.expire(at(1)) == []
    feed(candles, trade(9, 119, taker_side="sell", is_named=True))
    (later,) = candles.expire(at(1) + 1000)
    assert (later.trades, later.taker_buy_volume, later.source) == (1, 0.0, "stream")
    assert candles.revisions == 0


def forming(minute: int, volume: float) -> Kline:
    """A forming candle as Bybit tells it."""
    return candle(minute, volume=volume, trades=None, taker_buy_volume=None, is_closed=False, after_ms=30_000)


def takers(candles: Candles, interval: str) -> tuple[float, float | None] | None:
    """Volume of the forming candle, and what takers bought of it; None without one."""
    found = candles.forming_of_trades().get(interval)
    return None if found is None else (found.volume, found.taker_buy_volume)


def test_trades_tell_what_takers_bought_in_the_forming_candle() -> None:
    """They may be ahead of the venue's candle, which stays as it was told; behind it they do not tell."""
    candles = bybit(trade(0, -1, is_named=True), trade(1, 5, is_named=True))
    candles.upsert(forming(0, 1.0))
    assert takers(candles, "1m") == (1.0, 1.0)
    feed(candles, trade(2, 31, size=2.0, taker_side="sell", is_named=True))
    assert takers(candles, "1m") == (3.0, 1.0)
    assert candles.forming()["1m"] == forming(0, 1.0)
    candles.upsert(forming(0, 4.0))
    assert takers(candles, "1m") == (4.0, None)
    candles.upsert(forming(1, 0.0))
    assert takers(candles, "1m") == (0.0, 0.0)


def test_trades_that_are_not_followed_from_the_open_on_tell_nothing() -> None:
    """The subscription began later, or was interrupted; what adds up to the candle's volume is all of it."""
    candles = bybit(trade(1, 5, is_named=True), trade(2, 20, is_named=True))
    candles.upsert(forming(0, 1.5))
    assert takers(candles, "1m") == (1.5, None)
    candles.upsert(forming(0, 2.0))
    assert takers(candles, "1m") == (2.0, 2.0)
    candles.trades.interrupt()
    feed(candles, trade(3, 61, is_named=True), trade(4, 70, is_named=True))
    candles.upsert(forming(1, 1.0))
    assert takers(candles, "1m") == (1.0, None)
    candles = bybit(trade(0, -1, is_named=True), trade(1, 5, is_named=True), trade(2, 6, is_named=True))
    candles.upsert(forming(0, 1.0))
    assert takers(candles, "1m") == (2.0, 2.0)
    candles.trades.interrupt()
    assert takers(candles, "1m") == (1.0, None)


def test_longer_forming_candles_add_up_what_takers_bought() -> None:
    """Of their closed parts and the forming minute; unknown where one part does not tell."""
    candles = bybit(trade(0, -1, is_named=True))
    for minute in range(7):
        feed(candles, trade(minute + 1, 60 * minute + 1, is_named=True))
        candles.upsert(bare(minute, 9.0 if minute == 2 else 1.0))
    feed(candles, trade(9, 421, is_named=True), trade(10, 422, taker_side="sell", is_named=True))
    candles.upsert(forming(7, 1.0))
    assert [takers(candles, i) for i in ("1m", "5m", "15m")] == [(2.0, 1.0), (4.0, 3.0), (17.0, None)]


def test_without_rollups_only_the_minute_is_told_by_trades() -> None:
    """The others are the venue's own."""
    candles = feed(Candles(rolls_up=False), trade(0, -1, is_named=True), trade(1, 1, is_named=True))
    five = msgspec.structs.replace(forming(0, 0.5), interval="5m")
    for each in (five, forming(0, 0.5)):
        candles.upsert(each)
    assert candles.forming_of_trades()["5m"] == five
    assert takers(candles, "1m") == (1.0, 1.0)


def test_a_venue_that_tells_its_takers_is_believed() -> None:
    """Whatever the trades say."""
    candles = binance(trade(0, -1), trade(1, 1), trade(2, 2))
    told = candle(0, is_closed=False, volume=1.0, trades=1, taker_buy_volume=0.25)
    candles.upsert(told)
    assert candles.forming_of_trades()["1m"] == told
    assert Candles().forming_of_trades() == {}


def test_rest_is_the_last_word() -> None:
    """It revises the stream's candle, and nothing that comes later revises it."""
    candles = binance(trade(0, -1), trade(1, 30), trade(2, 61))
    candles.expire(at(0))
    candles.upsert(candle(0, close=1.1))
    assert minutes(candles.upsert(candle(0, close=1.2, source="rest"))) == [(0, "rest", True)]
    feed(candles, trade(3, 59))
    assert candles.upsert(candle(0, close=1.1)) == candles.expire(at(0) + 1000) == []
    assert candles.revisions == 2


def test_a_clock_that_jumps_closes_no_more_than_is_remembered() -> None:
    """After days without a call; and one that goes back closes nothing."""
    candles = binance(trade(0, 30))
    candles.upsert(candle(0))
    assert len(candles.expire(at(30))) == 30 + 6 + 2
    assert candles.expire(at(5)) == []
    candles.upsert(candle(10_000))
    assert len(minutes(candles.expire(at(20_000)))) == 0
    candles.upsert(candle(20_000))
    assert len(minutes(candles.expire(at(20_001)))) == 1


@given(st.data())
def test_however_trades_come_the_minutes_end_the_same(data: st.DataObject) -> None:
    """Live with losses, repeats and delays, or by an answer before or after the provisional close: once all
    trades are known, every minute and every whole candle is that of one who missed none."""
    times = sorted(data.draw(st.lists(st.integers(-30, 420), min_size=3, max_size=40)))
    trades = [
        trade(n, t, price=data.draw(st.integers(1, 99)) / 8, size=data.draw(st.integers(1, 99)) / 8)
        for n, t in enumerate([-60, *times, 430])
    ]
    expected, end = binance(*trades), DAY + 435_000
    expected.expire(end)
    candles = binance()
    lost: list[Trade] = []
    for each in trades:
        candles.expire(min(end, each.event_time + data.draw(st.integers(0, 60_000))))
        how = data.draw(st.sampled_from(("live", "lost", "twice", "answer")))
        if how == "answer" and lost:
            candles.recover([*lost, each])
            lost = []
        elif how == "lost":
            lost.append(each)
        else:
            feed(candles, *[each] * (1 + (how == "twice")))
    candles.recover(lost)
    candles.expire(end)
    for name, series in expected.series.items():
        found = {t: content(k) for t, k in candles.series[name].closed.items() if k.complete or name == "1m"}
        assert found == {t: content(k) for t, k in series.closed.items() if k.complete or name == "1m"}


def content(kline: Kline) -> dict[str, object]:
    """A candle without the time it was received."""
    told = msgspec.structs.asdict(kline)
    del told["recv_time"], told["event_time"]
    return told


def truth(trades: Sequence[Trade], minute: int) -> tuple[float, ...]:
    """Prices, volume and number of trades of a minute, told by one who missed none."""
    start = DAY + minute * MINUTE_MS
    before = [t.price for t in trades if t.event_time < start]
    mine = [t for t in trades if start <= t.event_time < start + MINUTE_MS]
    prices = [before[-1], *(t.price for t in mine)]
    return prices[0], max(prices), min(prices), prices[-1], sum(t.size for t in mine), len(mine)


@given(st.data(), st.booleans())
def test_no_candle_is_called_whole_that_is_not(data: st.DataObject, is_named: bool) -> None:
    """Whatever is lost around interruptions (not two in one ms), and whatever parts are asked for again (with
    names: older ones first), with many trades in one ms: a whole candle is that of one who missed none."""
    times = sorted(data.draw(st.lists(st.integers(-6, 36), min_size=4, max_size=30)))
    trades = [
        trade(n, 10 * t, price=data.draw(st.integers(1, 99)) / 8, size=n + 1, is_named=is_named)
        for n, t in enumerate([-61, *times])
    ]
    candles = Candles(ids_rise_by_one=not is_named)
    is_lost, changed_at, asked_from = False, 0, 0
    for number, each in enumerate(trades):
        if data.draw(st.integers(0, 3)) == 0 and each.event_time > changed_at:
            is_lost = not is_lost
            changed_at = each.event_time
            candles.trades.interrupt()
        if not is_lost:
            feed(candles, each)
        if data.draw(st.booleans()):
            candles.expire(each.event_time + data.draw(st.integers(0, 70_000)))
        if not is_lost and data.draw(st.booleans()):
            asked_from = data.draw(st.integers(asked_from if is_named else 0, number))
            candles.recover(trades[asked_from : number + 1])
    candles.expire(DAY + 400_000)
    for kline in candles.series["1m"].closed.values():
        if kline.complete:
            found = (kline.open, kline.high, kline.low, kline.close, kline.volume, kline.trades)
            assert found == truth(trades, (kline.open_time - DAY) // MINUTE_MS)
