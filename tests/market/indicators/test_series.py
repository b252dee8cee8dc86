"""What a series says of its closes: warming, holes, revisions, and the forming candle."""

import random
from itertools import pairwise
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.events import Kline
from market.indicators import CandleClose, ClosedIndicators, IndicatorSeries, ProvisionalIndicators, closes
from market.indicators.step import Values
from tests.market.indicators.agreement import assert_agree
from tests.market.walks import kline, past_of, walk, without
from tests.sizes import sized


def values(indicators: ClosedIndicators | ProvisionalIndicators) -> list[float | None]:
    return [getattr(indicators, name) for name in Values._fields]


def fed(klines: list[Kline]) -> list[CandleClose]:
    """What a live series said, candle by candle."""
    series = IndicatorSeries("1m")
    return [close for one in klines for close in series.take([one])]


def reasons(klines: list[Kline]) -> list[str]:
    return [close.indicators.reason for close in fed(klines)]


def assert_same(told: list[CandleClose], wanted: list[CandleClose], within: float = 1e-9) -> None:
    """The same closes but for float noise in the indicators; `before` is the row before."""
    assert len(told) == len(wanted)
    price = max(close.close for close in wanted)
    rows = [[values(close.indicators) for close in some] for some in (told, wanted)]
    assert_agree(*rows, within=within, price=price)
    for close, other in zip(told, wanted, strict=True):
        for a, b in ((close.indicators, other.indicators), (close.before, other.before)):
            assert (a and (a.open_time, a.bars, a.reason)) == (b and (b.open_time, b.bars, b.reason))
        plain = {"indicators": other.indicators, "before": other.before}
        assert msgspec.structs.replace(close, **plain) == other
    assert all(close.before == before.indicators for before, close in pairwise(told))


def test_what_was_said_can_be_asked_for_again() -> None:
    """From any candle on, without a change."""
    klines = walk(8, 300)
    series = IndicatorSeries("1m")
    said = series.take(klines)
    assert series.since(klines[200].open_time) == said[200:]
    assert series.since(klines[0].open_time - 1) == said
    assert series.since(klines[-1].open_time + 1) == []
    assert series.newest == said[-1]


@pytest.mark.parametrize("missing", [set(), {100, 380}])
def test_columns_are_as_good_as_candles(missing: set[int]) -> None:
    """The same state and the same next close; a number that is none is a hole, and so is a broken candle."""
    klines = without(walk(5, 401), missing)
    klines[300] = msgspec.structs.replace(klines[300], complete=False)
    broken = [*klines[:-1]]
    broken[200] = msgspec.structs.replace(broken[200], close=float("nan"))
    one, other, empty = (IndicatorSeries("1m") for _ in range(3))
    beside = [walk(seed, length) for seed, length in ((6, len(broken) - 1), (7, len(broken) - 1), (8, 20))]
    others = [IndicatorSeries("1m") for _ in beside]
    IndicatorSeries.fill(
        [(one, past_of(broken)), (empty, past_of([])), *zip(others, map(past_of, beside), strict=True)]
    )
    assert one.newest == other.warm(broken)
    assert [each.newest for each in others] == [IndicatorSeries("1m").warm(klines) for klines in beside]
    assert one.take([klines[-1]]) == other.take([klines[-1]])
    assert one.take([klines[200]]) == other.take([klines[200]])
    assert empty.newest is None
    with pytest.raises(ValueError, match="begun"):
        IndicatorSeries.fill([(one, past_of(klines))])


@settings(max_examples=sized(15), deadline=None)
@given(st.integers(), st.sets(st.integers(0, 399), max_size=3), st.sampled_from([1e-8, 0.01]))
def test_candle_by_candle_equals_the_batch(seed: int, missing: set[int], tick: float) -> None:
    """Values, bars, reasons, and what rules read beside them, with holes and at tiny prices."""
    klines = without(walk(seed, 400, tick=tick), missing)
    assert_same(fed(klines), closes(klines))


def test_a_short_series_is_warming() -> None:
    """149 candles are too few, 150 are enough, and bars are counted up to 400."""
    told = fed(walk(1, 600))
    assert [close.indicators.reason for close in told] == ["warming"] * 149 + [""] * 451
    assert [told[n].indicators.bars for n in (0, 148, 399, 599)] == [1, 149, 400, 400]


