"""When rules are asked: once a close, never ahead of it, never of a provisional value; of books, in time."""

from collections import Counter
from typing import get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.events import Kline
from market.indicators import CandleClose, IndicatorSeries, closes
from market.quotes import Quote
from market.signals import BOOK_RULES, CANDLE_RULES, BookJudge, BookView, CandleJudge, Signal, SignalSettings
from market.signals.judge import firings
from tests.market.walks import DAY, walk, without
from tests.sizes import sized

SETTINGS = SignalSettings()
QUOTE = Quote(99.0, 101.0, 0)


def signals_of(klines: list[Kline], rules: object = CANDLE_RULES) -> list[Signal]:
    """What a live series fires on these candles, each known as it closes."""
    series = IndicatorSeries("1m")
    judge = CandleJudge("ETHUSDT", "1m", SETTINGS, rules)  # type: ignore[arg-type]
    return [
        signal
        for one in klines
        for close in series.take([one])
        for signal in judge.judge(close, one.open_time + 60_000, QUOTE)
    ]


@pytest.mark.parametrize("rule", CANDLE_RULES, ids=lambda rule: rule.name)
@settings(max_examples=sized(8), deadline=None)
@given(seed=st.integers(), cut=st.integers(150, 599), missing=st.sets(st.integers(0, 599), max_size=1))
def test_cutting_the_future_off_leaves_earlier_signals_unchanged(
    rule: object, seed: int, cut: int, missing: set[int]
) -> None:
    """Live and in the batch form: what fired until the cut is what fires on the shorter series."""
    klines = walk(seed, 600)
    whole, short = without(klines, missing), without(klines[:cut], missing)
    end = DAY + cut * 60_000
    assert signals_of(short, [rule]) == [s for s in signals_of(whole, [rule]) if s.open_time < end]
    batch = [firings(close, SETTINGS, [rule]) for close in closes(whole)]  # type: ignore[list-item]
    assert [firings(close, SETTINGS, [rule]) for close in closes(short)] == batch[: len(short)]  # type: ignore[list-item]


def test_every_rule_fires_both_ways_on_walks() -> None:
    """So that the laws here speak of something."""
    fired = Counter((s.rule, s.side) for seed in range(4) for s in signals_of(walk(seed, 1_500)))
    assert fired.keys() == {(rule.name, side) for rule in CANDLE_RULES for side in ("buy", "sell")}
    assert min(fired.values()) >= 2


@settings(max_examples=sized(10), deadline=None)
@given(st.integers())
def test_live_and_batch_fire_the_same(seed: int) -> None:
    """The same rules at the same candles with the same strength."""
    klines = walk(seed, 700)
    live = [(s.open_time, s.rule, s.side, pytest.approx(s.strength, abs=1e-6)) for s in signals_of(klines)]
    batch = [
        (close.indicators.open_time, rule.name, firing.side, firing.strength)
        for close in closes(klines)
        for rule, firing, _ in firings(close, SETTINGS)
    ]
    assert batch == live


def test_a_signal_says_what_its_rule_read() -> None:
    """Inputs are stored by name, and the rule fires on them again; the price is the middle of the book."""
    found = signals_of(walk(1, 1_500))
    rules = {rule.name: rule for rule in CANDLE_RULES}
    assert found
    for signal in found:
        rule = rules[signal.rule]
        assert tuple(signal.inputs) == rule.inputs
        extra = (SETTINGS,) if rule.needs_settings else ()
        assert rule.fires(*signal.inputs.values(), *extra) == (signal.side, signal.strength)
        assert 0 < signal.strength <= 1
        assert (signal.symbol, signal.interval, signal.price) == ("ETHUSDT", "1m", 100.0)
        assert signal.spread_bps == pytest.approx(200.0)
        assert signal.ts == signal.open_time + 60_000


