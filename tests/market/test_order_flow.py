"""Order-flow imbalance per interval."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.measures import order_flow
from market.order_flow import FlowBar, OrderFlow, taker_volume
from market.ticks import Best
from tests.market.walks import DAY
from tests.sizes import sized


def best(bid_size: float) -> Best:
    """A bid that holds its price, so that flow is the change of its size."""
    return (99.0, bid_size, 101.0, 1.0)


def test_an_interval_ends_when_a_later_one_begins() -> None:
    """The first was not watched from its begin; one without a change has no bar."""
    flow = OrderFlow("1m")
    changes = [(0, 1.0), (30, 3.0), (60, 2.0), (119, 5.0), (180, 4.0)]
    ended = [bar for second, size in changes if (bar := flow.on_best(best(size), DAY + second * 1000))]
    assert ended == [FlowBar(DAY, 2.0, is_whole=False), FlowBar(DAY + 60_000, 2.0, is_whole=True)]
    assert flow.forming == FlowBar(DAY + 180_000, -1.0, is_whole=True)


def test_what_was_missed_is_not_made_up() -> None:
    """Neither the interval that broke off nor the one in which watching goes on is whole."""
    flow = OrderFlow("1m")
    flow.on_best(best(1.0), DAY)
    flow.on_best(best(2.0), DAY + 61_000)
    flow.lose()
    assert flow.on_best(best(9.0), DAY + 130_000) == FlowBar(DAY + 60_000, 1.0, is_whole=False)
    assert flow.forming == FlowBar(DAY + 120_000, 0.0, is_whole=False)
    flow.on_best(best(9.5), DAY + 181_000)
    assert flow.forming == FlowBar(DAY + 180_000, 0.5, is_whole=True)


def test_a_late_change_counts_where_we_are() -> None:
    """Its interval is over and told."""
    flow = OrderFlow("1m")
    flow.on_best(best(1.0), DAY + 60_000)
    assert flow.on_best(best(3.0), DAY + 59_900) is None
    assert flow.forming == FlowBar(DAY + 60_000, 2.0, is_whole=False)


def test_nothing_seen_is_nothing_told() -> None:
    """No bar before the first change."""
    assert OrderFlow("1m").forming is None


SIDE = st.tuples(st.integers(90, 110).map(float), st.floats(0.1, 10))
BESTS = st.lists(st.tuples(SIDE, SIDE).map(lambda s: (*s[0], *s[1])), min_size=1, max_size=30)


@settings(max_examples=sized(50), deadline=None)
@given(BESTS)
def test_order_flow_adds_up(bests: list[tuple[float, float, float, float]]) -> None:
    """Within an interval it is the sum over its changes; swapping the sides turns its sign."""
    flow = OrderFlow("1h")
    for second, one in enumerate(bests):
        flow.on_best(one, DAY + second * 1000)
    assert flow.forming is not None
    assert flow.forming.order_flow == pytest.approx(sum(order_flow(a, b) for a, b in pairwise(bests)))
    for before, after in pairwise(bests):
        mirrored = [(-b[2], b[3], -b[0], b[1]) for b in (before, after)]
        assert order_flow(*mirrored) == pytest.approx(-order_flow(before, after))


def test_a_volume_has_two_sides_where_it_is_known_who_took() -> None:
    """Rounding never makes a side negative."""
    found = taker_volume(5.0, 3.0)
    assert found == (3.0, 2.0)
    assert found is not None and found.delta == 1.0
    assert taker_volume(5.0, None) is None
    assert taker_volume(5.0, 5.000000001) == (5.000000001, 0.0)
