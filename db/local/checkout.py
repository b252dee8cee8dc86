"""What a checkout keeps of its running `dev`: `.devdata` with a lock, a state, logs and the stores' files."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from db.local.account import private_directory
from db.local.errors import LocalError
from db.local.process import birth, signal_group

_POSTGRES = "postgres"
PATIENCE_S = 2.5


@dataclass(slots=True)
class State:
    """Who runs here: the command and pid of `dev`, the page's URL ("" without one), the stores' URLs.

    `children` are name, pid and birth of each child (see `process.birth`); `directories` hold sockets.
    """

    command: str
    pid: int
    url: str = ""
    stores: dict[str, str] = field(default_factory=dict)
    children: list[tuple[str, int, str]] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    is_stopping: bool = False


class Checkout:
    """The directory Tickdeck was cloned to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.devdata = root / ".devdata"
        self.logs = self.devdata / "logs"
        self._state_file = self.devdata / "state.json"
        self._lock: IO[str] | None = None

    def acquire(self) -> State | None:
        """Become the one `dev` of this checkout, until this process ends; or the state of the one that is.

        Waits for one that is being stopped, clears up after one that was killed. Raises OSError, LocalError.
        """
        self.devdata.mkdir(mode=0o711, exist_ok=True)  # PostgreSQL's account must get through to its files
        self._lock = (self.devdata / "lock").open("a")
        patience_until = time.monotonic() + PATIENCE_S
        while not _is_taken(self._lock):
            running = self.read_state()
            if running and birth(running.pid):
                if not running.is_stopping:
                    self._drop_lock()
                    return running
                patience_until = time.monotonic() + PATIENCE_S
            if time.monotonic() > patience_until:  # between taking the lock and writing the state is a moment
                self._drop_lock()
                raise LocalError(
                    f"another ./dev of this checkout is just starting or stopping (lock: {self.devdata}/lock)"
                )
            time.sleep(0.05)
        if left := self.read_state():
            _clear_up(left)
        self._state_file.unlink(missing_ok=True)
        self.logs.mkdir(mode=0o700, exist_ok=True)
        return None

    def release(self) -> None:
        """Somebody else may be the one."""
        self._state_file.unlink(missing_ok=True)
        self._drop_lock()

    def _drop_lock(self) -> None:
        if self._lock:
            self._lock.close()
            self._lock = None

    def read_state(self) -> State | None:
        """What the running (or killed) `dev` wrote down; None when there is nothing."""
        try:
            found = json.loads(self._state_file.read_text())
            found["children"] = [(str(name), int(pid), str(born)) for name, pid, born in found["children"]]
            return State(**found)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, LookupError):  # cut short by a full disk, or of another version
            return None

    def write_state(self, state: State) -> None:
        """Write it down for others, all or nothing. Raises OSError."""
        part = self._state_file.with_suffix(".part")
        part.write_text(json.dumps(asdict(state)))
        part.replace(self._state_file)

    def rotate_logs(self) -> None:
        """Keep the logs of the time before under another name; today's begin empty."""
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def delete_data(self) -> None:
        """Delete all local data, rows that wait and what root keeps elsewhere as well. Needs the lock."""
        lock = self.devdata / "lock"
        for path in self.devdata.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path != lock:
                path.unlink()
        shutil.rmtree(self.root / ".spool", ignore_errors=True)
        if os.geteuid() == 0:
            shutil.rmtree(private_directory(self.root))


def _is_taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear_up(left: State) -> None:
    """End what a killed `dev` left running; on Linux the kernel already did, unless it is still at it."""
    for name, pid, born in left.children:
        if born and birth(pid) == born:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT if name == _POSTGRES else signal.SIGTERM)
    deadline = time.monotonic() + 10
    for _, pid, born in left.children:
        while born and birth(pid) == born:
            if time.monotonic() > deadline:
                signal_group(pid, signal.SIGKILL)
            time.sleep(0.02)
    for directory in left.directories:
        shutil.rmtree(directory, ignore_errors=True)
