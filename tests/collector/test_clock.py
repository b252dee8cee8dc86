"""The time of day goes on evenly when the machine's clock does not."""

import pytest

from collector.clock import Clock

HOUR_MS = 3_600_000
START_MS = 1_790_000_000_000


class Machine:
    """A machine's two clocks, ms."""

    def __init__(self) -> None:
        self.wall_ms, self.steady_ms = START_MS, 5_000
        self.clock = Clock(lambda: self.wall_ms * 1_000_000, lambda: self.steady_ms * 1_000_000)

    def run(self, ms: int, *, wall_ms: int | None = None) -> int:
        """Time passes, on the wall clock maybe another one; what the clock says then."""
        self.steady_ms += ms
        self.wall_ms += ms if wall_ms is None else wall_ms
        return self.clock.now_ms()


def test_it_follows_a_clock_that_is_kept_in_time() -> None:
    """A little more or less a second adds up."""
    machine = Machine()
    for _ in range(100):
        assert machine.run(1_000, wall_ms=1_050) == machine.wall_ms
    assert machine.clock.now_ms() == START_MS + 105_000


@pytest.mark.parametrize("step", [HOUR_MS, -HOUR_MS])
def test_a_step_is_not_believed(step: int) -> None:
    """Nor its end noticed."""
    machine = Machine()
    assert machine.run(2_000, wall_ms=2_000 + step) == START_MS + 2_000
    assert not machine.clock.heed(START_MS + 1_990)
    assert machine.run(60_000) == START_MS + 62_000
    assert machine.run(10, wall_ms=10 - step) == START_MS + 62_010 == machine.wall_ms


@pytest.mark.parametrize("step", [HOUR_MS, -HOUR_MS])
def test_a_step_that_puts_the_clock_right_is_believed(step: int) -> None:
    """As the venue's time shows, which may be some seconds late."""
    machine = Machine()
    machine.run(2_000, wall_ms=2_000 + step)
    assert machine.clock.heed(machine.wall_ms - 3_000)
    assert machine.clock.now_ms() == machine.wall_ms
    assert machine.run(1_000) == START_MS + step + 3_000


def test_a_venue_alone_moves_nothing() -> None:
    """While the machine's clock goes on as ever, what a venue says is its own affair."""
    machine = Machine()
    assert not machine.clock.heed(START_MS + HOUR_MS)
    assert machine.run(1_000) == START_MS + 1_000
