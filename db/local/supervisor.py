"""Starts programs in order, starts again what ends by itself, and stops them in the reverse order."""

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from db.local.errors import LocalError
from db.local.process import Program, signal_group, spawn, tail

STEADY_S = 30.0
"""A program that ran this long has recovered: its next failure starts the waits anew."""
LONGEST_WAIT_S = 30.0
_POLL_S = 0.01
_SMALLEST_LOG = 1_000_000


@dataclass(slots=True)
class Child:
    """One supervised program: its present process, and how it has been doing."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    restart_at: float | None = None

    @property
    def pid(self) -> int:
        """Process id; also the id of its process group."""
        return self.process.pid


class Supervisor:
    """Owns child processes. Use from the main thread (see `spawn`).

    `logs` takes one file per program. `say` gets lines for people. `pause` waits at most that many seconds;
    it may return early, and may raise StopRequested to end a wait. `hurried` turning true in `stop` kills.
    `changed` is called whenever a child has a new pid.
    """

    def __init__(
        self,
        logs: Path,
        *,
        say: Callable[[str], None] = lambda _line: None,
        pause: Callable[[float], None] = time.sleep,
        hurried: Callable[[], bool] = lambda: False,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.logs = logs
        self.children: dict[str, Child] = {}
        self._say, self._pause, self._hurried, self._changed = say, pause, hurried, changed

    def log_of(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.logs / f"{name}.log"

    def start(self, program: Program) -> Child:
        """Start a program; `tend` keeps it running. Raises LocalError if it can't be run."""
        child = Child(program, self._spawn(program), time.monotonic())
        self.children[program.name] = child
        self._changed()
        return child

    def run(self, program: Program) -> None:
        """Run a program to its end. Raises LocalError, with its last words, if that is a failure."""
        process = self._spawn(program)
        try:
            while process.poll() is None:
                self._pause(_POLL_S)
        finally:
            if process.poll() is None:
                self._end(process, program)
        if process.returncode:
            raise LocalError(f"{program.name} failed: {self.last_words(program.name)}")

    def wait_until(self, ready: Callable[[], bool], child: Child, patience_s: float = 60) -> None:
        """Wait for `ready`. Raises LocalError if the child ends first or time runs out."""
        name, deadline = child.program.name, time.monotonic() + patience_s
        while not ready():
            if child.process.poll() is not None:
                raise LocalError(f"{name} does not start: {self.last_words(name)}")
            if time.monotonic() > deadline:
                raise LocalError(f"{name} is not ready after {patience_s:.0f} s: {self.last_words(name)}")
            self._pause(_POLL_S)

    def watch(self) -> None:
        """Restart what ends by itself, until `pause` raises StopRequested."""
        while True:
            self._pause(self.tend())

    def tend(self) -> float:
        """Look at every child once; the seconds until the next look."""
        for child in self.children.values():
            if child.restart_at is None:
                if child.process.poll() is not None:
                    self._plan_restart(child)
            elif time.monotonic() >= child.restart_at:
                self._restart(child)
        due = [child.restart_at - time.monotonic() for child in self.children.values() if child.restart_at]
        return max(0.0, min([1.0, *due]))

    def stop(self) -> None:
        """Stop every child, last started first; each has its own time to end before it is killed."""
        for name in reversed(list(self.children)):
            child = self.children.pop(name)
            began = time.monotonic()
            if child.process.poll() is None:
                self._end(child.process, child.program)
                self._say(f"  {name:<10} stopped {time.monotonic() - began:5.2f} s")

    def last_words(self, name: str) -> str:
        """Why a program failed, as far as its log tells; of a traceback the line that names the error."""
        log = self.log_of(name)
        lines = tail(log, 200)
        full = not lines and shutil.disk_usage(log.parent).free < _SMALLEST_LOG
        if full or any("No space left on device" in line for line in lines):
            return f"no space left on the disk (see {log})"
        if errors := _errors(lines):
            return f"{errors[-1]} (see {log})"
        if len(lines) < 2:
            return f"{lines[0] if lines else 'it said nothing'} (see {log})"
        return "\n    " + "\n    ".join([*lines[-10:], f"(see {log})"])

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        try:
            return spawn(program, self.log_of(program.name))
        except (FileNotFoundError, PermissionError, subprocess.SubprocessError) as error:
            raise LocalError(f"{program.name} cannot be run: {error}") from error

    def _plan_restart(self, child: Child) -> None:
        signal_group(child.pid, signal.SIGKILL)  # what the program itself had started
        steady = time.monotonic() - child.started > STEADY_S
        child.failures = 0 if steady else child.failures
        name, code = child.program.name, child.process.returncode
        self._wait(
            child, f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        )
        if child.failures == 1 and code > 0:  # the same lines again would only scroll the first away
            for line in tail(self.log_of(name)):
                self._say(f"    {line}")

    def _restart(self, child: Child) -> None:
        child.restart_at, child.started = None, time.monotonic()
        try:
            child.process = self._spawn(child.program)
        except (LocalError, OSError) as error:  # a full disk or process table may pass: the others go on
            self._wait(child, str(error))
            return
        self._say(f"  {child.program.name:<10} started again")
        self._changed()

    def _wait(self, child: Child, what: str) -> None:
        child.failures += 1
        wait_s = min(LONGEST_WAIT_S, 0.5 * 2 ** (child.failures - 1))
        child.restart_at = time.monotonic() + wait_s
        name = child.program.name
        self._say(f"  {name:<10} {what}; starting again in {wait_s:.1f} s (see {self.log_of(name)})")

    def _end(self, process: subprocess.Popen[bytes], program: Program) -> None:
        """Ask, wait, and at the end of its time kill; what it left behind in its group goes as well."""
        process.send_signal(program.stop_signal)
        deadline = time.monotonic() + program.grace_s
        while process.poll() is None:
            if self._hurried() or time.monotonic() > deadline:
                signal_group(process.pid, signal.SIGKILL)
                process.wait()
                return
            time.sleep(_POLL_S)
        signal_group(process.pid, signal.SIGKILL)


def _errors(lines: Sequence[str]) -> list[str]:
    """The line after each traceback that names the error; gunicorn's own only says that a worker had one."""
    found, inside = [], False
    for line in lines:
        if "Traceback (most recent call last)" in line:
            inside = True
        elif inside and not line.startswith(" "):
            inside = False
            found.append(line)
    return [line for line in found if not line.startswith("gunicorn.errors.")]
