"""cryptofeed with its own Redis and Postgres backends, under the load that the collector is measured with.

It runs in an environment of its own, made in `.devdata/peer` the first time; `PEER_PYTHON` names another one.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg2
import redis
from sqlalchemy.engine import make_url

from bench.processes import simulator
from bench.report import Result
from db.local.stores import CHECKOUT, temporary_stores
from market.instruments import symbols_for

VERSION = "2.4.1"
REQUIREMENTS = f"""
cryptofeed=={VERSION}
aiodns==4.0.4 aiofile==3.12.3 aiohappyeyeballs==2.7.1 aiohttp==3.14.5 aiosignal==1.4.0 asyncpg==0.32.0
attrs==26.1.0 caio==0.12.10 certifi==2026.10.19.post1 cffi==2.1.1 charset-normalizer==3.5.3
frozenlist==1.8.0 hiredis==3.5.0 idna==3.20 multidict==7.2.1 order_book==1.0.2 propcache==0.5.4
pycares==5.2.1 pycparser==3.12 PyYAML==6.0.4 redis==8.1.0 requests==2.34.2 typing_extensions==4.16.0
urllib3==2.8.0 uvloop==0.23.0 websockets==17.4 yapic.json==1.9.5 yarl==1.25.1
""".split()
"""Everything in its environment."""

_TABLES = """
CREATE TABLE trades (id serial PRIMARY KEY, timestamp timestamp, receipt timestamp, feed text, symbol text,
    side text, amount numeric, price numeric, trade_id text, order_type text);
CREATE TABLE ticker (id serial PRIMARY KEY, timestamp timestamp, receipt timestamp, feed text, symbol text,
    bid numeric, ask numeric);
CREATE TABLE book (id serial PRIMARY KEY, timestamp timestamp, receipt timestamp, feed text, symbol text,
    data jsonb);
CREATE TABLE candles (id serial PRIMARY KEY, timestamp timestamp, receipt timestamp, feed text, symbol text,
    opened timestamp, closed_at timestamp, interval text, trades integer,
    open numeric, close numeric, high numeric, low numeric, volume numeric, closed boolean);
"""
"""Tables that its INSERT statements, which name no columns, fit."""
_COUNT = "SELECT (SELECT count(*) FROM trades) + (SELECT count(*) FROM ticker) + (SELECT count(*) FROM book)"
_PATIENT = "?socket_timeout=60"
"""Its driver gives up after 5 s, and its writer with it, when all that waits goes out in one pipeline."""
_WARM_S = 6.0
_PATIENCE_S = 10.0
"""For a backlog of the start to be written."""
_DRAIN_S = 60.0
"""For what was received in the window to be written; the CPU of that counts."""
_LEAST_STORED = 0.9
"""Share of its messages that must be in both stores; the rest are candles that have not closed, and acks."""
_INSTALL_S = 240.0
_HARMLESS = "already subscribed,topic:tickers."
"""It asks for Bybit's tickers twice."""


class PeerUnavailable(Exception):
    """There is nothing to compare with; says why."""


class PeerLoad(NamedTuple):
    """What the peer did in a window of time."""

    messages_per_s: float
    cpu_us: float


def compare(cpu_us: float, *, rate: int, seconds: float) -> list[Result]:
    """The peer's CPU per message, and what share of it `cpu_us` is; about half a minute."""
    what = f"the same by cryptofeed {VERSION} and its own backends"
    try:
        load = measure(rate=rate, seconds=seconds)
    except PeerUnavailable as reason:
        return [Result(what, "≤ 1/3 of it", f"skipped: {reason}")]
    ratio = cpu_us / load.cpu_us
    return [
        Result(what, "", f"{load.cpu_us:.1f} µs at {load.messages_per_s:,.0f}/s"),
        Result("ours / cryptofeed's", "≤ 1/3", f"{ratio:.2f} = 1/{1 / ratio:.1f}", ratio <= 1 / 3),
    ]


