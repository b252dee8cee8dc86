"""What people asked for lately is kept; what nobody asks for any more is let go."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

KEEP_S = 60.0
"""What nobody asked for so long is let go."""

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Lately(Generic[Key, Value]):
    """At most `most` values by what was asked, made at the first asking."""

    def __init__(self, make: Callable[[Key], Value], monotonic: Callable[[], float], most: int) -> None:
        self._make = make
        self._monotonic = monotonic
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[Key, _Held[Value]] = OrderedDict()

    def get(self, key: Key) -> Value:
        """The value of this key."""
        now = self._monotonic()
        with self._lock:
            held = self._held.pop(key, None)
            value = self._make(key) if held is None else held.value
            self._held[key] = _Held(value, now)  # the one asked for last stands last
            while len(self._held) > self._most or next(iter(self._held.values())).asked_at < now - KEEP_S:
                self._held.popitem(last=False)
            return value


class _Held(NamedTuple, Generic[Value]):
    value: Value
    asked_at: float