def test_a_missing_candle_is_a_hole_for_two_hundred() -> None:
    """The value goes on across it and says so, until 200 candles follow one another again."""
    klines = without(walk(2, 500), {250})
    assert reasons(klines)[149:250] == [""] * 101
    assert reasons(klines)[250:] == ["hole"] * 199 + [""] * 50
    assert all(close.indicators.rsi is not None for close in fed(klines)[250:])


def test_an_incomplete_candle_is_a_hole() -> None:
    """One that crossed a gap counts as missing, though its prices are used."""
    klines = walk(3, 460)
    klines[255] = msgspec.structs.replace(klines[255], complete=False)
    assert reasons(klines)[255:] == ["hole"] * 200 + [""] * 5


def test_a_short_series_with_a_hole_is_warming_first() -> None:
    """Too few candles is the greater lack."""
    told = reasons(without(walk(4, 180), {100}))
    assert told == ["warming"] * 149 + ["hole"] * 30


def test_a_number_that_is_none_is_a_hole_and_poisons_nothing() -> None:
    """NaN and infinity from a venue are as good as a missing candle."""
    klines = walk(5, 300)
    broken = list(klines)
    broken[200] = msgspec.structs.replace(klines[200], close=float("nan"))
    broken[201] = msgspec.structs.replace(klines[201], high=float("inf"))
    assert fed(broken) == fed(without(klines, {200, 201}))
    assert fed(broken)[-1].indicators.reason == "hole"


@settings(max_examples=sized(15), deadline=None)
@given(st.integers(), st.integers(260, 460))
def test_a_revised_candle_computes_anew_what_depended_on_it(seed: int, index: int) -> None:
    """Every close from it on is told again, and equals that of a series that knew it all along."""
    klines = walk(seed, 480)
    series = IndicatorSeries("1m")
    for one in klines:
        series.take([one])
    revised = msgspec.structs.replace(klines[index], close=klines[index].close * 1.01)
    told = series.take([revised])
    wanted = closes([*klines[:index], revised, *klines[index + 1 :]])[index:]
    assert_same(told, wanted)
    assert series.newest == told[-1]


def test_the_same_candle_twice_changes_nothing() -> None:
    """Neither the newest nor an older one."""
    klines = walk(6, 60)
    series = IndicatorSeries("1m")
    series.take(klines)
    assert series.take([klines[-1]]) == []
    assert series.take(klines[10:20]) == []


def test_a_repaired_hole_is_no_hole_any_more() -> None:
    """Candles that come late by REST make everything after them whole."""
    klines = walk(7, 400)
    series = IndicatorSeries("1m")
    series.take(without(klines, set(range(300, 310))))
    assert series.newest is not None
    assert series.newest.indicators.reason == "hole"
    told = series.take(klines[300:310])
    assert [close.indicators.open_time for close in told] == [k.open_time for k in klines[300:]]
    assert_same(told, closes(klines)[300:])


