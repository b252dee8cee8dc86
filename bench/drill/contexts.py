"""What holds as long as a context lasts: a thread beside the case, a database that asks for passwords."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(thread: threading.Thread, stopping: threading.Event) -> Iterator[None]:
    """Run a thread that looks at `stopping`."""
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(5)


@contextmanager
def passwords(data: Path, execute: Callable[[str], object]) -> Iterator[None]:
    """The role `app` needs one on the cluster whose files are at `data`; `execute` is the superuser's."""
    file = data / "pg_hba.conf"
    before = file.read_text()
    file.write_text("local all postgres trust\nlocal all app scram-sha-256\n")
    execute("SELECT pg_reload_conf()")
    try:
        yield
    finally:
        file.write_text(before)
        execute("SELECT pg_reload_conf()")
