"""Which symbols are looked at, asked of Redis every few seconds."""

import time
from collections.abc import Callable, Iterable

import structlog

from db.errors import StoreUnavailable

log = structlog.get_logger()

EVERY_S = 3.0
RETRY_S = 15.0


class Screen:
    """The symbols of one venue on anybody's screen; none while Redis does not say."""

    def __init__(self, read: Callable[[], Iterable[str]]) -> None:
        """`read` may raise StoreUnavailable."""
        self._read = read
        self._symbols: frozenset[str] = frozenset()
        self._next_at = 0.0

    def __call__(self) -> frozenset[str]:
        """The symbols, at most some seconds old."""
        now = time.monotonic()
        if now >= self._next_at:
            self._next_at = now + EVERY_S
            try:
                self._symbols = frozenset(self._read())
            except StoreUnavailable as error:
                self._symbols, self._next_at = frozenset(), now + RETRY_S
                log.warning("screen.unknown", reason=str(error))
        return self._symbols
