"""A look at the settings before anything is started: every problem is told at once."""

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from db.local.environment import DEFAULT_PORT, STORE_NAMES, check_store_url, choose_port
from db.local.errors import LocalError
from db.local.running import Session


@dataclass(frozen=True, slots=True)
class Trial:
    """What `dev` itself can see, which needs no packages: the port to serve on, and name -> problem."""

    port: int
    problems: Mapping[str, str] = field(default_factory=dict)


def try_settings(settings: Mapping[str, str]) -> Trial:
    """Whether something listens where given stores should be, and whether the port is free."""
    found: dict[str, str] = {}
    for name in STORE_NAMES:
        try:
            if name in settings:
                check_store_url(name, settings[name])
        except LocalError as error:
            found[name] = str(error)
    port = 0
    try:
        port = choose_port(settings.get("PORT", DEFAULT_PORT))
    except LocalError as error:
        found["PORT"] = str(error)
    return Trial(port, found)


def refuse(problems: Iterable[str]) -> None:
    """Raises LocalError if there are any."""
    lines = list(problems)
    if len(lines) == 1:
        raise LocalError(lines[0])
    if lines:
        raise LocalError("\n  ".join(["settings refused:", *lines]))


def finish(trial: Trial, session: Session, feeds: str) -> None:
    """Have the installed program look as well, and refuse what it or `trial` found.

    Stores are tried where something listens; those that are still to be started get a URL for the moment.
    Raises LocalError, OSError.
    """
    given = [name for name in STORE_NAMES if name in session.settings and name not in trial.problems]
    for_now = {
        "DATABASE_URL": "postgresql://local",
        "REDIS_URL": "redis://local",
        "PORT": "0",
        "FEEDS": feeds,
    }
    env = {name: value for name, value in for_now.items() if name not in given}
    done = subprocess.run(
        [str(session.python), "-m", "db.check", *given],
        cwd=session.checkout.root, env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = [line for line in done.stdout.splitlines() if line] if done.returncode else []
    if done.returncode and not told:
        last = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise LocalError(f"the settings could not be checked: {last[0]}")
    refuse([*trial.problems.values(), *told])