@settings(max_examples=sized(10), deadline=None)
@given(st.integers(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(seed: int, order: random.Random) -> None:
    """Shuffled history ends where history in order does."""
    klines = walk(seed, 200)
    shuffled = list(klines)
    order.shuffle(shuffled)
    series = IndicatorSeries("1m")
    for start in range(0, 200, 40):
        series.take(shuffled[start : start + 40])
    assert series.newest is not None
    assert_same([series.newest], closes(klines)[-1:])


@settings(max_examples=sized(10), deadline=None)
@given(st.integers())
def test_a_warm_start_equals_the_whole_history(seed: int) -> None:
    """From 400 candles of a market that moves, within 1e-6 of what 3,000 made, at the next 50 closes."""
    klines = walk(seed, 3_049, rests=False)
    whole = closes(klines)
    series = IndicatorSeries("1m")
    assert series.warm(klines[2_599:2_999]) == series.newest
    told = [close for one in klines[2_999:] for close in series.take([one])]
    assert_same(told, whole[2_999:], within=1e-6)


def test_a_long_life_equals_the_batch() -> None:
    """What is forgotten on the way leaves no trace, also in a revision near the end."""
    klines = walk(8, 1_300, rests=False)
    series = IndicatorSeries("1m")
    for one in klines:
        series.take([one])
    revised = msgspec.structs.replace(klines[1_200], close=klines[1_200].close * 1.01)
    told = series.take([revised])
    wanted = closes([*klines[:1_200], revised, *klines[1_201:]])[1_200:]
    assert_same(told, wanted, within=1e-6)


def test_what_rules_read_beside_the_indicators() -> None:
    """The candle itself, the close before it, and the mean volume of the 20 before."""
    klines = walk(10, 30)
    told = fed(klines)
    last, one = told[-1], klines[-1]
    assert (last.open, last.high, last.low, last.close) == (one.open, one.high, one.low, one.close)
    assert (last.close_before, last.volume) == (klines[-2].close, one.volume)
    assert last.volume_mean == pytest.approx(sum(k.volume for k in klines[9:29]) / 20)
    assert told[19].volume_mean is None
    assert told[0].before is None
    assert all(close.before == before.indicators for before, close in pairwise(told))


def forming(closed: Kline, **changes: object) -> Kline:
    return msgspec.structs.replace(closed, is_closed=False, **changes)


def test_a_provisional_value_is_what_the_close_would_say() -> None:
    """The same numbers, in another type."""
    klines = walk(11, 200)
    series = IndicatorSeries("1m")
    series.take(klines[:199])
    provisional = series.provisional(forming(klines[199]))
    closed = series.take([klines[199]])[0].indicators
    assert provisional is not None
    assert values(provisional) == values(closed)
    assert (provisional.open_time, provisional.bars, provisional.reason) == (closed.open_time, 200, "")
    assert (provisional.is_provisional, closed.is_provisional) == (True, False)


def test_looking_at_the_forming_candle_changes_nothing() -> None:
    """However wild it was, the closes after it are the same."""
    klines, series, told = walk(12, 300), IndicatorSeries("1m"), []
    for one in klines:
        series.provisional(forming(one, close=one.close * 3, high=one.close * 4))
        told += series.take([one])
    assert told == fed(klines)


def test_a_forming_candle_after_a_hole_says_so() -> None:
    """The candle before it is missing, or it began unseen."""
    klines = walk(13, 300)
    series = IndicatorSeries("1m")
    series.take(klines[:290])
    whole, skipped = series.provisional(forming(klines[290])), series.provisional(forming(klines[291]))
    unseen = series.provisional(forming(klines[290], complete=False))
    assert [p and (p.bars, p.reason) for p in (whole, skipped, unseen)] == [
        (291, ""),
        (1, "hole"),
        (0, "hole"),
    ]
    assert series.provisional(forming(klines[289])) is None


def test_a_provisional_value_fits_nowhere_that_a_closed_one_does() -> None:
    """Neither type is the other, a close holds the closed one alone, and one made of the other is refused."""
    assert not issubclass(ProvisionalIndicators, ClosedIndicators)
    assert not issubclass(ClosedIndicators, ProvisionalIndicators)
    hints = get_type_hints(CandleClose)
    assert (hints["indicators"], hints["before"]) == (ClosedIndicators, ClosedIndicators | None)
    klines = walk(14, 200)
    series = IndicatorSeries("1m")
    newest = series.warm(klines[:199])
    provisional = series.provisional(forming(klines[199]))
    assert newest is not None
    for part in ("indicators", "before"):
        with pytest.raises(TypeError, match="found ProvisionalIndicators"):
            msgspec.structs.replace(newest, **{part: provisional})


def test_forming_and_closed_candles_go_to_their_own_door() -> None:
    """A forming candle is not taken as a close, nor a closed one looked at, nor one of another interval."""
    series = IndicatorSeries("1m")
    with pytest.raises(ValueError, match="expected a closed 1m candle, found a forming 1m"):
        series.take([forming(kline(0, 1.0))])
    with pytest.raises(ValueError, match="expected a closed 1m candle, found a closed 5m"):
        series.take([kline(0, 1.0, interval="5m")])
    with pytest.raises(ValueError, match="expected a forming 1m candle, found a closed 1m"):
        series.provisional(kline(0, 1.0))


def test_nothing_makes_nothing() -> None:
    """No candles, no closes."""
    series = IndicatorSeries("1m")
    assert series.take([]) == []
    assert series.warm([]) is None
    assert closes([]) == []
