"""A spool with batches in it, and one whose process died."""

import shutil
from pathlib import Path

from db.spool import Spool
from tests.db.spool.batches import ticks_of

BATCHES = [ticks_of(n) for n in range(6)]


def filled(spool: Spool, count: int = 6) -> Spool:
    for batch in BATCHES[:count]:
        spool.append(batch)
    return spool


def crash(spool: Spool, directory: Path) -> Path:
    """A copy of a spool's files as a `kill -9` would leave them at this moment."""
    target = directory.with_name(f"{directory.name}-crashed")
    shutil.copytree(directory, target)
    spool.close()
    return target
