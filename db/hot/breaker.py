"""What the web's clients of Redis know together: that it failed a moment ago, so nobody else waits for it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis import ConnectionError as RedisGone
from redis import TimeoutError as RedisSilent
from redis.connection import AbstractConnection

PAUSE_S = 1.0
"""After a failure nobody asks for so long."""
_FAILURES = (RedisGone, RedisSilent)


class Breaker:
    """After a failure it refuses whoever comes at once, but one after each pause, until Redis answers."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._until: float | None = None
        """Until when everybody is refused; None: nobody is."""
        self._scout: int | None = None
        """The thread that tries whether it answers again."""

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
            self._scout, self._until = me, now + PAUSE_S
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

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Note a failure of what is done meanwhile."""
        try:
            yield
        except _FAILURES:
            self.failed()
            raise


def guarded(kind: type[AbstractConnection], breaker: Breaker) -> type[AbstractConnection]:
    """A kind of connection that asks the breaker before it goes anywhere, and tells it how that went."""

    class Guarded(kind):  # type: ignore[misc, valid-type]  # the kind is known when there is a URL
        def connect_check_health(self, *values: Any, **named: Any) -> None:
            _enter(breaker)
            with breaker.watch():
                super().connect_check_health(*values, **named)

        def send_packed_command(self, *values: Any, **named: Any) -> None:
            _enter(breaker)
            with breaker.watch():
                super().send_packed_command(*values, **named)

        def read_response(self, *values: Any, **named: Any) -> Any:
            with breaker.watch():
                answer = super().read_response(*values, **named)
            breaker.worked()
            return answer

    return Guarded


def _enter(breaker: Breaker) -> None:
    if breaker.refuses():
        raise RedisGone("it failed a moment ago and is not asked now")
