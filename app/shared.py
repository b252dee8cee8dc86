"""A value that one request makes and everybody gets, until it is old."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

WAIT_AGE_S = 2.0
"""Whoever finds a value older than this waits for the new one instead of taking the old."""

Value = TypeVar("Value")


class Shared(Generic[Value]):
    """Made at most every `max_age_s`: by whoever asks first when it is older than that.

    Whoever comes while it is made gets the one before.
    """

    def __init__(self, monotonic: Callable[[], float], max_age_s: float) -> None:
        self._monotonic = monotonic
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._made: tuple[Value, float] | None = None

    def get(self, make: Callable[[], Value]) -> Value:
        """The value, made by `make` if it has to be. Waits where there is none yet, or one from long ago."""
        made = self._made
        if made is not None and self._age(made) < self._max_age_s:
            return made[0]
        if not self._lock.acquire(blocking=made is None or self._age(made) > WAIT_AGE_S):
            assert made is not None
            return made[0]
        try:
            made = self._made  # somebody may have made it while we waited
            if made is None or self._age(made) >= self._max_age_s:
                made = self._made = make(), self._monotonic()
            return made[0]
        finally:
            self._lock.release()

    def _age(self, made: tuple[Value, float]) -> float:
        return self._monotonic() - made[1]
