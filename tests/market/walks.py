"""Candles to test with: random walks on a grid of ticks, with flat stretches and jumps."""

import random
from collections.abc import Sequence

import numpy as np

from market.events import Kline
from market.indicators import Past
from market.indicators.day import Minutes
from market.intervals import INTERVAL_MS

DAY = 1_763_596_800_000
"""A midnight."""


def kline(
    index: int,
    close: float,
    *,
    open_: float | None = None,
    high: float | None = None,
    low: float | None = None,
    volume: float = 1.0,
    bought: float | None = None,
    interval: str = "1m",
    is_closed: bool = True,
    complete: bool = True,
) -> Kline:
    """The `index`-th candle after `DAY`; what is not said equals its close."""
    open_ = close if open_ is None else open_
    return Kline(
        symbol="ETHUSDT",
        interval=interval,
        open_time=DAY + index * INTERVAL_MS[interval],
        open=open_,
        high=max(open_, close) if high is None else high,
        low=min(open_, close) if low is None else low,
        close=close,
        volume=volume,
        turnover=volume * close,
        is_closed=is_closed,
        event_time=0,
        recv_time=0,
        taker_buy_volume=bought,
        complete=complete,
    )


def walk(
    seed: int, count: int, *, tick: float = 0.01, start: int = 20_000, rests: bool = True
) -> list[Kline]:
    """A random walk in ticks: calm and wild stretches, some without a move, jumps, surges of volume."""
    rng = random.Random(seed)
    price = start
    found: list[Kline] = []
    while len(found) < count:
        step = rng.choice([0, 0, 2, 10, 30] if rests else [2, 10, 30])
        for _ in range(rng.randint(1, 60)):
            jump = rng.choice([-1, 1]) * 300 if rng.random() < 0.01 else 0
            opened = price
            price = max(price + rng.randint(-step, step) + jump, start // 10)
            high = max(opened, price) + rng.randint(0, step)
            low = min(opened, price) - rng.randint(0, step)
            volume = rng.lognormvariate(0, 1)
            close, open_ = price * tick, opened * tick
            found.append(
                kline(len(found), close, open_=open_, high=high * tick, low=low * tick, volume=volume)
            )
    return found[:count]


def without(klines: Sequence[Kline], missing: set[int]) -> list[Kline]:
    """The candles but for those at these indexes."""
    return [kline for index, kline in enumerate(klines) if index not in missing]


def past_of(klines: Sequence[Kline]) -> Past:
    """Candles as columns."""
    return Past(
        np.array([k.open_time for k in klines], dtype=np.int64),
        np.array([k.open for k in klines]),
        np.array([k.high for k in klines]),
        np.array([k.low for k in klines]),
        np.array([k.close for k in klines]),
        np.array([k.volume for k in klines]),
        np.array([k.turnover for k in klines]),
        np.array([k.complete for k in klines], dtype=np.bool_),
    )


def minutes_of(klines: Sequence[Kline]) -> Minutes:
    """1m candles as columns."""
    bought = [np.nan if k.taker_buy_volume is None else k.taker_buy_volume for k in klines]
    return Minutes(
        np.array([k.open_time for k in klines], dtype=np.int64),
        np.array([k.turnover for k in klines], dtype=np.float64),
        np.array([k.volume for k in klines], dtype=np.float64),
        np.array(bought, dtype=np.float64),
        np.array([k.complete for k in klines], dtype=np.bool_),
    )
