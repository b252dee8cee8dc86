"""Signals to test with."""

from market.intervals import close_of
from market.quotes import Side
from market.signals.model import Signal
from tests.market.walks import DAY


def signal(
    index: int,
    side: Side = "buy",
    *,
    rule: str = "rsi_reversal",
    interval: str = "1m",
    price: float = 100.0,
    spread_bps: float | None = 0.0,
) -> Signal:
    """A signal of the `index`-th candle after `DAY`, known at its last ms; a book's at its first."""
    step = "1m" if interval == "book" else interval
    open_time = DAY + index * (close_of(0, step) + 1)
    ts = open_time if interval == "book" else close_of(open_time, interval)
    return Signal("ETHUSDT", interval, rule, side, 0.5, ts, price, spread_bps, open_time, {})
