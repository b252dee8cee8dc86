"""Who owns the PostgreSQL files. PostgreSQL refuses to run as root, so root lends it an ordinary account."""

import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from db.local.errors import LocalError

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """A user a child process is switched to."""

    name: str
    uid: int
    gid: int


def account_for(directory: Path) -> Account | None:
    """The account PostgreSQL runs as; None is "whoever we are", which is every case but root.

    Data that an ordinary user left in `directory` stay that user's.
    """
    if os.geteuid() != 0:
        _require_a_name(os.geteuid())
        return None
    if directory.exists() and (owner := directory.stat()).st_uid != 0:
        return Account(_require_a_name(owner.st_uid), owner.st_uid, owner.st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in _CANDIDATES:
        if (entry := known.get(name)) and entry.pw_uid != 0:
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise LocalError("PostgreSQL does not run as root: run ./dev as an ordinary user, or set DATABASE_URL")


def _require_a_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise LocalError(
            f"user id {uid} has no entry in the password file, which PostgreSQL needs:"
            " run ./dev as a named user, or set DATABASE_URL"
        ) from None


def can_enter(account: Account | None, directory: Path) -> bool:
    """Whether `account` gets through to `directory`. Asks the kernel: modes don't tell all (ACLs)."""
    if account is None:
        return os.access(directory, os.X_OK)
    command = ["/bin/sh", "-c", 'cd "$0" 2>/dev/null', str(directory)]
    try:
        done = subprocess.run(
            command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False
        )
    except PermissionError:
        raise LocalError(
            f"this root may not switch to the account {account.name}, and PostgreSQL does not run as root:"
            " set DATABASE_URL"
        ) from None
    return done.returncode == 0


def private_directory(checkout: Path) -> Path:
    """Where root keeps what an account must reach when the checkout is closed to it; only root writes there.

    One path per checkout under /var/tmp, which survives a reboot.
    """
    parent = Path("/var/tmp")
    if not parent.is_dir():
        parent = Path(tempfile.gettempdir())
    path = parent / f"tickdeck-{hashlib.sha256(os.fsencode(checkout.resolve())).hexdigest()[:12]}"
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise LocalError(f"{path} belongs to somebody else: remove it, or set DATABASE_URL")
    path.chmod(0o711)  # mkdir's mode passes through the umask
    return path


def own_directory(path: Path, account: Account | None) -> Path:
    """Make `path` private (0700) and the account's own; parents are left as they are."""
    path.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(path, account.uid, account.gid)
    return path


def temporary_directory(account: Account | None, parent: Path | None = None) -> Path:
    """A fresh 0700 directory that `account` can get to, once it is its own, with a short path.

    Short, because the whole path of a socket may have 103 bytes at most. `parent`: None for where others are.
    """
    parent = parent or Path(tempfile.gettempdir())
    if len(os.fsencode(parent)) > 60 or not can_enter(account, parent):
        parent = Path("/tmp")
    return Path(tempfile.mkdtemp(prefix="tickdeck-", dir=parent))


def socket_directory(account: Account | None) -> Path:
    """A fresh directory for the account's socket; nobody else gets in."""
    return own_directory(temporary_directory(account), account)
