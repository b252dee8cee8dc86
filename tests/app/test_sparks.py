"""A day of a price as text."""

import struct

from app.sparks import GAP, Grid, candles_of, grid_at, interval_for, spark_of
from market.intervals import DAY_MS

QUARTER = 900_000
UNTIL = 20_000 * DAY_MS
GRID = Grid(QUARTER, UNTIL)


def closes(*values: float, first: int = UNTIL - DAY_MS, step: int = QUARTER) -> list[tuple[int, float]]:
    return [(first + i * step, value) for i, value in enumerate(values)]


def test_the_lowest_and_the_highest_close_are_the_ends_of_the_scale() -> None:
    """Each line has a scale of its own; the bounds are told beside it."""
    spark = spark_of(closes(*(100.0 + i for i in range(96))), GRID)
    assert spark is not None
    assert (len(spark.heights), spark.low, spark.high) == (96, 100.0, 195.0)
    assert (spark.heights[0], spark.heights[-1]) == ("0", "[")
    assert list(spark.heights) == sorted(spark.heights)


def test_a_hole_stays_a_hole() -> None:
    """What was not received is not bridged."""
    found = closes(1.0, 2.0, 3.0)
    spark = spark_of([found[0], found[2]], GRID)
    assert spark is not None
    assert spark.heights == "0" + GAP + "[" + GAP * 93


def test_only_the_day_counts() -> None:
    """A candle from before it, or one that opens at its end, has no slot."""
    outside = [(UNTIL - DAY_MS - 1, 5.0), (UNTIL, 7.0)]
    assert spark_of(outside, GRID) is None
    inside = spark_of([*outside, *closes(1.0)], GRID)
    assert inside is not None
    assert (inside.low, inside.high) == (1.0, 1.0)


def test_a_price_that_rests_runs_in_the_middle() -> None:
    """Not along the floor, as if it were low."""
    spark = spark_of(closes(2.0, 2.0), GRID)
    assert spark is not None
    assert spark.heights[:2] == "FF"


def test_shorter_candles_are_joined_and_longer_ones_keep_their_length() -> None:
    """Of several closes in a slot the last counts."""
    assert interval_for(("1m", "5m", "1h", "15m")) == "15m"
    assert interval_for(("1m", "5m")) == "5m"
    assert interval_for(("1m", "4h", "1h")) == "1h"
    assert grid_at(UNTIL + 1, "5m") == GRID
    assert grid_at(UNTIL + 1, "1h").slots == 24
    spark = spark_of(closes(1.0, 9.0, 2.0, 3.0, step=300_000), GRID)
    assert spark is not None
    assert spark.heights[:2] == "0["


def test_packed_candles_are_read_as_they_were_packed() -> None:
    """Open time in seconds, close in the fifth place."""
    packed = struct.pack(">16d", 60.0, 1, 2, 0.5, 1.5, 10, 15, 1, 120.0, 1, 2, 0.5, 1.25, 10, 15, 0)
    assert list(candles_of(packed)) == [(60_000, 1.5), (120_000, 1.25)]
