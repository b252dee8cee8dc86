"""The commands of `dev` that use the stores and end: shells, the doctor, and deleting local data."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from db.local.binaries import Places, postgres_bin, redis_cli
from db.local.checkout import Checkout, State
from db.local.errors import LocalError, StopRequested
from db.local.running import Session, running_stores, say_aside
from db.local.signals import Signals

MakeCommand = Callable[[Mapping[str, str]], Sequence[str]]


def psql_command(places: Places, urls: Mapping[str, str], arguments: Sequence[str]) -> list[str]:
    """A shell on the database: the wheel's psql, or the one on PATH."""
    try:
        program = str(postgres_bin(places, None) / "psql")
    except LocalError:
        if not (on_path := shutil.which("psql")):
            raise
        program = on_path
    scheme, _, rest = urls["DATABASE_URL"].partition("://")
    return [program, f"{scheme.removesuffix('+psycopg2')}://{rest}", *arguments]


def redis_cli_command(places: Places, urls: Mapping[str, str], arguments: Sequence[str]) -> list[str]:
    """A shell on Redis."""
    scheme, _, rest = urls["REDIS_URL"].partition("://")
    where = ["-s", rest.partition("?")[0]] if scheme == "unix" else ["-u", urls["REDIS_URL"]]
    return [str(redis_cli(places)), *where, *arguments]


def with_stores(session: Session, running: State | None, make_command: MakeCommand) -> int:
    """Run a command in the foreground on the stores of the running `dev`, or on our own for its time.

    `make_command` gets the URLs of both stores. Its exit code, as a shell tells it.

    Raises LocalError, OSError.
    """
    if running:
        command = make_command(running.stores)
        os.chdir(session.checkout.root)
        os.execve(command[0], list(command), {**os.environ, **running.stores})
    signals = Signals(ours=False)
    with running_stores(session, signals, say_aside) as (supervisor, urls):
        urls = {**session.settings, **urls}
        command, env = make_command(urls), {**os.environ, **urls}
        with subprocess.Popen(command, cwd=session.checkout.root, env=env) as process:
            try:
                while process.poll() is None:
                    signals.pause(supervisor.tend())
            except StopRequested:
                process.terminate()
    code = process.returncode
    return 128 - code if code < 0 else code  # a signal ended it: as a shell says that


def reset(checkout: Checkout, *, sure: bool) -> None:
    """Delete local data, after a question unless `sure`. Raises LocalError, OSError."""
    if running := checkout.acquire():
        raise LocalError(f"Tickdeck is running (pid {running.pid}): stop it first")
    try:
        if not sure:
            _ask(checkout.devdata)
        checkout.delete_data()
        print("local data deleted")
    finally:
        checkout.release()


def _ask(devdata: Path) -> None:
    try:
        answer = input(f"Delete the local databases and logs in {devdata}? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise LocalError("nothing deleted (./dev reset --yes does not ask)")
