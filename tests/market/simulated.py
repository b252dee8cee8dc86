"""Simulated days of 1m candles: a market without memory, or with an edge that one rule has and no other."""

import math
import random
from collections.abc import Callable, Sequence

from market.events import Kline
from market.indicators import closes
from market.intervals import HORIZONS_S, close_of
from market.quotes import CandlePrices, quote_around
from market.replay import Costs, Replay, price_signals
from market.scoreboard import Key, Moment, ScoreboardRow, matched_moments, price_moments, scoreboard_row
from market.signals import CANDLE_RULES, CandleJudge, Signal, SignalSettings
from tests.market.walks import DAY, kline

COSTS = Costs(spread_bps=1.0, taker_bps=5.0)
SETTINGS = SignalSettings()
MINUTE_BPS = 5.0
"""Standard deviation of one minute, on average; it rises and falls over hours."""

Days = tuple[list[Kline], list[Signal]]
"""Candles, and what the rules fired on them."""


def market(
    seed: int, days: int, drift_bps: Callable[[int], float], see: Callable[[Kline], None]
) -> list[Kline]:
    """Candles whose price wanders, and drifts as is said at each; `see` is told each as it closes."""
    rng = random.Random(seed)
    price, mood, klines = 100.0, 0.0, []
    for index in range(days * 1440):
        mood = 0.99 * mood + 0.1 * rng.gauss(0, 1)
        size, drift = MINUTE_BPS * math.exp(mood / 2) / math.sqrt(3), drift_bps(index) / 3
        path = [price]
        for _ in range(3):
            path.append(path[-1] * (1 + (rng.gauss(0, size) + drift) / 1e4))
        price = path[-1]
        volume = rng.lognormvariate(0, 0.8)
        klines.append(kline(index, price, open_=path[0], high=max(path), low=min(path), volume=volume))
        see(klines[-1])
    return klines


def days_without_edge(seed: int, days: int) -> Days:
    """Nothing that was says what will be."""
    klines = market(seed, days, lambda _: 0.0, lambda _: None)
    judge = CandleJudge("ETHUSDT", "1m", SETTINGS)
    signals: list[Signal] = []
    for close in closes(klines):
        closed_at = close_of(close.indicators.open_time, "1m")
        signals += judge.judge(close, closed_at, quote_around(close.close, COSTS.spread_bps, closed_at))
    return klines, signals


def days_with_edge(seed: int, days: int, rule: str, edge_bps: float, over: int) -> Days:
    """After each signal of `rule` the price drifts by `edge_bps` its way over the next `over` candles."""
    replay = Replay("ETHUSDT", "1m", SETTINGS, COSTS)
    signals: list[Signal] = []
    drifts = [0.0] * (days * 1440 + over + 1)

    def see(candle: Kline) -> None:
        fired = replay.take(candle).signals
        signals.extend(fired)
        for signal in fired:
            if signal.rule == rule:
                first = (candle.open_time - DAY) // 60_000 + 1
                for index in range(first, first + over):
                    drifts[index] += (edge_bps if signal.side == "buy" else -edge_bps) / over

    return market(seed, days, drifts.__getitem__, see), signals


def scoreboard(
    days: Days, seed: int, horizons_s: Sequence[int] = HORIZONS_S
) -> dict[tuple[str, int], ScoreboardRow]:
    """The rows of every candle rule, as a backtest makes them."""
    klines, signals = days
    prices = CandlePrices([k.open_time for k in klines], [k.open for k in klines], COSTS.spread_bps)
    span = (klines[0].open_time, klines[-1].open_time)
    rows = {}
    for rule in CANDLE_RULES:
        fired = [s for s in signals if s.rule == rule.name]
        drawn = matched_moments([Moment(s.symbol, s.side, s.ts) for s in fired], span, seed)
        for horizon_s in horizons_s:
            results = price_signals(fired, lambda _, time: prices.at(time), horizon_s, COSTS.taker_bps)
            chance = price_moments(drawn, {"ETHUSDT": prices}, horizon_s, COSTS.taker_bps)
            key = Key(rule.name, "sim-bybit", "1m", horizon_s)
            rows[rule.name, horizon_s] = scoreboard_row(key, results, chance, seed)
    return rows
