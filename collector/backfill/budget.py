"""A worker's side of a venue's REST budget: the shared one, and its own share while Redis is away.

Redis is asked for a quarter of a second at most; a worker that had to do without it tries again after some
seconds. What the venue forbids this worker holds for it even if Redis forgets, and Redis is told again.
"""

import threading
import time
from typing import Protocol

import structlog

from collector.clock import CLOCK
from collector.venues import Limits
from db.errors import StoreUnavailable
from db.hot.budget import LATER_SHARE, URGENT_SHARE, Wait

log = structlog.get_logger()

RETRY_S = 5.0
"""How long to do without Redis after it did not answer."""


class Shared(Protocol):
    """The budget that all workers share. Every method raises StoreUnavailable."""

    def take(self, weight: float, *, is_urgent: bool) -> Wait:
        """Take `weight`, if it is there and nobody has to rest."""

    def note(self, used: int) -> None:
        """What the venue says this address has used of its window."""

    def close(self, for_ms: int, reason: str) -> None:
        """Let nobody ask for so long."""


class OwnShare:
    """The same arithmetic as `db.hot.budget` for one worker of several. Not thread-safe. `now`: seconds."""

    def __init__(self, limits: Limits, processes: int, now: float) -> None:
        self._limits = limits
        self._burst, self._per_s = limits.burst / processes, limits.per_s / processes
        self._room, self._room_later = self._burst, self._burst * LATER_SHARE
        self._filled_at = now
        self._window, self._used = 0, 0.0

    def take(self, weight: float, now: float, *, is_urgent: bool) -> Wait:
        """Take `weight`, if it is there."""
        self._refill(now)
        has, cap, rate, share = self._room, self._burst, self._per_s, URGENT_SHARE
        if not is_urgent:
            has, share = min(has, self._room_later), LATER_SHARE
            cap, rate = cap * LATER_SHARE, rate * LATER_SHARE
        wait_s = max(0.0, min(weight, cap) - has) / rate
        if self._used > 0 and self._used + weight > self._limits.limit * share:
            wait_s = max(wait_s, (self._window + 1) * self._limits.window_s - now)
        if wait_s > 0:
            return Wait(int(wait_s * 1000) + 1)
        self.spend(weight, now, is_urgent=is_urgent)
        return Wait(0)

    def spend(self, weight: float, now: float, *, is_urgent: bool) -> None:
        """Weight that was used, by whoever's leave."""
        self._refill(now)
        self._room = max(0.0, self._room - weight)
        if not is_urgent:
            self._room_later = max(0.0, self._room_later - weight)
        self._used += weight

    def note(self, used: int, now: float) -> None:
        """What the venue says this address has used of its window."""
        self._refill(now)
        self._used = max(self._used, used)

    def _refill(self, now: float) -> None:
        past = max(0.0, now - self._filled_at)
        self._filled_at = now
        self._room = min(self._burst, self._room + past * self._per_s)
        self._room_later = min(self._burst * LATER_SHARE, self._room_later + past * self._per_s * LATER_SHARE)
        window = int(now // self._limits.window_s)
        if window != self._window:
            self._window, self._used = window, 0.0


class Budget:
    """What this worker may ask of one venue. Thread-safe; never waits longer than for one Redis command."""

    def __init__(self, limits: Limits, shared: Shared | None = None, *, processes: int = 1) -> None:
        """`shared` None: this worker is alone. `processes`: how many share the address."""
        self._shared = shared
        self._own = OwnShare(limits, processes, CLOCK.now_ms() / 1000)
        self._lock = threading.Lock()
        self._closed_until = 0.0
        self._reason = ""
        self._without_until = 0.0

    def take(self, weight: float, *, is_urgent: bool) -> Wait:
        """Take `weight`, if it is there and nobody has to rest."""
        closed = self._closed()
        if closed.ms:
            self._tell(closed)
            return closed
        wait = self._ask(weight, is_urgent=is_urgent)
        with self._lock:
            if wait is None:
                return self._own.take(weight, CLOCK.now_ms() / 1000, is_urgent=is_urgent)
            if not wait.ms:
                self._own.spend(weight, CLOCK.now_ms() / 1000, is_urgent=is_urgent)
            return wait

    def note(self, used: int) -> None:
        """What the venue says this address has used of its window."""
        with self._lock:
            self._own.note(used, CLOCK.now_ms() / 1000)
        if self._shared is not None and time.monotonic() >= self._without_until:
            try:
                self._shared.note(used)
            except StoreUnavailable as error:
                self._do_without(error)

    def close(self, for_s: float, reason: str) -> None:
        """The venue wants to be left alone for so long, by every worker."""
        with self._lock:
            until = time.monotonic() + for_s
            if until > self._closed_until:
                self._closed_until, self._reason = until, reason
        self._tell(self._closed())

    def _closed(self) -> Wait:
        with self._lock:
            left = self._closed_until - time.monotonic()
            return Wait(int(left * 1000) + 1, self._reason) if left > 0 else Wait(0)

    def _ask(self, weight: float, *, is_urgent: bool) -> Wait | None:
        """The shared budget's answer; None if there is none."""
        if self._shared is None or time.monotonic() < self._without_until:
            return None
        try:
            return self._shared.take(weight, is_urgent=is_urgent)
        except StoreUnavailable as error:
            self._do_without(error)
            return None

    def _tell(self, closed: Wait) -> None:
        """Say it to the other workers; again and again while it lasts, for Redis may forget."""
        if self._shared is None or time.monotonic() < self._without_until:
            return
        try:
            self._shared.close(closed.ms, closed.reason)
        except StoreUnavailable as error:
            self._do_without(error)

    def _do_without(self, error: StoreUnavailable) -> None:
        self._without_until = time.monotonic() + RETRY_S
        log.warning("budget.unshared", reason=str(error), retry_s=RETRY_S)