def test_still_markets_fire_nothing() -> None:
    """A walk that stops moving: whatever rounding does, nothing crosses any more."""
    klines = walk(3, 300)
    still = [
        msgspec.structs.replace(klines[-1], open=p, high=p, low=p, open_time=DAY + n * 60_000)
        for n in range(300, 900)
        for p in [klines[-1].close]
    ]
    assert [s for s in signals_of([*klines, *still]) if s.open_time >= DAY + 400 * 60_000] == []


def firing_close() -> tuple[CandleClose, int]:
    """A close at which a rule fires, and when its candle ends."""
    for close in closes(walk(1, 1_500)):
        if firings(close, SETTINGS):
            return close, close.indicators.open_time + 59_999
    raise AssertionError("nothing fired")


def test_a_close_is_judged_once() -> None:
    """Told again, as revised, or from before, it fires nothing; nor after a restart that remembers it."""
    close, end = firing_close()
    judge = CandleJudge("ETHUSDT", "1m", SETTINGS)
    assert judge.judge(close, end + 400, None)
    assert judge.judge(close, end + 500, None) == []
    assert judge.judged == close.indicators.open_time
    assert CandleJudge("ETHUSDT", "1m", SETTINGS, judged=judge.judged).judge(close, end + 400, None) == []


def test_a_close_that_is_known_late_fires_nothing() -> None:
    """After a minute the moment has passed."""
    close, end = firing_close()
    assert CandleJudge("ETHUSDT", "1m", SETTINGS).judge(close, end + 60_000, None)
    assert CandleJudge("ETHUSDT", "1m", SETTINGS).judge(close, end + 60_001, None) == []


@pytest.mark.parametrize("reason", ["warming", "hole"])
def test_what_is_not_to_be_relied_on_fires_nothing(reason: str) -> None:
    """Until a repair, in time, makes it whole."""
    close, end = firing_close()
    weak = msgspec.structs.replace(close, indicators=msgspec.structs.replace(close.indicators, reason=reason))
    judge = CandleJudge("ETHUSDT", "1m", SETTINGS)
    assert judge.judge(weak, end, None) == []
    assert judge.judge(close, end, None)


def test_without_a_book_the_price_is_the_close() -> None:
    """And the spread is not known."""
    close, end = firing_close()
    signal = CandleJudge("ETHUSDT", "1m", SETTINGS).judge(close, end, None)[0]
    assert (signal.price, signal.spread_bps) == (close.close, None)


def test_a_provisional_value_makes_no_signal() -> None:
    """The rules' door is typed for closes, and whoever forces a provisional value through it is refused."""
    klines = walk(1, 400)
    series = IndicatorSeries("1m")
    series.take(klines[:399])
    provisional = series.provisional(msgspec.structs.replace(klines[399], is_closed=False))
    assert provisional is not None
    assert get_type_hints(firings)["close"] is CandleClose
    assert get_type_hints(CandleJudge.judge)["close"] is CandleClose
    with pytest.raises(TypeError, match="expected a closed candle, found ProvisionalIndicators"):
        CandleJudge("ETHUSDT", "1m", SETTINGS).judge(provisional, 0, None)  # type: ignore[arg-type]


def view(time_s: float, pressure: float, *, lean: float | None = None) -> BookView:
    """A book at that second; the microprice leans with the pressure unless said otherwise."""
    side = pressure if lean is None else lean
    return BookView(
        time=DAY + int(time_s * 1000),
        mid=100.0,
        microprice=100.0 + side / 100,
        spread_bps=1.0,
        imbalance=pressure,
        imbalance_10=pressure,
    )


def looks(*views: BookView) -> list[tuple[float, str]]:
    """When, in seconds, and which way a book rule fired."""
    judge = BookJudge("ETHUSDT", SETTINGS)
    return [((s.ts - DAY) / 1000, s.side) for one in views for s in judge.look(one)]


def test_pressure_that_lasts_fires_once() -> None:
    """After five seconds, not again while it goes on, and once more after it let go and the minute passed."""
    steady = [view(t, 0.7) for t in range(100)]
    assert looks(*steady) == [(5.0, "buy")]
    again = [view(100, 0.1), *(view(t, 0.7) for t in range(101, 110))]
    assert looks(*steady, *again) == [(5.0, "buy"), (106.0, "buy")]


