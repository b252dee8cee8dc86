"""What waits in the spool, on its way to Postgres: oldest first, in pieces that hold nothing up.

A batch that another holds a lock on steps aside for a while. One that the database refuses is cut in halves,
again and again, until the row that is to blame stands alone: it becomes a dead letter, the others are kept.
"""

import time
from collections import deque
from collections.abc import Callable, Collection

import structlog

from collector.pace import Pace
from db.batches import halves, merged, pieces
from db.errors import BatchRefused, StoreBusy
from db.history.screening import dead_letter
from db.rows import KINDS, Batch
from db.spool import Kept, Spool

log = structlog.get_logger()

ASIDE_S = 5.0
"""How long a batch steps aside that could not be written while others could."""


class Drain:
    """Sends what the spool has, a piece a step. For one thread."""

    def __init__(self, spool: Spool, write: Callable[[Batch], None], pace: Pace) -> None:
        """`write` sends a batch; raises StoreUnavailable, SchemaMismatch or BatchRefused."""
        self.rows_dropped = 0
        self._spool = spool
        self._write = write
        self._pace = pace
        self._kept: list[Kept] = []
        self._pieces: deque[Batch] = deque()
        self._aside: dict[str, float] = {}

    def step(self, but: Collection[str]) -> bool:
        """Send one piece of what waits, but not of the batches named; False if nothing waits.

        Raises StoreUnavailable or SchemaMismatch; the next step tries the same piece again.
        """
        if not self._pieces and not self._load(but):
            return False
        piece = self._pieces[0]
        try:
            self._write(piece)
            self._pieces.popleft()
        except StoreBusy as error:
            log.warning("batch.waits", rows=piece.size, reason=str(error))
            self._aside |= {kept.batch.batch_id: time.monotonic() + ASIDE_S for kept in self._kept}
            self._pieces.clear()
            self._kept = []
        except BatchRefused as error:
            self._pieces.popleft()
            self._pieces.extendleft(reversed(self._smaller(piece, str(error))))
        if not self._pieces:
            self._spool.acknowledge(self._kept)
            self._kept = []
        return True

    def _load(self, but: Collection[str]) -> bool:
        now = time.monotonic()
        self._aside = {name: until for name, until in self._aside.items() if until > now}
        if not self._spool.rows:
            return False
        most = self._pace.rows
        self._kept = self._spool.oldest(most, but={*but, *self._aside})
        if self._kept:
            self._pieces.extend(pieces(merged([kept.batch for kept in self._kept]), most))
        return bool(self._kept)

    def _smaller(self, piece: Batch, reason: str) -> list[Batch]:
        if piece.size > 1:
            return halves(piece)
        (kind,) = (kind for kind in KINDS if getattr(piece, kind))
        (row,) = getattr(piece, kind)
        if kind == "dead_letters":
            self.rows_dropped += 1
            log.error("dead_letter.refused", row=row._asdict(), reason=reason)
            return []
        log.error("row.refused", kind=kind, reason=reason)
        return [Batch(piece.batch_id, dead_letters=[dead_letter(kind, row, reason)])]
