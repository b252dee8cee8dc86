"""Keeps a worker from telling the ledger about instruments that others have by now."""

import threading
from collections.abc import Callable

from collector.leases.leases import Leases
from collector.leases.share import Share
from db.rows import GapRow


class GapGate:
    """Lets rows of the ledger pass, in order; holds them while it is not sure whose the instruments are.

    A worker that was stopped for a while wakes up to sockets that are closed, and to gaps that are none:
    another one had the data meanwhile.
    """

    def __init__(self, leases: Leases, add: Callable[[GapRow], None]) -> None:
        self.share: Share | None = None
        """Whose rows pass; None: all."""
        self._leases = leases
        leases.on_round.append(self.release)
        self._add = add
        self._lock = threading.Lock()
        self._held: list[GapRow] = []

    def add(self, row: GapRow) -> None:
        """Take a row."""
        with self._lock:
            self._held.append(row)
            self._release()

    def release(self) -> None:
        """Let go of what is held, if it is known now whose it is."""
        with self._lock:
            self._release()

    def _release(self) -> None:
        if not self._held or not self._leases.is_fresh:
            return
        rows, self._held = self._held, []
        for row in rows:
            is_repair = row.repaired != "no"  # true, whoever has the instrument by now
            if self.share is None or is_repair or self.share.is_mine(row.symbol):
                self._add(row)
