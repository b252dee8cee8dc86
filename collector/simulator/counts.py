"""What clients did: connects, subscriptions, REST requests. Bounded, and cheap enough to be always on."""

import time
from collections import Counter, deque
from typing import Any

_REMEMBERED = 5_000
_MOST_PATHS = 200
_OTHER = "(others)"


class Counts:
    """Totals since the start, and the newest connects and requests with their time: the machine's, ms."""

    def __init__(self) -> None:
        self._requests: Counter[str] = Counter()
        self._subscriptions: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._opened: Counter[str] = Counter()
        self._newest_requests: deque[tuple[int, str, int]] = deque(maxlen=_REMEMBERED)
        self._newest_connects: deque[tuple[int, str]] = deque(maxlen=_REMEMBERED)

    def note_request(self, path: str, status: int) -> None:
        """An HTTP request was answered."""
        known = path if path in self._requests or len(self._requests) < _MOST_PATHS else _OTHER
        self._requests[known] += 1
        self._newest_requests.append((wall_ms(), known, status))

    def note_connect(self, route: str) -> None:
        """A socket was opened."""
        self._opened[route] += 1
        self._newest_connects.append((wall_ms(), route))

    def note_refusal(self, route: str) -> None:
        """A socket was not let in."""
        self._refused[route if len(self._refused) < _MOST_PATHS else _OTHER] += 1

    def note_subscription(self, venue: str) -> None:
        """A client asked for a topic."""
        self._subscriptions[venue] += 1

    def told(self) -> dict[str, Any]:
        """All of it, as data."""
        return {
            "requests": dict(self._requests),
            "newest_requests": list(self._newest_requests),
            "connects": dict(self._opened),
            "newest_connects": list(self._newest_connects),
            "refused_handshakes": dict(self._refused),
            "subscriptions": dict(self._subscriptions),
        }


def wall_ms() -> int:
    """The machine's time."""
    return time.time_ns() // 1_000_000
