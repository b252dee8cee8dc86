"""What is published of depth, taker volume, order flow and the day of one instrument."""

import json

import pytest

from collector.signals.fields import flow_part
from collector.signals.flows import Flows, Volumes
from tests.market.walks import DAY, kline

MINUTE = 60_000
EMPTY = {
    "vwap_day": None, "cvd_day": None,
    "bid_depth_10bps": None, "ask_depth_10bps": None, "is_depth_10bps_whole": None,
    "bid_depth_50bps": None, "ask_depth_50bps": None, "is_depth_50bps_whole": None,
}  # fmt: skip


def told(flows: Flows) -> dict[str, object]:
    found: dict[str, object] = json.loads(f"{{{flow_part(flows)}}}")
    return found


def test_nothing_is_made_up() -> None:
    """Every field is there, and null."""
    flows = Flows(("1m", "5m"))
    assert told(flows) == EMPTY
    assert flows.of("1m", DAY) == Volumes(None, None)


def test_depth_is_that_of_the_last_look_at_a_live_book() -> None:
    """In quote currency; the levels end before 50 basis points, and that is said."""
    flows = Flows(("1m",))
    flows.deepen([(99.99, 2.0), (99.8, 1.0)], [(100.01, 3.0), (100.2, 1.0)])
    found = told(flows)
    assert found["bid_depth_10bps"] == pytest.approx(199.98)
    assert found["ask_depth_10bps"] == pytest.approx(300.03)
    assert (found["is_depth_10bps_whole"], found["is_depth_50bps_whole"]) == (True, False)
    assert found["bid_depth_50bps"] == pytest.approx(299.78)
    flows.lose()
    assert told(flows) == EMPTY


def test_the_day_is_that_of_closed_minutes() -> None:
    """A forming one is not in it."""
    flows = Flows(("1m",))
    flows.take(kline(0, 10.0, volume=2.0, bought=1.5))
    flows.take(kline(1, 99.0, volume=9.0, bought=9.0, is_closed=False))
    assert told(flows)["vwap_day"] == 10.0
    assert told(flows)["cvd_day"] == 1.0


def test_volumes_are_of_the_candle_that_is_shown() -> None:
    """Of no other, and not of a broken one; an older candle that comes late replaces nothing."""
    flows = Flows(("1m",))
    flows.take(kline(1, 10.0, volume=2.0, bought=1.5, is_closed=False))
    flows.take(kline(0, 10.0, volume=7.0, bought=7.0))
    assert flows.of("1m", DAY + MINUTE).taker == (1.5, 0.5)
    assert flows.of("1m", DAY).taker is None
    flows.take(kline(2, 10.0, volume=2.0, bought=1.5, complete=False))
    assert flows.of("1m", DAY + 2 * MINUTE).taker is None


def test_order_flow_is_told_of_whole_intervals() -> None:
    """The first is not, as it was not seen from its beginning; the last that ended still is."""
    flows = Flows(("1m",))
    for second in range(150):
        flows.look((100.0, 1.0 + second, 101.0, 5.0), DAY + second * 1_000)
    assert flows.of("1m", DAY).order_flow is None
    assert flows.of("1m", DAY + MINUTE).order_flow == pytest.approx(60.0)
    assert flows.of("1m", DAY + 2 * MINUTE).order_flow == pytest.approx(30.0)
    flows.lose()
    flows.look((100.0, 1.0, 101.0, 5.0), DAY + 155_000)
    assert flows.of("1m", DAY + 2 * MINUTE).order_flow is None
