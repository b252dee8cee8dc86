"""What all who ask a store know together: that it failed a moment ago, so nobody else waits for it."""

import threading
import time
from collections.abc import Callable

PAUSE_S = 1.0
"""After a failure nobody asks for so long."""


class Breaker:
    """After a failure it refuses whoever comes at once, but one after each pause, until it answers."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic, *, scout_s: float = PAUSE_S) -> None:
        """`scout_s`: how long the one that tries may take before another one does."""
        self._monotonic = monotonic
        self._scout_s = scout_s
        self._lock = threading.Lock()
        self._until: float | None = None
        """Until when everybody is refused; None: nobody is."""
        self._scout: int | None = None
        """The thread that tries whether it answers again."""

    @property
    def is_open(self) -> bool:
        """Whether it failed, and did not answer since."""
        return self._until is not None

    def refuses(self) -> bool:
        """Whether to go without asking."""
        if self._until is None:
            return False
        with self._lock:
            me, now = threading.get_ident(), self._monotonic()
            if self._until is None or self._scout == me:
                return False
            if now < self._until:
                return True
            self._scout, self._until = me, now + self._scout_s
            return False

    def failed(self) -> None:
        """It did not answer."""
        with self._lock:
            self._scout, self._until = None, self._monotonic() + PAUSE_S

    def worked(self) -> None:
        """It did."""
        if self._until is not None:
            with self._lock:
                self._scout = self._until = None
