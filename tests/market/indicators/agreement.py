"""When two ways to the same indicators agree."""

from collections.abc import Iterable, Sequence

from market.indicators.step import Values

PRICE_UNITS = {"ema_fast", "ema_slow", "macd", "macd_signal", "bb_upper", "bb_lower", "atr"}
"""Those in quote currency; the others are points from 0 to 100."""
Row = Sequence[float | None]


def assert_agree(rows: Iterable[Row], others: Iterable[Row], *, within: float, price: float) -> None:
    """Equal to `within` of a point, or of the price; missing in one exactly where missing in the other.

    StochRSI divides by the range of RSI: where that is below a point, its noise is as many times greater.
    """
    past: list[float] = []
    for row, other in zip(rows, others, strict=True):
        if row[0] is not None:
            past.append(row[0])
        for name, a, b in zip(Values._fields, row, other, strict=True):
            assert (a is None) == (b is None), name
            scale = price if name in PRICE_UNITS else 1 / _range(past) if name.startswith("stoch") else 1.0
            assert a is None or b is None or abs(a - b) <= within * scale, (name, a, b)


def _range(past: list[float]) -> float:
    """The least range of RSI that the newest D is made of, but for windows that are flat; at most 1."""
    windows = [past[max(0, end - 14) : end] for end in range(max(len(past) - 4, 1), len(past) + 1)]
    ranges = [max(window) - min(window) for window in windows if window]
    return min([1.0, *(found for found in ranges if found >= 1e-8)])
