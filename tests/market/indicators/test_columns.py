"""The memory of a series: order, replacement, and bars."""

import msgspec

from market.indicators.columns import Columns
from tests.market.walks import DAY, kline


def columns(*indexes: int) -> Columns:
    """Candles at these minutes, put one by one."""
    found = Columns(60_000)
    for index in indexes:
        found.put([kline(index, float(index + 1), volume=float(index))])
    return found


def minutes(found: Columns) -> list[int]:
    return [(time - DAY) // 60_000 for time in found.open_time]


def test_candles_lie_in_order_whenever_they_come() -> None:
    """With their numbers beside them."""
    found = columns(2, 0, 3, 1)
    assert minutes(found) == [0, 1, 2, 3]
    assert (list(found.close), list(found.volume)) == ([1, 2, 3, 4], [0, 1, 2, 3])
    assert (len(found), found.newest) == (4, DAY + 180_000)
    assert (len(Columns(60_000)), Columns(60_000).newest) == (0, None)


def test_putting_tells_the_first_index_that_changed() -> None:
    """None for what is known, or is no number."""
    found = columns(0, 1, 3)
    assert found.put([kline(1, 2.0, volume=1.0)]) is None
    assert found.put([kline(1, float("nan"))]) is None
    assert found.put([kline(5, 6.0), kline(1, 9.0)]) == 1
    assert found.put([kline(2, 3.0)]) == 2
    assert found.put([kline(6, 7.0), kline(7, 8.0)]) == 5
    assert (minutes(found), found.close[1]) == ([0, 1, 2, 3, 5, 6, 7], 9.0)


def test_bars_count_whole_candles_in_a_row() -> None:
    """A missing one begins anew at 1, an incomplete one is 0; repairs count on."""
    found = columns(0, 1, 3, 4)
    found.put([msgspec.structs.replace(kline(5, 1.0), complete=False), kline(6, 1.0)])
    assert list(found.bars) == [1, 2, 1, 2, 0, 1]
    found.put([kline(2, 3.0), kline(5, 1.0)])
    assert list(found.bars) == [1, 2, 3, 4, 5, 6, 7]


def test_the_oldest_are_dropped_and_the_rest_stays() -> None:
    """Bars keep what led up to them."""
    found = columns(0, 1, 2, 3)
    found.drop(2)
    assert (minutes(found), list(found.bars), list(found.close)) == ([2, 3], [3, 4], [3.0, 4.0])
    found.put([kline(4, 5.0)])
    assert list(found.bars) == [3, 4, 5]


def test_mean_volume_is_of_the_candles_before() -> None:
    """None where there are fewer."""
    found = columns(0, 1, 2, 3)
    assert found.volume_mean(3, over=2) == 1.5
    assert found.volume_mean(1, over=2) is None
