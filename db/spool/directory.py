"""The directory of spool files: which of them is whose, and what was set aside.

Each worker has a file of its own, `spool-<number>.db`, and holds the lock `spool-<number>.lock` as long as it
lives; the kernel lets go of it when it dies. A file that nobody holds was left by a worker that is gone.
"""

import fcntl
import itertools
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

_FILE = re.compile(r"spool-\d+\.db")
_ASIDE = ".aside"
_PARTS = ("", "-wal", "-shm")
"""SQLite's names for a database, its log and the index of that."""


class Directory:
    """Takes, names and removes spool files. Every call may raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._locks: dict[Path, int] = {}

    def take(self) -> Path:
        """The first file that nobody holds, held from now on; there may be none by that name yet."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in itertools.count():
            file = self.path / f"spool-{number}.db"
            if file not in self._locks and self._lock(file):
                return file
        raise AssertionError("numbers do not end")

    def adopt(self) -> list[Path]:
        """The other files that nobody holds, held from now on."""
        files = sorted(file for file in self.path.iterdir() if _FILE.fullmatch(file.name))
        return [file for file in files if file not in self._locks and self._lock(file)]

    def release(self, file: Path, *, remove: bool) -> None:
        """Let go of a file that is closed. `remove`: nothing is in it any more."""
        if remove:
            remove_file(file)
        if (lock := self._locks.pop(file, None)) is not None:
            os.close(lock)

    def set_aside(self, file: Path, most_bytes: int) -> Path:
        """Rename a file that is closed, log and all; returns its new name.

        Older ones that were set aside go, until all together have at most `most_bytes` beside the newest.
        """
        moment = f"{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 10**6}"
        aside = file.with_name(f"{file.stem}-{moment}{_ASIDE}")
        for part, new in zip(_parts(file), _parts(aside), strict=True):
            if part.exists():
                part.rename(new)
        older = sorted(self.path.glob(f"*{_ASIDE}"), key=lambda each: each.stat().st_mtime_ns, reverse=True)
        kept = 0
        for each in older:
            kept += size_of(each)
            if each != aside and kept > most_bytes:
                remove_file(each)
        return aside

    def bytes_beside(self, files: Iterable[Path]) -> int:
        """Bytes of everything here but these files."""
        ours = {part for file in files for part in _parts(file)}
        return sum(each.stat().st_size for each in self.path.iterdir() if each not in ours)

    def _lock(self, file: Path) -> bool:
        number = os.open(file.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(number)
            return False
        except OSError:
            os.close(number)
            raise
        self._locks[file] = number
        return True


def size_of(file: Path) -> int:
    """Bytes of a file and its log."""
    return sum(part.stat().st_size for part in _parts(file) if part.exists())


def remove_file(file: Path) -> None:
    """Remove a file and its log, as far as they are there."""
    for part in _parts(file):
        part.unlink(missing_ok=True)


def _parts(file: Path) -> list[Path]:
    return [file.with_name(file.name + part) for part in _PARTS]