def measure(*, rate: int, seconds: float) -> PeerLoad:
    """Run it on the bench's frames, 50 instruments on each venue. Raises PeerUnavailable."""
    python = peer_python()
    with (
        temporary_stores() as stores,
        simulator("--bench", "--rate", str(rate)) as port,
        closing(psycopg2.connect(_plain(stores.urls["DATABASE_URL"]))) as history,
        redis.Redis.from_url(stores.urls["REDIS_URL"]) as hot,
    ):
        history.autocommit = True
        with history.cursor() as cursor:
            cursor.execute(_TABLES)
            given = {
                "port": port,
                "redis_url": stores.urls["REDIS_URL"] + _PATIENT,
                "postgres": _address(stores.urls["DATABASE_URL"]),
                "symbols": {venue: symbols_for(venue, []) for venue in ("bybit", "binance")},
                "warm_s": _WARM_S,
                "patience_s": _PATIENCE_S,
                "seconds": seconds,
            }
            with _feed(python, given) as (process, log):
                line = _first_line(process, _WARM_S + _PATIENCE_S + seconds + _DRAIN_S)
                cursor.execute(_COUNT)
                rows = min(int(cursor.fetchone()[0]), _members(hot))  # type: ignore[index]  # one row
                return load_of(line, rows, log.read_text())


def load_of(line: str, rows: int, log: str) -> PeerLoad:
    """What the child printed, if the stores have it. Raises PeerUnavailable."""
    lines = [it for it in log.splitlines() if it.strip() and _HARMLESS not in it]
    said = lines[-1] if lines else "nothing"
    if not line:
        raise PeerUnavailable(f"it gave no figures in time; the last it said: {said}")
    messages, used, elapsed, total = map(float, line.split())
    if messages == 0 or rows < total * _LEAST_STORED:
        raise PeerUnavailable(f"it stored {rows:,} of {total:,.0f} messages; the last it said: {said}")
    return PeerLoad(messages / elapsed, used / messages * 1e6)


def peer_python() -> Path:
    """The Python that has cryptofeed; its environment is made if there is none. Raises PeerUnavailable."""
    if given := os.environ.get("PEER_PYTHON"):
        if _has_peer(Path(given)):
            return Path(given)
        raise PeerUnavailable(f"PEER_PYTHON={given} does not run cryptofeed {VERSION} and its backends")
    home = CHECKOUT / ".devdata" / "peer"
    python = home / "bin" / "python"
    if not _has_peer(python):
        home.parent.mkdir(mode=0o711, exist_ok=True)
        print(f"making {home.relative_to(CHECKOUT)} with cryptofeed {VERSION}", flush=True)
        _run([sys.executable, "-m", "venv", "--clear", str(home)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        try:
            _run([*pip, "--no-deps", *REQUIREMENTS])
        except PeerUnavailable:
            shutil.rmtree(home, ignore_errors=True)
            raise
    return python


def _has_peer(python: Path) -> bool:
    code = "from importlib.metadata import version; import asyncpg, redis; print(version('cryptofeed'))"
    try:
        done = subprocess.run([str(python), "-Ic", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == VERSION


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_INSTALL_S)
    except subprocess.TimeoutExpired:
        raise PeerUnavailable(f"cryptofeed was not installed within {_INSTALL_S:.0f} s") from None
    if done.returncode:
        errors = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("ERROR")]
        raise PeerUnavailable(
            f"cryptofeed cannot be installed ({'; '.join(errors[-1:]) or 'no reason given'})"
        )


@contextmanager
def _feed(python: Path, given: dict[str, object]) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """The running child, and the file with what it says."""
    script = Path(__file__).with_name("peer_feed.py")
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "said").open("w") as said:
        command = [str(python), "-I", str(script), json.dumps(given)]
        process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=said, text=True)
        try:
            yield process, Path(said.name)
        finally:
            process.terminate()
            process.communicate(timeout=20)


def _first_line(process: "subprocess.Popen[str]", timeout_s: float) -> str:
    """One line, "" if there is none in time."""
    out = process.stdout
    return out.readline() if out and select.select([out], [], [], timeout_s)[0] else ""


def _members(hot: "redis.Redis") -> int:
    """Entries of all its sorted sets."""
    pipeline = hot.pipeline(transaction=False)
    for name in hot.scan_iter(count=1000):
        pipeline.zcard(name)
    return sum(pipeline.execute())


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _address(url: str) -> dict[str, str]:
    """A database's address in the backend's words; its host is the directory of a socket."""
    parts = make_url(url)
    return {"host": str(parts.query["host"]), "user": parts.username or "", "db": parts.database or ""}
