"""Child processes that cannot outlive us: how they are started, recognised and ended."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from db.local.account import Account

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, as data. `env` is the whole environment; `stop_signal` asks it to end within `grace_s`."""

    name: str
    command: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str] = field(repr=False)
    stop_signal: int = signal.SIGTERM
    grace_s: float = 10
    account: Account | None = None
    text: str = ""  # what it reads on its standard input


def spawn(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Start it in a process group of its own, its output appended to `log`.

    Call from the main thread: on Linux the kernel sends `stop_signal` when the *thread* that forked ends,
    which is what stops the child after a `kill -9` of this process. Raises OSError.
    """
    switch = program.account
    with log.open("ab") as output, tempfile.TemporaryFile() as text:
        text.write(program.text.encode())
        text.seek(0)
        return subprocess.Popen(
            program.command,
            cwd=program.cwd,
            env=dict(program.env),
            stdin=text,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C in the terminal reaches us alone, and we stop children in order
            user=switch.uid if switch else None,
            group=switch.gid if switch else None,
            extra_groups=[] if switch else None,
            preexec_fn=_die_with_parent(program.stop_signal),
        )


def run_minded(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end, its output kept. Whatever ends us meanwhile ends all that it started.

    Call from the main thread, as `spawn`. Raises OSError.
    """
    program = [sys.executable, "-I", str(Path(__file__).resolve().with_name("minder.py")), *command]
    with subprocess.Popen(
        program,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=_die_with_parent(signal.SIGTERM),
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            process.terminate()
            raise
    return subprocess.CompletedProcess(list(command), process.returncode, output, errors)


def _die_with_parent(stop_signal: int) -> Callable[[], None] | None:
    if _libc is None:
        return None
    prctl, parent = _libc.prctl, os.getpid()

    def set_death_signal() -> None:
        # Runs after the user switch, which would clear the setting.
        prctl(_PR_SET_PDEATHSIG, stop_signal)
        if os.getppid() != parent:
            os._exit(1)

    return set_death_signal


def signal_group(group: int, how: int) -> None:
    """Send a signal to a process group; one that is gone, or was never a group, is none of our business."""
    try:
        os.killpg(group, how)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return


def birth(pid: int) -> str:
    """When a process was started, in its system's own words; "" when there is none.

    With the pid it names one process for good: a pid alone may be somebody else's by now.
    """
    if sys.platform == "linux":
        try:
            line = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return ""
        state, *rest = line.rpartition(")")[2].split()
        return "" if state in "ZX" else rest[18]
    done = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def command_line(pid: int) -> str:
    """The command a process shows in `ps`; "" when there is none."""
    if sys.platform == "linux":  # a small container may have no `ps`
        try:
            return (
                Path(f"/proc/{pid}/cmdline")
                .read_bytes()
                .replace(b"\0", b" ")
                .decode(errors="replace")
                .strip()
            )
        except OSError:
            return ""
    done = subprocess.run(
        ["ps", "-o", "command=", "-ww", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def tail(log: Path, lines: int = 10) -> list[str]:
    """The last lines of a log that say something; [] when there is none."""
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        text = file.read().decode(errors="replace")
    return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
