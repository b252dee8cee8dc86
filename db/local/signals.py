"""Ctrl-C, SIGTERM and SIGHUP as something to look at between two steps, not in the middle of one."""

import contextlib
import select
import signal
import socket
from types import FrameType, TracebackType

from db.local.errors import StopRequested

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """While entered, counts the signals that ask for an end.

    `ours=False`: Ctrl-C is meant for a shell in the foreground, which gets it from the terminal as we do.
    """

    def __init__(self, *, ours: bool = True) -> None:
        self.count = 0
        self.stopping = False
        self._counted = _STOPPING if ours else _STOPPING[1:]
        self._old: dict[int, object] = {}

    def __enter__(self) -> "Signals":
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        for number in (*_STOPPING, signal.SIGCHLD):  # SIGCHLD: a child's end is seen at once
            self._old[number] = signal.signal(number, self._note)
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(-1)
        for number, old in self._old.items():
            signal.signal(number, old)  # type: ignore[arg-type]  # what signal.signal itself gave us
        self._reader.close()
        self._writer.close()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number in self._counted:
            self.count += 1

    def pause(self, seconds: float) -> None:
        """Wait, at most until the next signal. Raises StopRequested once the end was asked for."""
        if not self.count:
            select.select([self._reader], [], [], seconds)
            with contextlib.suppress(BlockingIOError):
                while self._reader.recv(512):
                    pass
        if self.count and not self.stopping:
            self.stopping = True
            raise StopRequested

    def hurried(self) -> bool:
        """Whether the end was asked for again while things were being stopped."""
        return self.count > 1
