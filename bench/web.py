"""A running web on loopback, the collector of a demo behind it, and the processes that serve it."""

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.processes import collector, settle, simulator
from db.local.stores import temporary_stores
from db.migrate import migrate

APP = "app.main:server"
_START_S = 60.0


@contextmanager
def stocked_stores(settle_s: float = 6.0) -> Iterator[dict[str, str]]:
    """Stores that a collector fills with the simulated market's 100 instruments; what leads to them."""
    with temporary_stores() as stores, simulator() as port:
        migrate(stores.urls["DATABASE_URL"])
        with collector(stores.urls, port, BACKFILL="off"):
            settle(settle_s)
            yield stores.urls


class Web(NamedTuple):
    """A running gunicorn."""

    process: "subprocess.Popen[bytes]"
    workers: list[int]
    """Their process ids."""


@contextmanager
def web(
    urls: dict[str, str], port: int, *, app: str = APP, workers: int = 2, **settings: str
) -> Iterator[Web]:
    """Gunicorn as it is deployed, serving `app`; stopped afterwards if it still runs."""
    env = {"PATH": os.environ["PATH"], **urls, "WEB_CONCURRENCY": str(workers), "LOG_LEVEL": "WARNING"}
    env |= settings
    bind = f"127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", bind, app]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        yield Web(process, _wait_for_workers(process, port, workers))
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_for_workers(process: subprocess.Popen[bytes], port: int, workers: int) -> list[int]:
    """Their pids once the page is served. Raises SystemExit if that takes too long."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        found = [int(pid) for pid in children.read_text().split()]
        if len(found) == workers and _is_served(port):
            return found
        time.sleep(0.1)
    raise SystemExit(f"the web did not come up on port {port}")


def _is_served(port: int) -> bool:
    try:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        client.request("GET", "/")
        return client.getresponse().status == 200
    except OSError:
        return False
