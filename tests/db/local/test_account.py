"""Who owns the PostgreSQL files."""

import os
import stat
from pathlib import Path

import pytest

from db.local.account import (
    Account,
    account_for,
    can_enter,
    own_directory,
    private_directory,
    socket_directory,
)
from db.local.errors import LocalError

pytestmark = pytest.mark.wire

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root has accounts to lend")


@pytest.mark.skipif(os.geteuid() == 0, reason="root's case is another")
def test_an_ordinary_user_runs_postgres_itself(tmp_path: Path) -> None:
    """No switch of user."""
    assert account_for(tmp_path) is None


@AS_ROOT
def test_root_lends_an_ordinary_account(tmp_path: Path) -> None:
    """PostgreSQL refuses to run as root."""
    account = account_for(tmp_path / "pg18")
    assert account is not None
    assert account.uid != 0


@AS_ROOT
def test_files_of_an_ordinary_user_stay_that_user_s(tmp_path: Path) -> None:
    """`sudo ./dev` after `./dev` changes no owner."""
    os.chown(tmp_path, 65534, 65534)
    account = account_for(tmp_path)
    assert account is not None
    assert (account.uid, account.gid) == (65534, 65534)


@AS_ROOT
def test_a_closed_directory_above_is_found_out(tmp_path: Path) -> None:
    """It is left closed: the account gets its files elsewhere."""
    account = account_for(tmp_path / "none")
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    closed.chmod(0o700)
    assert not can_enter(account, closed / "inner")
    assert can_enter(account, Path("/tmp"))
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_socket_directory_is_private_and_short() -> None:
    """The path of a socket may have 103 bytes."""
    made = socket_directory(None)
    try:
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert len(os.fsencode(made / ".s.PGSQL.5432.lock")) < 100
    finally:
        made.rmdir()


def test_an_own_directory_is_private_whatever_it_was(tmp_path: Path) -> None:
    """And it is no error that it was there."""
    account = Account("me", os.geteuid(), os.getegid())
    made = own_directory(tmp_path / "redis", account)
    assert own_directory(tmp_path / "redis", account) == made
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_private_directory_somebody_else_made_is_refused(tmp_path: Path) -> None:
    """Its path can be guessed, so it is looked at before it is trusted."""
    made = private_directory(tmp_path)
    try:
        assert private_directory(tmp_path) == made
        assert private_directory(tmp_path / "other-checkout-path/..") == made
        made.chmod(0o777)
        with pytest.raises(LocalError, match="belongs to somebody else"):
            private_directory(tmp_path)
        made.rmdir()
        made.symlink_to(tmp_path)
        with pytest.raises(LocalError, match="belongs to somebody else"):
            private_directory(tmp_path)
    finally:
        made.unlink()
