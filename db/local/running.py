"""A running Tickdeck: stores, schema, collector and web, started in order and kept running."""

import http.client
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from db.local.binaries import Places
from db.local.checkout import Checkout, State
from db.local.environment import STORE_NAMES, refuse_on_platforms
from db.local.errors import LocalError, StopRequested
from db.local.install import site_packages
from db.local.process import Program, birth
from db.local.signals import Signals
from db.local.stores import Stores, checkout_stores
from db.local.supervisor import Supervisor

PATIENCE_S = 60.0
"""So long a second `dev` waits for the page of the first: an installation may take as much."""


def say(line: str) -> None:
    """A line for the person at the terminal, who may have closed it by now."""
    _print(line, sys.stdout)


def say_aside(line: str) -> None:
    """The same where standard output belongs to a shell we start."""
    _print(line, sys.stderr)


def _print(line: str, stream: IO[str]) -> None:
    try:
        print(line, file=stream, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # nobody listens: later lines go nowhere


@dataclass(frozen=True, slots=True)
class Session:
    """One `dev` that owns the checkout's lock. `settings` are those of `environment.NAMES` that are set."""

    checkout: Checkout
    command: str
    python: Path
    settings: Mapping[str, str]

    def program(self, name: str, arguments: tuple[str, ...], env: Mapping[str, str]) -> Program:
        """A part of Tickdeck as a child: Python with these arguments in the checkout, `env` over ours."""
        env = {**os.environ, **env, "PYTHONUNBUFFERED": "1"}
        return Program(name, (str(self.python), *arguments), self.checkout.root, env)

    @property
    def places(self) -> Places:
        """Where the server programs are."""
        return Places(self.checkout.root, site_packages(self.python), os.environ)


@contextmanager
def running_stores(
    session: Session, signals: Signals, say: Callable[[str], None], url: str = ""
) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    """Start those stores that have no URL; the URLs of these. At the end everything is stopped in order.

    `url` is where the page will be, for a second `dev`. Raises LocalError, OSError, StopRequested.
    """
    state = State(session.command, os.getpid(), url)
    checkout = session.checkout

    def note() -> None:
        state.children = [(c.program.name, c.pid, birth(c.pid)) for c in supervisor.children.values()]
        try:
            checkout.write_state(state)
        except OSError as error:  # a full disk: a later ./dev may not find this one, but this one goes on
            say(f"  {checkout.devdata} cannot be written: {error.strerror}")

    supervisor = Supervisor(
        checkout.logs, say=say, pause=signals.pause, hurried=signals.hurried, changed=note
    )
    checkout.write_state(state)
    stores = _local_stores(session, supervisor, say)
    with signals:
        try:
            state.directories = [str(path) for path in stores.socket_directories]
            state.stores = {name: session.settings.get(name) or stores.urls[name] for name in STORE_NAMES}
            checkout.rotate_logs()
            stores.start(lambda name, seconds: say(f"  {name:<10} ready   {seconds:5.2f} s"))
            yield supervisor, stores.urls
        finally:
            signals.stopping = state.is_stopping = True
            note()
            supervisor.stop()
            stores.close()


def _local_stores(session: Session, supervisor: Supervisor, say: Callable[[str], None]) -> Stores:
    wanted = {name: name not in session.settings for name in STORE_NAMES}
    if any(wanted.values()):
        refuse_on_platforms(os.environ)
    return checkout_stores(
        supervisor, session.places, postgres=wanted["DATABASE_URL"], redis=wanted["REDIS_URL"], say=say
    )


def page_url(port: int) -> str:
    """The one URL that is printed."""
    return f"http://127.0.0.1:{port}"


def up(session: Session, port: int, feeds: str) -> None:
    """Everything, until it is asked to stop. Raises LocalError, OSError."""
    try:
        with running_stores(session, Signals(), say, page_url(port)) as (supervisor, urls):
            _start_parts(session, supervisor, {**urls, "PORT": str(port), "FEEDS": feeds})
            say(f"  logs       {session.checkout.logs}\n\nTickdeck  {page_url(port)}\n")
            supervisor.watch()
    except StopRequested:
        return


def _start_parts(session: Session, supervisor: Supervisor, env: Mapping[str, str]) -> None:
    with _timed("schema"):
        supervisor.run(session.program("migrate", ("-m", "db.migrate"), env))
    supervisor.start(session.program("collector", ("-m", "collector"), env))
    say("  collector  started")
    serve = (
        "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{env['PORT']}",
        # Browsers keep connections open, and gunicorn would wait for them.
        "--graceful-timeout", "2", "app.main:server",
    )  # fmt: skip
    with _timed("web"):
        web = supervisor.start(session.program("web", serve, env))
        supervisor.wait_until(lambda: _is_alive(int(env["PORT"])), web)


def wait_for_page(
    running: State, on_silence: Callable[[], None], patience_s: float = PATIENCE_S, every_s: float = 0.1
) -> None:
    """Wait for the page of another `dev` to answer. `on_silence` is called once where it does not yet.

    Raises LocalError where it does not in time, or where that `dev` ends.
    """
    port, deadline = urlsplit(running.url).port or 80, time.monotonic() + patience_s
    is_first = True
    while not _is_alive(port):
        if is_first:
            on_silence()
        is_first = False
        who = f"./dev {running.command} (pid {running.pid})"
        if not birth(running.pid):
            raise LocalError(f"{who} has ended before its page was there: run it again")
        if time.monotonic() > deadline:
            raise LocalError(f"{running.url} of {who} does not answer: what that one prints says why")
        time.sleep(every_s)


@contextmanager
def _timed(name: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    say(f"  {name:<10} ready   {time.monotonic() - began:5.2f} s")


def _is_alive(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
