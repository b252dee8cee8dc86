"""The time of day that the collector goes by. It goes on evenly where the machine's clock takes a step.

A step is believed only once a venue's time shows that it put the clock right (`heed`): a clock set wrong must
neither let data seem impossible nor close candles of an hour that has not been.
"""

import time
from collections.abc import Callable

import structlog

STEP_MS = 1_000
"""A smaller change is the machine's way to stay in time."""
_NS = 1_000_000

log = structlog.get_logger()


class Clock:
    """Epoch ms. For any thread."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns, self._steady_ns = wall_ns, steady_ns
        self._ahead_ns = wall_ns() - steady_ns()
        """How far the time of day is ahead of the steady clock."""
        self._is_told = False

    def now_ms(self) -> int:
        """The time of day."""
        steady = self._steady_ns()
        ahead = self._wall_ns() - steady
        if abs(ahead - self._ahead_ns) < STEP_MS * _NS:
            self._ahead_ns, self._is_told = ahead, False
        elif not self._is_told:
            self._is_told = True
            log.warning("clock.stepped", seconds=round((ahead - self._ahead_ns) / 1e9, 1))
        return (steady + self._ahead_ns) // _NS

    def now_by(self, lag_ms: int | None) -> int:
        """The time of day, heeding a venue whose data comes `lag_ms` after its own time, if that is known."""
        now_ms = self.now_ms()
        if lag_ms is not None and self.heed(now_ms - lag_ms):
            return self.now_ms()
        return now_ms

    def heed(self, venue_ms: int) -> bool:
        """Hear what a venue says the time is; True if a step is believed for that."""
        steady = self._steady_ns()
        ours_ms = (steady + self._ahead_ns) // _NS
        ahead = self._wall_ns() - steady
        wall_ms = (steady + ahead) // _NS
        if abs(wall_ms - venue_ms) + STEP_MS >= abs(ours_ms - venue_ms):
            return False
        log.warning("clock.followed", seconds=round((ahead - self._ahead_ns) / 1e9, 1))
        self._ahead_ns, self._is_told = ahead, False
        return True


CLOCK = Clock()
"""This process's."""
