"""Batches joined, and cut into smaller ones. No row is changed, lost or doubled by either."""

from collections.abc import Sequence
from typing import Any

from db.rows import KINDS, Batch


def merged(batches: Sequence[Batch]) -> Batch:
    """One batch with the rows of all, in their order; of a single batch, that batch itself."""
    if len(batches) == 1:
        return batches[0]
    name = f"{batches[0].batch_id}..{batches[-1].batch_id}"
    return Batch(name, **{kind: [row for b in batches for row in getattr(b, kind)] for kind in KINDS})


def pieces(batch: Batch, most: int) -> list[Batch]:
    """The batch in pieces of at most `most` rows, named after it; one that is small enough stays as it is."""
    if batch.size <= most:
        return [batch]
    rows = [(kind, row) for kind in KINDS for row in getattr(batch, kind)]
    return [
        _batch_of(f"{batch.batch_id}.{number}", rows[start : start + most])
        for number, start in enumerate(range(0, len(rows), most))
    ]


def halves(batch: Batch) -> list[Batch]:
    """The batch in two pieces; it has at least two rows."""
    return pieces(batch, (batch.size + 1) // 2)


def _batch_of(batch_id: str, rows: Sequence[tuple[str, Any]]) -> Batch:
    kinds: dict[str, list[Any]] = {}
    for kind, row in rows:
        kinds.setdefault(kind, []).append(row)
    return Batch(batch_id, **kinds)
