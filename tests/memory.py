"""Where the files of tests' stores are: in memory, making a database costs a tenth of what a disk takes."""

import os
import shutil
from pathlib import Path

_SHARED = Path("/dev/shm")
_ROOM_BYTES = 4_000_000_000
"""More than what the servers of a whole run hold at a time; a container often has much less."""


def _has_room() -> bool:
    return _SHARED.is_dir() and os.access(_SHARED, os.W_OK) and shutil.disk_usage(_SHARED).free >= _ROOM_BYTES


MEMORY = _SHARED if _has_room() else None
"""None: where other temporary files are."""
