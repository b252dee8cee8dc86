"""A backtest runs the same rules and trades as the live side."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.events import Kline
from market.indicators import IndicatorSeries
from market.intervals import open_of
from market.paper import PaperDesk, PaperTrade
from market.quotes import CandlePrices, quote_around
from market.replay import Costs, Replay, price_signals
from market.signals import CANDLE_RULES, CandleJudge, Signal, SignalSettings
from tests.market.makes import signal
from tests.market.walks import DAY, walk, without
from tests.sizes import sized

SETTINGS = SignalSettings()
COSTS = Costs(spread_bps=1.0, taker_bps=5.0)


def replayed(klines: list[Kline], rules: object = CANDLE_RULES) -> tuple[list[Signal], list[PaperTrade]]:
    replay = Replay("ETHUSDT", "1m", SETTINGS, COSTS, rules)  # type: ignore[arg-type]
    played = [replay.take(one) for one in klines]
    return [s for p in played for s in p.signals], [t for p in played for t in p.trades]


def lived(klines: list[Kline]) -> tuple[list[Signal], list[PaperTrade]]:
    """The same candles as a live market: books all along each, its close told 400 ms after its end."""
    series, judge = IndicatorSeries("1m"), CandleJudge("ETHUSDT", "1m", SETTINGS)
    desk = PaperDesk(SETTINGS, COSTS.taker_bps)
    signals: list[Signal] = []
    trades: list[PaperTrade] = []
    events: list[tuple[int, float | Kline]] = [(one.open_time + 60_400, one) for one in klines]
    for one in klines:
        books = ((100, one.open), (500, one.open), (30_000, one.low), (40_000, one.high), (59_999, one.close))
        events += [(one.open_time + wait, price) for wait, price in books]
    for time, event in sorted(events, key=lambda e: e[0]):
        if isinstance(event, Kline):
            for close in series.take([event]):
                desk.on_close("1m", event.open_time + 60_000)
                for fired in judge.judge(close, time, quote_around(event.close, COSTS.spread_bps, time)):
                    signals.append(fired)
                    desk.on_signal(fired, close.indicators.atr)
        else:
            steps = desk.on_quote(quote_around(event, COSTS.spread_bps, time))
            trades += [trade for step in steps for trade in step.trades]
    return signals, trades


def bars(trade: PaperTrade) -> tuple[str, str, int, int | None, str | None]:
    """Who traded, which way, and in which candles it began and ended."""
    left = None if trade.exit_time is None else open_of(trade.exit_time, "1m")
    return trade.rule, trade.side, open_of(trade.entry_time, "1m"), left, trade.exit_reason


@settings(max_examples=sized(8), deadline=None)
@given(st.integers(), st.sets(st.integers(0, 699), max_size=2))
def test_live_and_backtest_give_the_same_signals_and_bars(seed: int, missing: set[int]) -> None:
    """On the same candles, also across holes; only the ms differ."""
    klines = without(walk(seed, 700), missing)
    signals, trades = replayed(klines)
    live_signals, live_trades = lived(klines)
    assert [(s.rule, s.side, s.open_time, s.inputs) for s in signals] == [
        (s.rule, s.side, s.open_time, s.inputs) for s in live_signals
    ]
    assert sorted(map(bars, trades), key=str) == sorted(map(bars, live_trades), key=str)


def test_every_way_out_is_taken() -> None:
    """So that the law above speaks of something; and the same candles give the same result."""
    klines = walk(1, 3_000)
    signals, trades = replayed(klines)
    assert {t.exit_reason for t in trades} == {None, "opposite", "stop", "time"}
    assert {t.rule for t in trades} == {rule.name for rule in CANDLE_RULES}
    assert replayed(klines) == (signals, trades)


def test_a_signal_is_entered_at_the_next_open_and_its_half_spread() -> None:
    """And left at an open, a stop, or beyond it where the price jumped."""
    klines = walk(2, 2_000)
    opens = {k.open_time: k.open for k in klines}
    _, trades = replayed(klines)
    assert trades
    for trade in trades:
        worse = 1 if trade.side == "long" else -1
        assert trade.entry_price == pytest.approx(opens[trade.entry_time] * (1 + worse * 0.5e-4))
        assert trade.fee_bps == 10
        if trade.exit_reason in ("opposite", "time") and trade.exit_time is not None:
            assert trade.exit_price == pytest.approx(opens[trade.exit_time] * (1 - worse * 0.5e-4))


def test_rules_can_be_chosen() -> None:
    """Only they are asked, and they do what they do among the others."""
    klines = walk(3, 1_500)
    signals, trades = replayed(klines)
    rule = CANDLE_RULES[0]
    some_signals, some_trades = replayed(klines, [rule])
    assert some_signals == [s for s in signals if s.rule == rule.name]
    assert some_trades == [t for t in trades if t.rule == rule.name]


def test_signals_are_priced_from_candles() -> None:
    """At the open that follows their horizon; what is missing is left out."""
    prices = CandlePrices([DAY + n * 60_000 for n in range(4)], [100.0, 101.0, 102.0, 103.0], 0.0)
    results = price_signals([signal(0), signal(1), signal(3)], lambda _, time: prices.at(time), 60, 5.0)
    assert [r.time for r in results] == [signal(0).ts, signal(1).ts]
    assert [r.net_bps for r in results] == pytest.approx([190.0, 290.0])
