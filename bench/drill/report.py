"""The table of a drill."""

import math
from collections.abc import Sequence

from bench.drill.case import Outcome

HEAD = (
    "fault", "", "noticed in", "live again in", "granted", "expected", "found", "outside ledger", "twice",
    "ledger", "others", "verdict",
)  # fmt: skip


_SEEN_S = 0.05


def verdict(outcome: Outcome) -> str:
    """RIGHT, WRONG, or skipped."""
    return "skipped" if outcome.skipped else "WRONG" if outcome.problems else "RIGHT"


def line(number: str, title: str, outcome: Outcome) -> tuple[str, ...]:
    """One row of the table."""
    if outcome.skipped:
        return (number, title, *["–"] * (len(HEAD) - 3), f"skipped: {outcome.skipped}")
    rows = outcome.rows
    return (
        number,
        title,
        _seconds(outcome.noticed_s),
        _seconds(outcome.live_s),
        _granted(outcome.granted_s),
        str(rows.expected),
        str(rows.found),
        str(rows.outside),
        str(rows.twice),
        outcome.ledger,
        outcome.others,
        verdict(outcome),
    )


def details(outcome: Outcome) -> list[str]:
    """What was wrong, in words."""
    return [f"     {problem}" for problem in outcome.problems]


def table(lines: Sequence[Sequence[str]]) -> str:
    """Aligned text."""
    rows = [HEAD, *lines]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD) - 1)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in rows
    )


def _granted(seconds: float) -> str:
    """What a busy machine added to the budgets, where that can be seen."""
    return f"+{seconds:.1f} s" if seconds >= _SEEN_S else "–"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return "never" if math.isinf(value) else f"{value:.1f} s"
