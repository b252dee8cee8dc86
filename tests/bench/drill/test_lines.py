"""The drill's list of faults is whole: what cannot be injected has a line that says why."""

import math
import time

from bench.drill.__main__ import ALONE, ANEW, OVER, SKIPPED, STORES, Limits


def test_every_fault_of_stores_and_process_has_a_line() -> None:
    """R1 to R12, P1 to P16, X1 to X14."""
    numbers = {it.number for it in ALONE + STORES + ANEW}
    listed = {
        f"{letter}{n}" for letter, count in (("R", 12), ("P", 16), ("X", 14)) for n in range(1, count + 1)
    }
    assert listed <= numbers


def test_what_takes_long_or_comes_late_is_skipped_and_says_so() -> None:
    """Nothing is, where it was asked for."""
    short, late = Limits(False, math.inf), Limits(False, time.monotonic() - 1)
    assert [short.skips(), short.skips(is_long=True)] == ["", SKIPPED]
    assert [late.skips(), late.skips(is_long=True)] == [OVER, SKIPPED]
    assert Limits(True, math.inf).skips(is_long=True) == ""
