"""The laws of rollups."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.events import Kline
from market.intervals import INTERVAL_MS, MINUTE_MS, open_of
from market.klines import Candles
from market.rollup import roll_up
from tests.market.candles import DAY, candle


def walk(count: int, seed: int = 7) -> list[Kline]:
    rng = random.Random(seed)
    return [candle(n, close=rng.uniform(0.1, 9)) for n in range(count)]


def content(candles: Candles) -> dict[tuple[str, int], tuple[object, ...]]:
    """What is held of every interval, but for source and time of receiving."""
    return {
        (name, k.open_time): (k.open, k.high, k.low, k.close, k.volume, k.turnover, k.trades, k.complete)
        for name, series in candles.series.items()
        for k in series.closed.values()
    }


def test_every_interval_of_a_day_rolls_up_from_its_minutes() -> None:
    """After 1440 minutes each interval has closed and equals the fold of its own minutes."""
    candles, minutes = Candles(), walk(1440)
    closed = [k for minute in minutes for k in candles.upsert(minute)]
    for interval, length in INTERVAL_MS.items():
        found = [k for k in closed if k.interval == interval]
        size = length // MINUTE_MS
        assert len(found) == 1440 // size
        for number, kline in enumerate(found):
            parts = minutes[number * size : (number + 1) * size]
            assert kline.complete
            assert kline.open_time == parts[0].open_time
            assert (kline.open, kline.close) == (parts[0].open, parts[-1].close)
            assert (kline.high, kline.low) == (max(p.high for p in parts), min(p.low for p in parts))
            assert abs(kline.volume - 1.5 * size) < 1e-6
            assert kline.trades == 4 * size


@given(st.integers(0, 14), st.integers(1, 14))
def test_a_rollup_across_a_hole_is_not_complete(lost: int, count: int) -> None:
    """Every higher candle that holds a lost minute says so, and no other does."""
    candles = Candles()
    missing = range(lost, min(lost + count, 15))
    closed = [k for n, minute in enumerate(walk(46)) if n not in missing for k in candles.upsert(minute)]
    for kline in (k for k in closed if k.interval in ("5m", "15m")):
        first = (kline.open_time - DAY) // MINUTE_MS
        covered = range(first, first + INTERVAL_MS[kline.interval] // MINUTE_MS)
        assert kline.complete == (not set(covered) & set(missing))


@pytest.mark.parametrize("back_at", [5, 6, 12, 14])
def test_a_hole_at_the_end_of_a_bucket_does_not_leave_it_open(back_at: int) -> None:
    """The first candle after the lost ones closes the bucket they belong to, as incomplete."""
    candles, minutes = Candles(), walk(15)
    closed = [k for minute in minutes[:4] + minutes[back_at:] for k in candles.upsert(minute)]
    assert (DAY, False) in [(k.open_time, k.complete) for k in closed if k.interval == "5m"]


def test_a_repaired_minute_repairs_what_was_rolled_up_from_it() -> None:
    """The lost minute, sent later by REST, makes its 5m and 15m candles whole."""
    candles, minutes = Candles(), walk(16)
    for number, minute in enumerate(minutes):
        if number != 3:
            candles.upsert(minute)
    repaired = candles.upsert(candle(3, close=4.0, source="rest"))
    assert [(k.interval, k.complete) for k in repaired] == [("1m", True), ("5m", True), ("15m", True)]


@given(st.data())
def test_provisional_then_revised_parts_roll_up_as_the_final_ones(data: st.DataObject) -> None:
    """Whichever minutes were closed here first, however wrongly, and in whatever order the venue's follow."""
    final, candles, expected = walk(46), Candles(), Candles()
    guessed = data.draw(st.lists(st.integers(0, 45), unique=True, min_size=1))
    late: list[Kline] = []
    for number, minute in enumerate(final):
        expected.upsert(minute)
        if number in guessed:
            is_whole = data.draw(st.booleans())
            candles.upsert(candle(number, close=5.0, source="trades", complete=is_whole, volume=1.0))
            late.append(minute)
        else:
            candles.upsert(minute)
    for minute in data.draw(st.permutations(late)):
        candles.upsert(minute)
    assert content(candles) == content(expected)
    assert candles.revisions > 0
    assert expected.revisions == 0


def test_history_that_comes_after_the_newest_candle_makes_no_broken_rollups() -> None:
    """A higher candle whose parts are still coming is told once, whole; nothing of it is a revision."""
    candles, minutes = Candles(), walk(41)
    candles.upsert(minutes[40])
    changed = [k for minute in minutes[:40] for k in candles.upsert(minute)]
    found = [(k.open_time - DAY, k.complete) for k in changed if k.interval == "5m"]
    assert found == [(n * INTERVAL_MS["5m"], True) for n in range(8)]
    assert candles.revisions == 0


def test_a_part_whose_siblings_are_forgotten_is_not_rolled_up() -> None:
    """What is held of its bucket is better than what could be made."""
    candles = Candles()
    for minute in walk(70):
        candles.upsert(minute)
    assert candles.series["1m"].reaches(DAY + 7 * MINUTE_MS)
    assert [k.interval for k in candles.upsert(candle(7, close=8.0, source="rest"))] == ["1m"]
    assert candles.series["5m"].closed[DAY + 5 * MINUTE_MS].volume == 7.5


