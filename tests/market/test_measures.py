"""What the best levels say, and plain numbers."""

import pytest

from market.decimals import places_of, plain, plain_json
from market.measures import (
    Depth,
    depth_imbalance,
    depth_within,
    imbalance,
    microprice,
    mid,
    order_flow,
    return_bps,
    spread_bps,
)


def test_measures_of_a_book() -> None:
    """By their definitions, on a book small enough for the head."""
    assert mid(99.0, 101.0) == 100.0
    assert spread_bps(99.0, 101.0) == 200.0
    assert imbalance(3.0, 1.0) == 0.5
    assert microprice((99.0, 3.0), (101.0, 1.0)) == 100.5
    assert depth_imbalance([(99.0, 1.0), (98.0, 3.0)], [(101.0, 1.0), (102.0, 1.0)], 2) == 1 / 3


def test_mid_is_the_decimal_that_a_person_would_write() -> None:
    """Where the sum of two doubles is a hair beside it."""
    pairs = [(28.363, 28.364), (0.25195, 0.25196), (0.012024, 0.012026)]
    assert all((bid + ask) / 2 != mid(bid, ask) for bid, ask in pairs)
    assert [mid(*pair) for pair in pairs] == [28.3635, 0.251955, 0.012025]


def test_a_missing_side_gives_none() -> None:
    """Never the other side, never 0."""
    assert mid(99.0, None) is None
    assert spread_bps(None, 101.0) is None
    assert imbalance(None, 1.0) is None
    assert imbalance(0.0, 0.0) is None
    assert microprice(None, (101.0, 1.0)) is None
    assert depth_imbalance([], [(101.0, 1.0)], 10) is None


def test_depth_within_a_distance_of_mid() -> None:
    """Price × size up to and with the bound; whole only if the levels known go beyond it on both sides."""
    bids = [(99.95, 1.0), (99.9, 2.0), (99.0, 5.0)]
    asks = [(100.05, 1.0), (100.1, 1.0), (101.0, 5.0)]
    assert depth_within(bids, asks, 10) == Depth(99.95 + 2 * 99.9, 100.05 + 100.1, True)
    assert depth_within(bids[:2], asks, 10) == Depth(99.95 + 2 * 99.9, 100.05 + 100.1, False)
    assert depth_within(bids, asks, 1) == Depth(0.0, 0.0, True)
    assert depth_within(bids, asks, 200) == Depth(794.75, 705.15, False)
    assert depth_within([], asks, 10) is None


def test_order_flow_of_one_change() -> None:
    """What came to the bid and left the ask pushes up; what is missing says nothing."""
    before = (99.0, 2.0, 101.0, 3.0)
    assert order_flow(before, (99.0, 5.0, 101.0, 3.0)) == 3.0
    assert order_flow(before, (99.5, 1.0, 101.0, 3.0)) == 1.0
    assert order_flow(before, (98.0, 7.0, 101.0, 3.0)) == -2.0
    assert order_flow(before, (99.0, 2.0, 101.0, 1.0)) == 2.0
    assert order_flow(before, (99.0, 2.0, 100.0, 4.0)) == -4.0
    assert order_flow(before, (99.0, 2.0, 102.0, 9.0)) == 3.0
    assert order_flow(before, (None, None, 101.0, 1.0)) == 2.0
    assert order_flow((None, None, None, None), before) == 0.0


def test_numbers_are_plain_text() -> None:
    """No exponent at either end, no trailing .0, nothing for None."""
    cases = {65114.2: "65114.2", 65114.0: "65114", 1e-07: "0.0000001", 1.5e16: "15000000000000000", 0.0: "0"}
    assert {value: plain(value) for value in cases} == cases
    assert plain(None) == ""
    assert plain(-2.5e-06) == "-0.0000025"


def test_json_numbers_are_written_out() -> None:
    """Only numbers: text that looks like one stays."""
    assert plain_json('{"a":1e-7,"b":[2.5e-5,-3e+20],"c":"1e-7"}') == (
        '{"a":0.0000001,"b":[0.000025,-300000000000000000000],"c":"1e-7"}'
    )
    assert (
        plain_json('{"x": 1e16,"d":"at:1e-07 \\"[2e+9"}')
        == '{"x": 10000000000000000,"d":"at:1e-07 \\"[2e+9"}'
    )


def test_places_of_a_step() -> None:
    """Decimals of tick sizes, with and without a point."""
    assert [places_of(s) for s in (0.1, 0.0000001, 0.5, 1.0, 10.0, 0.00025)] == [1, 7, 1, 0, 0, 5]


def test_returns_have_a_sign() -> None:
    """Of the entry price, against it when sold."""
    assert return_bps("buy", 100.0, 101.0) == pytest.approx(100.0)
    assert return_bps("sell", 100.0, 101.0) == pytest.approx(-100.0)
