"""Candle by candle equals all at once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from market.indicators.arrays import FloatArray
from market.indicators.step import State, Values, advance
from market.indicators.table import tabulate
from tests.market.indicators.agreement import assert_agree
from tests.market.indicators.test_arrays import TICKS, columns
from tests.sizes import sized


def stepped(state: State, high: FloatArray, low: FloatArray, close: FloatArray) -> list[Values]:
    """The indicators candle by candle, from a state on."""
    rows = []
    for prices in zip(high.tolist(), low.tolist(), close.tolist(), strict=True):
        state, values = advance(state, *prices)
        rows.append(values)
    return rows


@settings(max_examples=sized(30), deadline=None)
@given(st.integers(), st.integers(1, 300), TICKS)
def test_steps_equal_the_batch(seed: int, count: int, tick: float) -> None:
    """Every value at every candle, to 1e-9 of the price or point."""
    prices = columns(seed, count, tick)
    batch = tabulate(*prices).values(0)
    assert_agree(stepped(State(), *prices), batch, within=1e-9, price=float(prices[2].max()))


@settings(max_examples=sized(20), deadline=None)
@given(st.integers(), st.integers(1, 120), st.integers(1, 60))
def test_a_batch_goes_on_in_steps(seed: int, warm: int, more: int) -> None:
    """The state that a table leaves is the one that steps would have come to, also while averages begin."""
    prices = columns(seed, warm + more, 0.01)
    state = tabulate(*(column[:warm] for column in prices)).state()
    rows = [*tabulate(*prices).values(0)][:warm] + stepped(state, *(column[warm:] for column in prices))
    assert_agree(rows, tabulate(*prices).values(0), within=1e-9, price=float(prices[2].max()))


def test_advancing_leaves_the_state_before_whole() -> None:
    """So that a forming candle can be looked at again and again."""
    state, _ = advance(State(), 2.0, 1.0, 1.5)
    kept = State(*state)
    assert advance(state, 9.0, 8.0, 8.5) == advance(state, 9.0, 8.0, 8.5)
    assert state == kept
