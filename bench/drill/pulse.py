"""How late this machine lets a process run: what the drill grants a collector beside its budgets.

A beat sleeps and then works a little; what both take longer than they should is what any process loses that
wakes up on a busy machine. The fault under test has no part in it: the beat asks neither the collector nor a
store.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from bench.drill.contexts import beside

EVERY_S = 0.1
WORK_S = 0.003
"""CPU time of a beat's work: about that of a turn, enough to be interrupted where others want the CPU too."""
TURNS = 10
"""How often somebody has to wake up between a fault and the row that tells of it, about: the reader of the
socket, the keeper, the writer, the sender, the database, and the drill itself."""
MOST = 1.0
"""No more is granted than this part of a budget: twice as late as allowed is late on any machine."""
_KEPT = 40_000


class Beat(NamedTuple):
    """When a beat ended, monotonic, and how late it was, seconds."""

    at: float
    late_s: float


def margin(lates_s: Sequence[float], budget_s: float) -> float:
    """The seconds to grant beside a budget, of beats that were so late."""
    if not lates_s:
        return 0.0
    turns = TURNS * sum(lates_s) / len(lates_s)
    return min(MOST * budget_s, max(turns, *lates_s))


class Pulse:
    """Beats in a thread of its own for as long as it runs."""

    def __init__(self) -> None:
        self._beats: deque[Beat] = deque(maxlen=_KEPT)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    @contextmanager
    def running(self) -> Iterator["Pulse"]:
        """Beat as long as the context lasts."""
        with beside(self._thread, self._stopping):
            yield self

    def margin_s(self, budget_s: float, since: float, until: float) -> float:
        """What to grant beside a budget for something that went on between two moments, monotonic."""
        return margin([beat.late_s for beat in list(self._beats) if since <= beat.at <= until], budget_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            began = time.monotonic()
            self._stopping.wait(EVERY_S)
            worked = time.thread_time()
            while time.thread_time() - worked < WORK_S:
                pass
            ended = time.monotonic()
            self._beats.append(Beat(ended, max(0.0, ended - began - EVERY_S - WORK_S)))
