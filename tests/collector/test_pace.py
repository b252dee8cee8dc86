import pytest

from collector.pace import AIM_S, LEAST, MOST, Pace


@pytest.mark.parametrize(
    ("rows", "seconds", "expected"),
    [(5_000, 0.05, MOST), (5_000, 5.0, 1_000 * AIM_S), (100, 10.0, LEAST), (200, 0.0, MOST)],
)
def test_writes_are_as_large_as_they_may_be(rows: int, seconds: float, expected: float) -> None:
    """Each takes about a quarter of a second, within bounds."""
    pace = Pace()
    assert pace.rows == MOST
    pace.note(rows, seconds)
    assert pace.rows == int(expected)


def test_a_few_rows_say_little_unless_they_took_long() -> None:
    """A small write is mostly the way there and back."""
    pace = Pace()
    pace.note(10, 0.02)
    assert pace.rows == MOST
    pace.note(10, 2.0)
    assert pace.rows == LEAST


def test_it_follows_a_database_that_changes() -> None:
    """Down at once when a write did not end, up again as writes get faster."""
    pace = Pace()
    for expected in (1_250, 312, 78, LEAST):
        pace.slow_down()
        assert pace.rows == expected
    seen = []
    for _ in range(20):
        pace.note(pace.rows, pace.rows / 100_000)
        seen.append(pace.rows)
    assert seen == sorted(seen)
    assert seen[-1] == MOST
