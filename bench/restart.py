"""From `exec` of a collector that was killed to full pages, with a history of 100 instruments × 6 intervals.

On a machine that others use as well the wall time says little: compare the CPU.
"""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from functools import partial
from tempfile import TemporaryDirectory

import redis

from bench.drill.exchange import exchange
from bench.processes import collector, cpu_s
from bench.report import Result
from db.hot import keys
from db.local.stores import temporary_stores
from db.migrate import migrate
from market.intervals import INTERVAL_MS

VENUES = ("bybit", "binance")
PER_VENUE = 50
SETTINGS = {"SYMBOLS": f"auto:{PER_VENUE}", "TICK_INTERVAL_MS": "1000"}
BUDGET_S = 2.0
FILLED_WITHIN_S = 120.0
WITHIN_S = 30.0
STEP_S = 0.01
FEW_ROWS = 1_000
WINDOW_S = 60.0
"""Filling the history spends what Binance allows in a minute, and a start without REST would be measured."""
RUN_S = 2.0
"""How long it goes on before it is killed."""
MARKS = ("every indicator", "every overview row", "every book")

Name = tuple[str, str]
"""Venue and symbol."""
Marks = dict[str, float]
"""What is there -> seconds after `exec` at which it was."""


def run() -> list[Result]:
    """Measure; about two minutes, most of which fill the history."""
    with (
        temporary_stores() as stores,
        TemporaryDirectory() as spool,
        redis.Redis.from_url(stores.urls["REDIS_URL"], decode_responses=True) as hot,
        exchange() as venues,
    ):
        migrate(stores.urls["DATABASE_URL"])
        settings = {**SETTINGS, "SPOOL_DIR": spool}

        def killed_after(marks: Sequence[str], within_s: float) -> tuple[Marks, float]:
            hot.flushall()
            began = time.monotonic()
            with collector(stores.urls, venues.port, **settings) as process:
                found = _marks(hot, began, marks, within_s)
                used = cpu_s(process.pid)
                time.sleep(RUN_S)
                _settle(hot)
                _kill(process)
            return found, used

        killed_after(MARKS, FILLED_WITHIN_S)
        time.sleep(WINDOW_S - time.time() % WINDOW_S)
        found, used = killed_after(MARKS, WITHIN_S)
        venues.inject({"kind": "mute", "topics": "*"})
        silent, silent_used = killed_after(MARKS[:2], WITHIN_S)
    results = [_result(mark, found[mark], "") for mark in MARKS]
    results += [_result(mark, silent[mark], ", sockets silent") for mark in MARKS[:2]]
    return [*results, Result("CPU of the collector until then", "", f"{used:.2f} s; {silent_used:.2f} s")]


def _settle(hot: "redis.Redis") -> None:
    """Wait until what REST told is stored; ticks keep coming."""
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        for key in hot.scan_iter("worker:*"):
            waiting = [int(rows or 0) for rows in hot.hmget(key, ["queue_rows", "spool_rows"])]
            if waiting[0] < FEW_ROWS and not waiting[1]:
                return
        time.sleep(0.2)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _result(mark: str, seconds: float, how: str) -> Result:
    return Result(
        f"exec after kill -9, Redis empty{how} → {mark} of {len(VENUES) * PER_VENUE} instruments",
        f"≤ {BUDGET_S:.0f} s",
        f"{seconds:.2f} s",
        seconds <= BUDGET_S,
    )


def _marks(hot: "redis.Redis", began: float, wanted: Sequence[str], within_s: float) -> Marks:
    """When each of these was there first; `inf` for what does not come."""
    found: Marks = {}
    lacking: dict[str, list[Name]] = {}
    while len(found) < len(wanted) and time.monotonic() < began + within_s:
        rows = [_rows(hot, venue) for venue in VENUES]
        at = time.monotonic() - began
        if all(len(each) >= PER_VENUE for each in rows):
            if MARKS[1] not in found and all(_is_whole(row) for each in rows for row in each.values()):
                found[MARKS[1]] = at
            names = [(venue, s) for venue, each in zip(VENUES, rows, strict=True) for s in each]
            for mark, look in ((MARKS[0], _have_indicators), (MARKS[2], _have_books)):
                if mark in wanted and mark not in found:
                    _strike(lacking.setdefault(mark, [*names]), partial(look, hot))
                    if not lacking[mark]:
                        found[mark] = time.monotonic() - began
        time.sleep(STEP_S)
    return dict.fromkeys(wanted, float("inf")) | found


def _rows(hot: "redis.Redis", venue: str) -> dict[str, str]:
    found: dict[str, str] = hot.hgetall(keys.market(venue))  # type: ignore[assignment]
    return found


def _is_whole(text: str) -> bool:
    """Whether an overview row has a price, its time, and the indicators of every interval."""
    row = json.loads(text)
    is_priced = row["last_price"] is not None and row["event_time"] is not None
    return is_priced and len(row["indicators"]) == len(INTERVAL_MS)


def _strike(lacking: list[Name], look: Callable[[list[Name]], list[bool]]) -> None:
    """Strike out what is there. One is asked for until it is: looking must not slow down what it looks at."""
    if all(look(lacking[:1])):
        there = look(lacking)
        lacking[:] = [name for name, is_there in zip(lacking, there, strict=True) if not is_there]


def _have_indicators(hot: "redis.Redis", names: list[Name]) -> list[bool]:
    """Whether each series has an RSI of its history; the minute of the crash may be missing for a while."""
    pipeline = hot.pipeline(transaction=False)
    for name in names:
        for interval in INTERVAL_MS:
            pipeline.hmget(keys.indicator(*name, interval), ["rsi", "reason"])
    found = [bool(rsi) and reason != "warming" for rsi, reason in pipeline.execute()]
    return [all(found[at : at + len(INTERVAL_MS)]) for at in range(0, len(found), len(INTERVAL_MS))]


def _have_books(hot: "redis.Redis", names: list[Name]) -> list[bool]:
    pipeline = hot.pipeline(transaction=False)
    for name in names:
        pipeline.hget(keys.book(*name), "state")
    return [state == "live" for state in pipeline.execute()]
