"""What breaks off makes its own line wrong, and no other."""

import pytest

from bench.drill.attempt import attempt
from bench.drill.case import Outcome
from bench.drill.report import verdict
from bench.drill.rig import Halted


def test_a_line_that_raises_is_wrong_and_says_why() -> None:
    """In one line, whatever the error says; and the next fault gets a collector of its own."""

    def broken() -> Outcome:
        raise ConnectionError("no\nserver")

    outcome = attempt(broken)
    assert verdict(outcome) == "WRONG"
    assert outcome.problems == ["broke off: ConnectionError: no server"]
    assert not outcome.was_calm


def test_the_outcome_of_what_went_through_is_passed_on() -> None:
    """As it is."""
    outcome = Outcome(noticed_s=1.0)
    assert attempt(lambda: outcome) is outcome


def test_who_asks_the_drill_to_end_is_heard() -> None:
    """Between all faults, not only between two."""

    def halted() -> Outcome:
        raise Halted

    with pytest.raises(Halted):
        attempt(halted)
