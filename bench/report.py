"""What a benchmark says, and how it is printed."""

from typing import NamedTuple


class Result(NamedTuple):
    """One budget and what was measured against it; `is_met` is None where it is only a figure to compare."""

    what: str
    budget: str
    measured: str
    is_met: bool | None = None

    @property
    def verdict(self) -> str:
        """MET, MISSED, or a dash."""
        return {True: "MET", False: "MISSED", None: "–"}[self.is_met]


def table(results: list[Result]) -> str:
    """The results as aligned text."""
    rows = [("what", "budget", "measured", ""), *((r.what, r.budget, r.measured, r.verdict) for r in results)]
    widths = [max(len(row[n]) for row in rows) for n in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
