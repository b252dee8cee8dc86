"""What is granted on a busy machine, and that it is never everything."""

import pytest

from bench.drill.pulse import TURNS, Pulse, margin


def test_a_machine_that_is_on_time_grants_nothing() -> None:
    """Nor does one of which nothing was measured."""
    assert margin([0.0, 0.0], 5.0) == margin([], 5.0) == 0.0


def test_what_every_turn_lost_is_granted() -> None:
    """Or the longest wait, where one was longer than all of these."""
    assert margin([0.01, 0.03], 5.0) == pytest.approx(TURNS * 0.02)
    assert margin([0.0] * 99 + [2.0], 5.0) == 2.0


def test_no_more_is_granted_than_the_budget_itself() -> None:
    """So that a check can fail on any machine."""
    assert margin([30.0], 5.0) == 5.0


def test_beats_are_counted_in_their_time_alone() -> None:
    """Nothing was measured before it began."""
    with Pulse().running() as pulse:
        pass
    assert pulse.margin_s(5.0, 0.0, 0.0) == 0.0
