"""1,000 streams and 300 pages on two web processes, beside a collector, in bad weather and over a deploy."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from bench.asking import PORT, market_body, reply, symbol_body
from bench.crowd.verdict import Seen, results
from bench.crowd.weather import Weather
from bench.processes import collector, resident_mb, settle, simulator
from bench.report import Result
from bench.web import Web, web
from db.local.stores import Stores, temporary_stores
from db.migrate import migrate
from market.instruments import symbols_for

STREAMS, PAGES = 1_000, 300
RATE = 2_000
SHORT_S, LONG_S = 20.0, 120.0
LIFE_S = 600.0
"""Whoever makes load ends after so long by himself."""
BACK_S = 15.0
"""Until all are back after a deploy: clients wait for two to four seconds."""
TOLD_S = 5.0
"""Until every stream must have heard what is in `events`; on a machine that is busy the last come late."""
MARKET_OF = 3
"""Two of so many pages are the Market page, one is of a symbol."""
COLLECTOR = {"BACKFILL": "off", "INTERVALS": "1m,5m"}


class Load(NamedTuple):
    """A process that makes load."""

    process: "subprocess.Popen[str]"

    def end(self) -> Any:
        """What it saw."""
        self.process.send_signal(signal.SIGTERM)
        said, _ = self.process.communicate(timeout=60)
        return json.loads(said.splitlines()[-1])


def run(*, is_long: bool = False) -> list[Result]:
    """Measure; about a minute, with `is_long` three."""
    seconds = LONG_S if is_long else SHORT_S
    with temporary_stores() as stores, simulator("--bench", "--rate", str(RATE)) as port:
        migrate(stores.urls["DATABASE_URL"])
        with collector(stores.urls, port, **COLLECTOR):
            settle(6)
            return results(_watch(stores, seconds), STREAMS, PAGES, seconds)


def _watch(stores: Stores, seconds: float) -> Seen:
    served = partial(web, stores.urls, PORT, API_RATE_LIMIT="off", STREAMS_PER_ADDRESS="0")
    weather = Weather(stores)
    with served() as first:
        reply(market_body())  # what is past is read aside, after the first request
        settle(1)
        with _load("listeners", str(STREAMS)) as listeners, _load("viewers", said=_bodies()) as viewers:
            settle(3)
            with weather.events():
                settle(1)
                before, began = weather.told()[-1], time.monotonic()
                memory = _Memory(first)
                with memory:
                    weather.pass_over(seconds)
                ended = time.monotonic()
                exit_s, exit_code = _stop(first)
                with served():
                    settle(BACK_S)
                    told = weather.told()
                    settle(TOLD_S)
                    heard, asked = listeners.end(), viewers.end()
    return Seen(
        heard=heard,
        pages=asked["pages"],
        health=asked["health"],
        waits=weather.waits,
        frozen=weather.frozen,
        window=(began, ended),
        told=[event_id for event_id in told if _order(event_id) > _order(before)],
        memory_mb=memory.most_mb,
        exit_s=exit_s,
        exit_code=exit_code,
    )


def _order(event_id: str) -> tuple[int, ...]:
    return tuple(map(int, event_id.split("-")))


def _bodies() -> str:
    """What each page asks, a line each."""
    symbols, market = symbols_for("bybit", []), market_body()
    return "\n".join(
        symbol_body(symbols[number // MARKET_OF % len(symbols)]) if number % MARKET_OF == 0 else market
        for number in range(PAGES)
    )


def _stop(served: Web) -> tuple[float, int]:
    """SIGTERM; after how many seconds it ended, and how."""
    began = time.monotonic()
    served.process.send_signal(signal.SIGTERM)
    return_code = served.process.wait(60)
    return time.monotonic() - began, return_code


@contextmanager
def _load(name: str, *arguments: str, said: str = "") -> Iterator[Load]:
    """A process that makes load and is at full stride."""
    command = [sys.executable, "-m", f"bench.crowd.{name}", str(PORT), *arguments, str(LIFE_S)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write(said)
        process.stdin.close()
        process.stdin = None
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"expected {name} that are ready, found none")
        yield Load(process)
    finally:
        process.kill()
        process.wait()


class _Memory:
    """Looks once a second how much all processes of a web hold together."""

    def __init__(self, served: Web) -> None:
        self.most_mb = 0.0
        self._pids = [served.process.pid, *served.workers]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(1.0):
            self.most_mb = max(self.most_mb, sum(resident_mb(pid) for pid in self._pids))
