"""The definitions: laws that hold for every series, and agreement with a plain implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.indicators import arrays
from market.indicators.arrays import FloatArray
from market.indicators.step import Values
from market.indicators.table import tabulate
from tests.market.indicators import reference
from tests.market.indicators.agreement import PRICE_UNITS, assert_agree
from tests.market.walks import DAY, walk
from tests.sizes import sized

TICKS = st.sampled_from([1e-8, 0.01, 0.5, 10.0])


def columns(seed: int, count: int, tick: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """High, low and close of a walk."""
    klines = walk(seed, count, tick=tick)
    high, low, close = zip(*((k.high, k.low, k.close) for k in klines), strict=True)
    return np.array(high), np.array(low), np.array(close)


@settings(max_examples=sized(30), deadline=None)
@given(st.integers(), st.integers(1, 400), TICKS)
def test_the_batch_agrees_with_a_plain_implementation(seed: int, count: int, tick: float) -> None:
    """On random walks with flats and jumps, at large and tiny prices, to 1e-7 of the price or point."""
    high, low, close = columns(seed, count, tick)
    found = list(tabulate(high, low, close).values(0))
    wanted = reference.rows(high.tolist(), low.tolist(), close.tolist())
    assert_agree(found, wanted, within=1e-7, price=float(close.max()))


@settings(max_examples=sized(20), deadline=None)
@given(st.integers(), st.integers(2, 300), st.data())
def test_appending_leaves_the_past_unchanged(seed: int, count: int, data: st.DataObject) -> None:
    """No value depends on a later candle."""
    high, low, close = columns(seed, count, 0.01)
    cut = data.draw(st.integers(1, count))
    whole = list(tabulate(high, low, close).values(0))
    assert list(tabulate(high[:cut], low[:cut], close[:cut]).values(0)) == whole[:cut]


@settings(max_examples=sized(20), deadline=None)
@given(st.integers(), st.sampled_from([0.5, 4.0, 1024.0]))
def test_scaling_prices_scales_the_result(seed: int, factor: float) -> None:
    """Oscillators stay, what is in quote currency grows by the factor; exact for powers of two."""
    high, low, close = columns(seed, 120, 0.01)
    before = list(tabulate(high, low, close).values(40))
    after = list(tabulate(factor * high, factor * low, factor * close).values(40))
    for row, scaled in zip(before, after, strict=True):
        for name, value, other in zip(Values._fields, row, scaled, strict=True):
            assert value is not None
            assert other == pytest.approx(
                value * (factor if name in PRICE_UNITS else 1.0), rel=1e-9, abs=1e-9
            )


def test_a_flat_series() -> None:
    """RSI is 100 (no loss), StochRSI 0 (flat window), the bands meet at the price, and nothing ranges."""
    flat = np.full(60, 0.1)
    last = next(tabulate(flat, flat, flat).values(59))
    assert (last.rsi, last.stoch_rsi_k, last.stoch_rsi_d, last.atr) == (100.0, 0.0, 0.0, 0.0)
    assert last.bb_upper == pytest.approx(0.1, abs=1e-15)
    assert last.bb_lower == pytest.approx(0.1, abs=1e-15)
    assert last.macd == pytest.approx(0.0, abs=1e-15)


def test_only_gains_and_only_losses() -> None:
    """The ends of RSI's scale."""
    rising = np.arange(1.0, 40.0)
    assert arrays.rsi(rising)[-1] == 100.0
    assert arrays.rsi(rising[::-1].copy())[-1] == 0.0


def test_float_noise_is_a_flat_window() -> None:
    """RSI that moves by rounding alone is no reason for StochRSI to swing from 0 to 100."""
    noisy = 50 + np.where(np.arange(30) % 2, 1e-13, 0.0)
    assert arrays.stochastic(noisy, 14)[13:].tolist() == [0.0] * 17


def test_first_values_come_where_they_are_said_to() -> None:
    """The index of the first value of each indicator."""
    high, low, close = columns(3, 60, 0.01)
    rows = list(tabulate(high, low, close).values(0))
    first = {n: next(i for i, row in enumerate(rows) if getattr(row, n) is not None) for n in Values._fields}
    assert first == {
        "rsi": 14, "stoch_rsi_k": 29, "stoch_rsi_d": 31, "ema_fast": 11, "ema_slow": 25,
        "macd": 25, "macd_signal": 33, "bb_upper": 19, "bb_lower": 19, "atr": 14,
    }  # fmt: skip


def test_a_range_spans_the_jump_from_the_candle_before() -> None:
    """A candle that opens far from the last close has a true range that reaches back to it."""
    close = np.array([10.0] * 14 + [20.0, 20.0])
    ranges = arrays.atr(close, close, close)
    assert ranges[13:].tolist() == pytest.approx([np.nan, 10 / 14, 10 / 14 * 13 / 14], nan_ok=True)


@pytest.mark.parametrize("function", [arrays.sma, arrays.ema, arrays.wilder, arrays.lowest])
def test_a_period_below_one_is_refused(function: object) -> None:
    """With what was found."""
    assert callable(function)
    with pytest.raises(ValueError, match="found 0"):
        function(np.ones(3), 0)


def test_vwap_of_the_day() -> None:
    """Turnover over volume from each midnight on; unknown from a hole, and on a day that began unseen."""
    minute = 60_000
    times = DAY + minute * np.array([-2, -1, 0, 1, 2, 4, 5])
    volume = np.array([1.0, 1.0, 0.0, 2.0, 1.0, 1.0, 1.0])
    turnover = np.array([5.0, 5.0, 0.0, 20.0, 16.0, 1.0, 1.0])
    found = arrays.vwap(times, volume, turnover, minute)
    assert found.tolist() == pytest.approx([np.nan] * 3 + [10.0, 12.0] + [np.nan] * 2, nan_ok=True)
