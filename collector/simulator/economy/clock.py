"""What time it is for the simulator: the machine's clock, or one that starts elsewhere and runs faster."""

import time


class Clock:
    """Epoch milliseconds: the machine's clock, or, with `start_ms`, one that starts there when it is made.

    `behind_s`: how far it is behind until it catches up.
    """

    def __init__(self, start_ms: float | None = None, speed: float = 1.0, behind_s: float = 0.0) -> None:
        self.speed = speed
        self._start_ms = start_ms
        self._began = time.monotonic()
        self._behind_ms = behind_s * 1000.0
        self._shift_ms = 0.0

    def now(self) -> float:
        """The time."""
        offset = self._shift_ms - self._behind_ms
        if self._start_ms is None:
            return time.time() * 1000.0 + offset
        return self._start_ms + (time.monotonic() - self._began) * 1000.0 * self.speed + offset

    def seconds_until(self, time_ms: float) -> float:
        """How long to sleep, in real seconds, until the clock shows `time_ms`; 0 if it is past."""
        return max(0.0, time_ms - self.now()) / 1000.0 / self.speed

    def shift(self, milliseconds: float) -> None:
        """Set the clock forward, or back."""
        self._shift_ms += milliseconds

    def catch_up(self) -> float:
        """Be behind no more; the milliseconds that were left out."""
        behind, self._behind_ms = self._behind_ms, 0.0
        return behind
