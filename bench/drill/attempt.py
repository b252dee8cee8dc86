"""A line that breaks off is a wrong line, and the others are still played."""

import sys
import time
import traceback
from collections.abc import Callable

from bench.drill.case import Outcome
from bench.drill.rig import Halted


def attempt(play: Callable[[], Outcome]) -> Outcome:
    """What came of a fault; where playing it raised, that is what was wrong. Raises Halted.

    Nobody knows what such a one left behind, so the outcome is not a calm one: the collector is started anew.
    """
    began = time.monotonic()
    try:
        outcome = play()
    except Halted:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever it is, it belongs to this line alone
        traceback.print_exc(file=sys.stderr)
        outcome = broken_off(problem)
    outcome.took_s = time.monotonic() - began
    return outcome


def broken_off(problem: Exception) -> Outcome:
    """The outcome of something that raised."""
    words = " ".join(str(problem).split())
    return Outcome(problems=[f"broke off: {type(problem).__name__}: {words}"], was_calm=False)