def test_forming_candles_of_all_intervals_hold_what_is_known_of_them() -> None:
    """Each is the fold of its closed parts and the forming minute."""
    candles = Candles()
    for minute in walk(7):
        candles.upsert(minute)
    candles.upsert(candle(7, close=8.5, is_closed=False))
    forming = candles.forming()
    assert list(forming) == list(INTERVAL_MS)
    assert forming["5m"].volume == 4.5
    assert forming["1d"].volume == 12.0
    assert {k.close for k in forming.values()} == {8.5}
    assert not any(k.is_closed for k in forming.values())


@pytest.mark.parametrize(
    ("closed", "longer"),
    [(7, ["5m", "15m", "1h", "4h", "1d"]), (10, ["15m", "1h", "4h", "1d"]), (60, ["4h", "1d"]), (1440, [])],
)
def test_longer_candles_form_before_the_first_trade_of_a_minute(closed: int, longer: list[str]) -> None:
    """They are what closed until then; one that begins with that minute is not known yet."""
    candles = Candles()
    for minute in walk(closed):
        candles.upsert(minute)
    until = DAY + closed * MINUTE_MS
    candles.expire(until + 5_000)
    forming = candles.forming()
    assert list(forming) == longer
    for interval, kline in forming.items():
        start = open_of(until, interval)
        parts = [minute for minute in walk(closed) if minute.open_time >= start]
        assert (kline.open_time, kline.is_closed, kline.complete) == (start, False, True)
        assert kline.volume == pytest.approx(1.5 * len(parts))
        assert (kline.high, kline.close) == (max(k.high for k in parts), parts[-1].close)


def test_nothing_forms_of_a_minute_that_went_by_unheard() -> None:
    """Nor at a start, before the venue told what time it is: what is stored may be of long ago."""
    candles = Candles()
    for minute in walk(7):
        candles.upsert(minute)
    assert candles.forming() == {}
    candles.expire(DAY + 8 * MINUTE_MS + 5_000)
    assert candles.forming() == {}


def test_no_longer_candle_forms_across_a_hole() -> None:
    """Also where the hole is a whole part of it, and the next part has not begun."""
    candles = Candles()
    minutes = walk(10)
    for n in (*range(5), 9):
        candles.upsert(minutes[n])
    candles.expire(DAY + 10 * MINUTE_MS + 5_000)
    assert candles.forming() == {}


def test_a_forming_candle_with_an_unknown_beginning_is_left_out() -> None:
    """A collector that starts in the middle of an hour does not pass the rest off as the hour."""
    candles = Candles()
    candles.upsert(candle(31))
    candles.upsert(candle(32, is_closed=False))
    assert list(candles.forming()) == ["1m"]


def test_without_rollups_each_interval_is_its_own_stream() -> None:
    """Nothing is derived when the venue sends every interval itself."""
    candles = Candles(rolls_up=False)
    closed = [k for minute in walk(10) for k in candles.upsert(minute)]
    assert {k.interval for k in closed} == {"1m"}


def five(number: int, **changes: object) -> Kline:
    """The venue's own 5m candle."""
    told = {"interval": "5m", "open_time": DAY + number * INTERVAL_MS["5m"], "volume": 7.5}
    return candle(5 * number + 4, **{**told, **changes})  # type: ignore[arg-type]  # fields by name


def test_without_rollups_one_stands_in_where_a_close_is_late() -> None:
    """Its minutes are known; the venue's candle replaces it, and a changed minute changes it before that."""
    candles = Candles(rolls_up=False)
    for minute in walk(5):
        candles.upsert(minute)
    candles.upsert(five(0, is_closed=False))
    assert candles.expire(DAY + INTERVAL_MS["5m"] + 4_999) == []
    (made,) = candles.expire(DAY + INTERVAL_MS["5m"] + 5_000)
    assert (made.interval, made.source, made.complete, made.volume) == ("5m", "rollup", True, 7.5)
    changed = candles.upsert(candle(2, source="rest", volume=2.5))
    assert [(k.interval, k.volume) for k in changed] == [("1m", 2.5), ("5m", 8.5)]
    assert [k.source for k in candles.upsert(five(0, volume=8.5))] == ["stream"]


def test_without_rollups_and_minutes_the_last_word_stands_in_as_incomplete() -> None:
    """It is all that is known, and it may have gone on."""
    candles = Candles(rolls_up=False)
    candles.upsert(five(0, is_closed=False, close=1.7))
    (made,) = candles.expire(DAY + INTERVAL_MS["5m"] + 5_000)
    assert (made.close, made.source, made.complete, made.is_closed) == (1.7, "rollup", False, True)
    (final,) = candles.upsert(five(0, close=1.8))
    assert (final.close, final.source, final.complete) == (1.8, "stream", True)


def test_a_rollup_of_parts_without_trade_counts_has_none() -> None:
    """A number the venue does not give is not made up."""
    parts = walk(5)
    parts[2] = candle(2, trades=None)
    assert roll_up(parts, "5m", is_closed=True).trades is None


def test_nothing_rolls_up_from_nothing() -> None:
    """There is no price to tell."""
    with pytest.raises(ValueError, match="no candles"):
        roll_up([], "5m", is_closed=True)
