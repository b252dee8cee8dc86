"""The commands of `dev`: which is meant, what it needs, and what is said when it can't be done."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from db.local.checkout import Checkout, State
from db.local.commands import MakeCommand, psql_command, redis_cli_command, reset, with_stores
from db.local.environment import read_settings
from db.local.errors import LocalError, StopRequested
from db.local.install import DEVELOPMENT, LOCAL, ensure_environment, is_ready
from db.local.running import Session, page_url, say, up, wait_for_page
from db.local.trial import finish, refuse, try_settings

HELP = """\
./dev [up]              start everything on live data (simulated while no venue answers), print one URL
./dev demo              the same on simulated data
./dev test [args]       the whole test suite on real stores; args go to pytest
./dev check             format, lint, types, and the tests that need no services
./dev bench [--long]    benchmarks: budget, measured, MET or MISSED
./dev drill [--long]    inject faults: one table of what happened
./dev doctor            test stores and venues, and say what is wrong
./dev reset [--yes]     delete local data
./dev psql [args]       a shell on the database
./dev redis-cli [args]  a shell on Redis
./dev help              this

Settings come from the environment or .env, see .env.example."""


TOGETHER = ("-n", "4")
_HELP = ("help", "-h", "--help")
_PASSES_ON = ("test", "bench", "drill", "psql", "redis-cli")  # their arguments are for somebody else


def main(root: Path, arguments: Sequence[str]) -> int:
    """Run one command of the checkout at `root`; the exit code."""
    name, *rest = arguments or ["up"]
    if name in _HELP or (rest[:1] and rest[0] in _HELP and name not in _PASSES_ON):
        with suppress(BrokenPipeError):  # `./dev help | head`
            print(HELP, flush=True)
        return 0
    command = _COMMANDS.get(name)
    if command is None:
        return _fail(f"no command {name!r}; there are {' '.join(_COMMANDS)} (./dev help)", 2)
    try:
        return command(Checkout(root), rest)
    except LocalError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(_in_words(error, root))
    except (KeyboardInterrupt, StopRequested):
        return 130


def _fail(message: str, code: int = 1) -> int:
    print(f"./dev: {message}", file=sys.stderr)
    return code


def _in_words(error: OSError, root: Path) -> str:
    where = error.filename or root
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left on the disk that holds {where}: make room and run it again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{where} cannot be written by this user ({error.strerror}); was ./dev run by another user?"
    return str(error)


def _nothing_more(rest: Sequence[str]) -> None:
    if rest:
        raise LocalError(f"did not expect {' '.join(rest)!r} (./dev help)")


def _up(checkout: Checkout, rest: Sequence[str]) -> int:
    return _run(checkout, rest, "up")


def _demo(checkout: Checkout, rest: Sequence[str]) -> int:
    return _run(checkout, rest, "demo")


def _run(checkout: Checkout, rest: Sequence[str], command: str) -> int:
    _nothing_more(rest)
    if (running := checkout.acquire()) is not None:
        return _point_to(running)
    try:
        settings = read_settings(checkout.root, os.environ)
        trial = try_settings(settings)
        if not is_ready(checkout.root, LOCAL):
            refuse(trial.problems.values())  # before an installation that may take a minute
        checkout.write_state(State(command, os.getpid(), page_url(trial.port)))
        session = Session(checkout, command, ensure_environment(checkout.root, LOCAL, say), settings)
        feeds = settings.get("FEEDS", "auto") if command == "up" else "sim"
        finish(trial, session, feeds)
        up(session, trial.port, feeds)
    finally:
        checkout.release()
    return 0


def _point_to(running: State) -> int:
    if not running.url:
        raise LocalError(
            f"./dev {running.command} (pid {running.pid}) is using the local stores: end it first"
        )
    started = f"started by ./dev {running.command}, pid {running.pid}"
    wait_for_page(running, lambda: say(f"Tickdeck is still starting ({started})"))
    say(f"Tickdeck  {running.url}\n(already {started})")
    return 0


def _test(checkout: Checkout, rest: Sequence[str]) -> int:
    """All of it runs several at a time, each with stores of its own; stores that were given are shared."""
    python = ensure_environment(checkout.root, DEVELOPMENT, say)
    given = {"TEST_DATABASE_URL", "TEST_REDIS_URL"} & os.environ.keys()
    return _replace(checkout, [str(python), "-m", "pytest", *(rest or ([] if given else TOGETHER))])


def _check(checkout: Checkout, rest: Sequence[str]) -> int:
    """Every check runs, whatever the others say."""
    _nothing_more(rest)
    python = ensure_environment(checkout.root, DEVELOPMENT, say)
    checks = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
        "tests": ["pytest", "-n", "2", "--dist", "loadfile", "-m", "not stores and not browser and not wire"],
    }
    env = {**os.environ, "HYPOTHESIS_PROFILE": "quick"}
    codes = {
        name: subprocess.run([str(python), "-m", *words], cwd=checkout.root, env=env, check=False).returncode
        for name, words in checks.items()
    }
    say("")
    for name, code in codes.items():
        say(f"  {name:<8} {'failed' if code else 'ok'}")
    return int(any(codes.values()))


def _module(name: str, requirements: str) -> Callable[[Checkout, Sequence[str]], int]:
    def run(checkout: Checkout, rest: Sequence[str]) -> int:
        _require_module(checkout, name)
        python = ensure_environment(checkout.root, requirements, say)
        return _replace(checkout, [str(python), "-m", name, *rest])

    return run


def _require_module(checkout: Checkout, name: str) -> None:
    path = checkout.root.joinpath(*name.split("."))
    if not path.with_suffix(".py").exists() and not (path / "__main__.py").exists():
        raise LocalError(f"there is no {name} in this checkout")


def _doctor(checkout: Checkout, rest: Sequence[str]) -> int:
    _require_module(checkout, "collector.doctor")
    return _on_stores(
        checkout,
        "doctor",
        lambda session: lambda _urls: [str(session.python), "-m", "collector.doctor", *rest],
    )


def _psql(checkout: Checkout, rest: Sequence[str]) -> int:
    return _on_stores(checkout, "psql", lambda session: lambda urls: psql_command(session.places, urls, rest))


def _redis_cli(checkout: Checkout, rest: Sequence[str]) -> int:
    return _on_stores(
        checkout, "redis-cli", lambda session: lambda urls: redis_cli_command(session.places, urls, rest)
    )


def _on_stores(checkout: Checkout, name: str, make: Callable[[Session], MakeCommand]) -> int:
    running = checkout.acquire()
    try:
        python = ensure_environment(checkout.root, LOCAL, say)
        session = Session(checkout, name, python, read_settings(checkout.root, os.environ))
        return with_stores(session, running, make(session))
    finally:
        if running is None:
            checkout.release()


def _reset(checkout: Checkout, rest: Sequence[str]) -> int:
    _nothing_more([word for word in rest if word != "--yes"])
    reset(checkout, sure="--yes" in rest)
    return 0


def _replace(checkout: Checkout, command: Sequence[str]) -> int:
    """Become this command: its output, signals and exit code are its own."""
    sys.stdout.flush()
    os.chdir(checkout.root)
    os.execv(command[0], list(command))


_COMMANDS: dict[str, Callable[[Checkout, Sequence[str]], int]] = {
    "up": _up,
    "demo": _demo,
    "test": _test,
    "check": _check,
    "bench": _module("bench", DEVELOPMENT),
    "drill": _module("bench.drill", DEVELOPMENT),
    "doctor": _doctor,
    "reset": _reset,
    "psql": _psql,
    "redis-cli": _redis_cli,
}
