"""Which machine this is, so that a worker which ended on it is known to have ended, and not only silent."""

import os
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_PIDS = Path("/proc/self/ns/pid")
_SURE = "/"
"""Between a host's name and the mark of what numbers its processes; no host's name has it."""


def machine_name(host: str) -> str:
    """The host, and where Linux tells it a mark of the kernel's run and of the space of process ids.

    Two containers may have one host name and cannot see each other's processes; their marks differ.
    """
    try:
        boot = _BOOT.read_text().strip()
        return f"{host}{_SURE}{boot[:8]}-{_PIDS.stat().st_ino}"
    except OSError:
        return host


def is_sure(machine: str) -> bool:
    """Whether a process id of this machine that does not exist here cannot exist elsewhere."""
    return _SURE in machine


def is_running(pid: int) -> bool:
    """Whether a process of this machine runs; one that ended and is not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return True