def test_pressure_may_weaken_but_not_let_go() -> None:
    """Between leaving and entering it counts on; a signal itself needs the higher of the two."""
    assert looks(*(view(t, 0.7 if t % 2 == 0 else 0.4) for t in range(8))) == [(6.0, "buy")]
    assert looks(*(view(t, 0.7 if t % 2 == 0 else 0.2) for t in range(8))) == []
    assert looks(view(0, 0.7), *(view(t, 0.5) for t in range(1, 60))) == []


def test_pressure_that_turns_begins_anew() -> None:
    """Selling pressure counts from where buying ended."""
    views = [*(view(t, 0.7) for t in range(4)), *(view(t, -0.7) for t in range(4, 12))]
    assert looks(*views) == [(9.0, "sell")]


def test_a_cool_down_holds_the_next_signal_back() -> None:
    """It comes when the minute is over, if the pressure is still there."""
    views = [*(view(t, 0.7) for t in range(7)), view(7, 0.0), *(view(t, 0.7) for t in range(8, 100))]
    assert looks(*views) == [(5.0, "buy"), (65.0, "buy")]


def test_a_microprice_on_the_other_side_is_no_pressure() -> None:
    """Both must say the same."""
    assert looks(*(view(t, 0.7, lean=-0.5) for t in range(60))) == []


def test_a_silent_or_lost_book_begins_anew() -> None:
    """Nobody saw the pressure last; an older state is passed over."""
    assert looks(view(0, 0.7), view(5.1, 0.7), view(6, 0.7)) == []
    judge = BookJudge("ETHUSDT", SETTINGS)
    for time in range(5):
        judge.look(view(time, 0.7))
    judge.lose()
    assert judge.look(view(5, 0.7)) == []
    assert [judge.look(view(t, 0.7)) for t in (3, 2, 9.5)] == [[], [], []]
    assert len(judge.look(view(10, 0.7))) == 1


def test_a_restart_remembers_the_cool_down() -> None:
    """By when each rule last fired."""
    judge = BookJudge("ETHUSDT", SETTINGS, fired_at={"book_pressure": DAY - 30_000})
    fired = [s.ts - DAY for t in range(60) for s in judge.look(view(t, 0.7))]
    assert fired == [30_000]


def test_a_book_signal_says_what_it_saw() -> None:
    """Its identity is the book's time; inputs tell how long the pressure lasted."""
    judge = BookJudge("ETHUSDT", SETTINGS)
    signal = next(s for t in range(6) for s in judge.look(view(t, -0.7)))
    assert signal == Signal(
        "ETHUSDT", "book", "book_pressure", "sell", 0.7, DAY + 5_000, 100.0, 1.0, DAY + 5_000,
        {"imbalance_10": -0.7, "microprice": 99.993, "mid": 100.0, "lasted_ms": 5_000.0},
    )  # fmt: skip


@pytest.mark.parametrize("rule", BOOK_RULES, ids=lambda rule: rule.name)
@settings(max_examples=sized(30), deadline=None)
@given(moves=st.lists(st.tuples(st.floats(0.1, 6), st.floats(-1, 1)), max_size=200), data=st.data())
def test_cutting_the_future_off_a_book_leaves_earlier_signals_unchanged(
    rule: object, moves: list[tuple[float, float]], data: st.DataObject
) -> None:
    """No book rule knows what comes."""
    time, views = 0.0, []
    for wait, pressure in moves:
        time += wait
        views.append(view(time, 0.5 + pressure / 2))
    cut = data.draw(st.integers(0, len(views)))

    def told(some: list[BookView]) -> list[list[Signal]]:
        judge = BookJudge("ETHUSDT", SETTINGS, [rule])  # type: ignore[list-item]
        return [judge.look(one) for one in some]

    assert told(views[:cut]) == told(views)[:cut]
