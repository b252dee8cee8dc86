"""CPU that indicators, rules and paper trades cost, for 100 instruments × 6 intervals, without stores."""

import random
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from bench.report import Result
from market.events import Kline
from market.indicators import IndicatorSeries
from market.intervals import INTERVAL_MS, close_of
from market.paper import PaperDesk
from market.quotes import Quote
from market.replay import Costs, Replay
from market.signals import BookJudge, BookView, CandleJudge, SignalSettings, rate

INSTRUMENTS = 100
HISTORY = 400
ROUNDS = 20
"""How often what is measured is repeated; the mean is told."""
SETTINGS = SignalSettings()
T = TypeVar("T")


def run() -> list[Result]:
    """Measure; about ten seconds."""
    histories = {interval: walk(interval, HISTORY + ROUNDS + 1) for interval in INTERVAL_MS}
    series = [IndicatorSeries(interval) for _ in range(INSTRUMENTS) for interval in INTERVAL_MS]
    warm_s = _cpu_s(lambda: _each(series, lambda one: one.warm(histories[one.interval][:HISTORY])))
    judges = [CandleJudge("ETHUSDT", one.interval, SETTINGS) for one in series]
    desks = [PaperDesk(SETTINGS, 5.0) for _ in range(INSTRUMENTS)]

    def close_all(candle: int) -> None:
        for number, (one, judge) in enumerate(zip(series, judges, strict=True)):
            _close(one, judge, desks[number // len(INTERVAL_MS)], histories[one.interval][candle])

    def show_all(_round: int) -> None:
        _each(series, lambda one: one.provisional(forming[one.interval]))

    close_s = _cpu_s(lambda: _each(range(HISTORY, HISTORY + ROUNDS), close_all)) / ROUNDS
    forming = {name: _forming(klines[-1]) for name, klines in histories.items()}
    show_s = _cpu_s(lambda: _each(range(ROUNDS), show_all)) / ROUNDS
    return [
        Result(
            f"{len(series)} closes at once: indicators, score, rules, paper trades",
            "≤ 1 s CPU",
            f"{close_s * 1e3:.1f} ms, {close_s / len(series) * 1e6:.0f} µs each",
            close_s <= 1,
        ),
        Result(
            f"provisional values of {len(series)} series once a second",
            "≤ 10 % of a core",
            f"{show_s:.2%}, {show_s / len(series) * 1e6:.0f} µs each",
            show_s <= 0.1,
        ),
        Result(
            f"warm start of {len(series)} series from {HISTORY} candles in memory",
            "part of ≤ 2 s to full pages",
            f"{warm_s:.2f} s",
            warm_s <= 2,
        ),
        *_books(),
        _backtest(),
    ]


def _close(series: IndicatorSeries, judge: CandleJudge, desk: PaperDesk, kline: Kline) -> None:
    """What the collector does at a close, but for storing."""
    closed_at = close_of(kline.open_time, kline.interval)
    for close in series.take([kline]):
        rate(close)
        desk.on_close(kline.interval, closed_at + 1)
        for signal in judge.judge(close, closed_at, Quote(kline.close, kline.close, closed_at)):
            desk.on_signal(signal, close.indicators.atr)


def _books() -> list[Result]:
    """A look at a book by the book rules, and a quote by a desk that holds positions."""
    count = 50_000
    judge = BookJudge("ETHUSDT", SETTINGS)
    views = [BookView(n * 50, 100.0, 100.1, 1.0, 0.5, (n % 100) / 100) for n in range(count)]
    look_us = _cpu_s(lambda: _each(views, judge.look)) / count * 1e6
    klines = walk("1m", 600)
    series, desk = IndicatorSeries("1m"), PaperDesk(SETTINGS, 5.0)
    candle_judge = CandleJudge("ETHUSDT", "1m", SETTINGS)
    for kline in klines:
        _close(series, candle_judge, desk, kline)
    quotes = [
        Quote(klines[-1].close, klines[-1].close, klines[-1].open_time + 60_000 + n) for n in range(count)
    ]
    quote_us = _cpu_s(lambda: _each(quotes, desk.on_quote)) / count * 1e6
    return [
        Result("book rules, one look", "", f"{look_us:.2f} µs"),
        Result("paper trades, one quote", "", f"{quote_us:.2f} µs"),
    ]


def _backtest() -> Result:
    """Candles per second of CPU."""
    klines = walk("1m", 20_000)
    replay = Replay("ETHUSDT", "1m", SETTINGS, Costs(1.0, 5.0))
    used = _cpu_s(lambda: _each(klines, replay.take))
    rate_s = len(klines) / used
    return Result(
        "backtest, all candle rules", "", f"{rate_s:,.0f} candles/s, a year of 1m in {525_600 / rate_s:.0f} s"
    )


def _cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds that a piece of work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _each(items: Iterable[T], work: Callable[[T], object]) -> None:
    for item in items:
        work(item)


def _forming(kline: Kline) -> Kline:
    return msgspec.structs.replace(kline, is_closed=False)


def walk(interval: str, count: int) -> list[Kline]:
    """Closed candles of a random walk."""
    rng, price, step, found = random.Random(interval), 1000.0, INTERVAL_MS[interval], []
    for index in range(count):
        before, price = price, price * (1 + rng.gauss(0, 1e-3))
        high, low = max(before, price) * 1.0002, min(before, price) * 0.9998
        volume = rng.lognormvariate(0, 1)
        prices = (before, high, low, price, volume, volume * price)
        found.append(Kline("ETHUSDT", interval, index * step, *prices, True, 0, 0))
    return found
