"""Being asked to end: by a signal, or by a part that cannot go on."""

import signal
import threading
import time
from types import FrameType

LOOK_EVERY_S = 0.1


class Stopping:
    """Whether this process is to end.

    A signal comes at any moment, also while this very thread holds the lock of an event: what it calls takes
    no lock, so `wait` looks instead of being woken by it.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._event = threading.Event()

    def hear(self) -> None:
        """Listen to SIGTERM and Ctrl-C; to be called from the main thread."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    def set(self) -> None:
        """End; for any thread, and no signal."""
        self._event.set()

    def wait(self, timeout_s: float = float("inf")) -> bool:
        """Wait until the process is to end, or `timeout_s`; whether it is."""
        until = time.monotonic() + timeout_s
        while not self._is_asked:
            left_s = until - time.monotonic()
            if self._event.wait(max(0.0, min(LOOK_EVERY_S, left_s))):
                return True
            if left_s <= LOOK_EVERY_S:
                break
        return self._is_asked

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._is_asked = True
