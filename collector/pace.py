"""How many rows the database takes at once, as it is now, without holding up others."""

MOST = 5_000
LEAST = 50
AIM_S = 0.25
"""What one write should take: rows that come meanwhile wait no longer than that."""
_WEIGHT = 0.3
_TELLING = 50
"""Smaller writes say more of the way there and back than of the rows."""


class Pace:
    """Follows how fast rows are written. `rows`: how many to write at once."""

    def __init__(self) -> None:
        self.rows = MOST
        self._per_s: float | None = None

    def note(self, rows: int, seconds: float) -> None:
        """A write took that long."""
        if rows < _TELLING and seconds < AIM_S:
            return
        now = rows / max(seconds, 1e-6)
        self._per_s = now if self._per_s is None else self._per_s + _WEIGHT * (now - self._per_s)
        self._set(self._per_s * AIM_S)

    def slow_down(self) -> None:
        """A write of that many rows took too long to end."""
        self._per_s = None
        self._set(self.rows / 4)

    def _set(self, rows: float) -> None:
        self.rows = max(LEAST, min(MOST, int(rows)))
