"""How many streams one address has open, over all processes of this machine."""

import errno
import fcntl
import hashlib
import os
import threading
from collections.abc import Callable

_MOST_EACH = 1 << 20
_TAKEN = (errno.EACCES, errno.EAGAIN)


class Places:
    """At most `limit` places an address; 0 is no limit.

    A place is a lock on one byte of a file that all processes have open: no matter how one of them ends, its
    locks end with it. Without `share` the count is of this process alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = min(limit, _MOST_EACH)
        self._lock = threading.Lock()
        self._held: dict[str, set[int]] = {}
        self._file: int | None = None

    def share(self, file: int) -> None:
        """Count with other processes, by locks on this open file. To be called before a place is taken."""
        self._file = file

    def take(self, address: str) -> Callable[[], None] | None:
        """What gives the place back, once; None where there is no place left."""
        if not self._limit:
            return lambda: None
        with self._lock:
            held = self._held.get(address, set())
            number = next((n for n in range(self._limit) if n not in held and self._try(address, n)), None)
            if number is None:
                return None
            self._held.setdefault(address, set()).add(number)
        return lambda: self._give_back(address, number)

    def _give_back(self, address: str, number: int) -> None:
        with self._lock:
            held = self._held[address]
            held.remove(number)
            if not held:
                del self._held[address]
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _offset(address, number), os.SEEK_SET)

    def _try(self, address: str, number: int) -> bool:
        if self._file is None:
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _offset(address, number), os.SEEK_SET)
        except OSError as error:
            return error.errno not in _TAKEN  # where files have no locks, this process counts alone
        return True


def _offset(address: str, number: int) -> int:
    """Below 2^60: no file is so long, but locks reach there."""
    digest = hashlib.blake2b(address.encode(), digest_size=5).digest()
    return int.from_bytes(digest) * _MOST_EACH + number
