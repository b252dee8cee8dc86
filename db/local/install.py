"""The checkout's `.venv`: made and filled when a requirements file is not the one that was installed."""

import contextlib
import errno
import fcntl
import hashlib
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from db.local.errors import LocalError
from db.local.process import run_minded

SUPPORTED = ((3, 11), (3, 12), (3, 13))
LOCAL, DEVELOPMENT = "requirements-local.txt", "requirements-dev.txt"
_STAMP = ".tickdeck-installed.json"


def ensure_environment(checkout: Path, requirements: str, say: Callable[[str], None]) -> Path:
    """The Python of `.venv` with everything of `requirements` (LOCAL, or DEVELOPMENT, which includes it).

    Nothing is done when the file's checksum is the one on the stamp. Raises LocalError.
    """
    venv = checkout / ".venv"
    python = venv / "bin" / "python"
    if is_ready(checkout, requirements):
        return python
    with _alone(checkout):
        if not _usable(python) or not _is_whole(checkout, python, requirements):
            with _half_made(checkout):
                _make(venv, say)
        if not _is_installed(checkout, requirements):  # another ./dev may have done it while we waited
            _install(checkout, python, requirements, say)
    return python


def is_ready(checkout: Path, requirements: str) -> bool:
    """Whether `ensure_environment` has nothing to do."""
    return _usable(checkout / ".venv" / "bin" / "python") and _is_installed(checkout, requirements)


def site_packages(python: Path) -> Path:
    """Where a virtual environment keeps its packages."""
    found = sorted((python.parent.parent / "lib").glob("python3*/site-packages"))
    if not found:
        raise LocalError(f"{python.parent.parent} is broken: remove it and run ./dev again")
    return found[-1]


@contextlib.contextmanager
def _alone(checkout: Path) -> Iterator[None]:
    devdata = checkout / ".devdata"
    devdata.mkdir(mode=0o711, exist_ok=True)
    with (devdata / "install.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _usable(python: Path) -> bool:
    """Whether it is there, runs, and is a version we support; its base Python may be gone by now."""
    try:
        done = subprocess.run(
            [str(python), "-ISc", "import sys; print(*sys.version_info[:2])"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0 and tuple(map(int, done.stdout.split())) in SUPPORTED


def _is_whole(checkout: Path, python: Path, requirements: str) -> bool:
    """Whether its making came to an end: `python` is there before `pip` is."""
    if _mark(checkout).exists():
        return False
    if _is_installed(checkout, requirements):
        return True
    return not subprocess.run([str(python), "-Im", "pip", "--version"], capture_output=True).returncode


def _mark(checkout: Path) -> Path:
    return checkout / ".devdata" / "making-venv"


@contextlib.contextmanager
def _half_made(checkout: Path) -> Iterator[None]:
    """A file stands there meanwhile, and stays when this is killed."""
    mark = _mark(checkout)
    mark.touch()
    yield
    mark.unlink()


def _checksum(checkout: Path, requirements: str) -> str:
    return hashlib.sha256((checkout / requirements).read_bytes()).hexdigest()


def _is_installed(checkout: Path, requirements: str) -> bool:
    try:
        stamp = json.loads((checkout / ".venv" / _STAMP).read_text())
    except (FileNotFoundError, ValueError):
        return False
    kinds = (requirements,) if requirements == DEVELOPMENT else (requirements, DEVELOPMENT)
    return any(stamp.get(kind) == _checksum(checkout, kind) for kind in kinds)


def _make(venv: Path, say: Callable[[str], None]) -> None:
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):  # Debian splits them off
        raise LocalError(
            f"Python {version} came without venv: `sudo apt install python{version}-venv`, then ./dev again"
        )
    say(f"  making .venv with Python {sys.version.split()[0]}")
    done = run_minded([sys.executable, "-m", "venv", "--clear", str(venv)])
    if done.returncode:
        raise LocalError(f".venv could not be made: {_last_lines(done.stdout + done.stderr, 3)}")


def _install(checkout: Path, python: Path, requirements: str, say: Callable[[str], None]) -> None:
    say(f"  installing {requirements} (the first time takes a minute)")
    began = time.monotonic()
    stamp = checkout / ".venv" / _STAMP
    stamp.unlink(missing_ok=True)
    command = [
        str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check",
        "--require-hashes", "-r", str(checkout / requirements),
    ]  # fmt: skip
    done = run_minded(command)
    if done.returncode:
        output = done.stdout + done.stderr
        if "No space left on device" in output:
            raise OSError(errno.ENOSPC, "No space left on device", str(checkout / ".venv"))
        raise LocalError(f"pip could not install {requirements}:{_last_lines(output, 12)}\n{_advice(output)}")
    stamp.write_text(json.dumps({requirements: _checksum(checkout, requirements)}))
    say(f"  installed in {time.monotonic() - began:.0f} s")


def _last_lines(output: str, count: int) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return "".join(f"\n    {line}" for line in lines[-count:])


def _advice(output: str) -> str:
    """One sentence for what can be done about it."""
    if any(sign in output for sign in ("NewConnectionError", "Max retries", "timed out", "name resolution")):
        return "The package index was not reached: check the network or HTTPS_PROXY, and run ./dev again."
    if "DO NOT MATCH THE HASHES" in output:
        return "A downloaded file is not the one this version was tested with: try pip cache purge."
    if "No matching distribution" in output:
        return (
            "Either the package index was not reached (network, HTTPS_PROXY), or it has nothing for this"
            " system (there are packages for Linux with glibc and macOS, Python 3.11 to 3.13)."
        )
    return "Run ./dev again, or remove .venv first to begin anew."
