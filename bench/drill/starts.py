"""Starts with wrong settings or a symbol that is none; and the web's, which collects nothing."""

import math
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.drill.case import Opened, Outcome, Solo
from bench.drill.exchange import now_ms
from bench.drill.flow import CALM_WITHIN_S
from bench.drill.launch import FOLLOWED, SYMBOLS, environment
from bench.drill.rig import Rig
from db.local.stores import CHECKOUT

Open = Callable[..., Opened]
REFUSED_WITHIN_S = 20.0
WEB_WITHIN_S = 30.0
WEB_WORKERS = 4
BAD = {
    "DATABASE_URL": "mysql://app@localhost/app",
    "BINANCE_WS_URL": "https://fstream.binance.com",
    "SYMBOLS": "BTC USDT",
    "BYBIT_DEPTH": "51",
    "INTERVALS": "1m,7m",
    "FLUSH_INTERVAL_MS": "soon",
    "ROTATE_HOURS": "0",
    "TAKER_FEE_BPS": "bybit",
    "FEEDS": "both",
}
NO_SYMBOL = "NOSUCHUSDT"


def _bad_settings(open_rig: Open) -> Outcome:
    """The start is refused, with every bad variable named at once, and before anything is opened."""
    outcome = Outcome()
    with open_rig() as rig:
        env = environment(rig.urls, rig.exchange.port) | BAD
        command = [sys.executable, "-m", "collector"]
        began = time.monotonic()
        done = subprocess.run(
            command, env=env, capture_output=True, text=True, check=False, timeout=REFUSED_WITHIN_S
        )
        outcome.noticed_s = time.monotonic() - began
        if done.returncode == 0:
            outcome.problems.append("it ended with 0")
        if unsaid := [name for name in BAD if name not in done.stderr]:
            outcome.problems.append(f"not named: {', '.join(unsaid)}, only {done.stderr.strip()[-500:]}")
        if connects := rig.exchange.counts()["newest_connects"]:
            outcome.problems.append(f"it opened {len(connects)} sockets before")
    return outcome


def _bad_symbol(open_rig: Open) -> Outcome:
    """One symbol that no venue lists is left out and told of; the others live."""
    outcome = Outcome()
    with open_rig() as rig, rig.collector(SYMBOLS=",".join((NO_SYMBOL, *SYMBOLS))):
        _live(rig, outcome)
        said = [s.text for s in rig.watch.signs if s.kind == "event" and NO_SYMBOL in s.text]
        outcome.sign = said[0] if said else ""
        if not said:
            outcome.problems.append(f"nothing says that {NO_SYMBOL} is left out")
        if rig.hot.exists(f"book:bybit:{NO_SYMBOL}"):
            outcome.problems.append(f"{NO_SYMBOL} has a book")
    return outcome


def _web_beside(open_rig: Open) -> Outcome:
    """The web's processes open no socket to a venue and write nothing; a collector misses nothing."""
    outcome = Outcome()
    with open_rig() as rig, _web(rig):
        rig.pause(3.0)
        if connects := rig.exchange.counts()["newest_connects"]:
            outcome.problems.append(f"the web opened {len(connects)} sockets to the exchange")
        if found := [*rig.hot.keys("worker:*"), *rig.hot.keys("feed:*")]:
            outcome.problems.append(f"the web wrote {found}")
        with rig.collector():
            _live(rig, outcome)
            outcome.others = f"{len(rig.hot.keys('worker:*'))} collector beside {WEB_WORKERS} web processes"
            if len(rig.hot.keys("worker:*")) != 1:
                outcome.problems.append(outcome.others)
    return outcome


def _live(rig: Rig, outcome: Outcome) -> None:
    """All becomes live, and for a while every row is there."""
    took = rig.until(rig.is_calm, CALM_WITHIN_S)
    outcome.live_s = math.inf if took is None else took
    if took is None:
        outcome.problems.append(f"not live within {CALM_WITHIN_S:.0f} s: {rig.watch.books}")
    first_ms = now_ms()
    rig.pause(3.0)
    outcome.rows = rig.ticks(FOLLOWED, first_ms, now_ms())
    if outcome.rows.missing or outcome.rows.twice:
        outcome.problems.append(f"{outcome.rows.missing} rows missing: {outcome.rows.example}")


@contextmanager
def _web(rig: Rig) -> Iterator[None]:
    """A running web with several processes, each of which has answered or may have."""
    env = environment(rig.urls, rig.exchange.port) | {"WEB_CONCURRENCY": str(WEB_WORKERS)}
    with TemporaryDirectory() as directory, Path(directory, "log").open("wb") as log:
        path = Path(directory, "web")
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "-b", f"unix:{path}"]
        process = subprocess.Popen(
            [*command, "app.main:server"], cwd=CHECKOUT, env=env, stdout=log, stderr=log
        )
        try:
            if rig.until(lambda: _answers(path), WEB_WITHIN_S) is None:
                raise RuntimeError(f"the web does not answer: {Path(log.name).read_text()[-500:]}")
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def _answers(path: Path) -> bool:
    """Whether the Market page is to be had."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return client.recv(100).split()[1:2] == [b"200"]
        except OSError:
            return False


STARTS: tuple[Solo, ...] = (
    Solo("X11", f"the web runs with {WEB_WORKERS} processes", _web_beside),
    Solo("X12", f"{len(BAD)} settings are wrong", _bad_settings),
    Solo("X12", "one symbol is none", _bad_symbol),
)
