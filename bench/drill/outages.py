"""PostgreSQL is away: for long, or while what rows wait in meanwhile is lost, damaged or full."""

import math
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

from bench.drill.case import Outcome
from bench.drill.exchange import now_ms
from bench.drill.restarts import Restart, Restarts
from bench.drill.stores import CALM_WITHIN_S, DURABLE_MS, HOT_MS, Piece, Player

AWAY_S = 4.0
RATE = 2_000
"""Rows a second of the long outage."""
DRAINED_WITHIN_S = 240.0
FRESH_WITHIN_S = 20.0
SAID_MS = 1_000
"""What was said longer ago the exchange has recorded."""
PIECE_S = 20.0
FULL_WITHIN_S = 120.0
SMALL_MB = 1


@contextmanager
def away(it: Restarts) -> Iterator[None]:
    """PostgreSQL is gone inside."""
    it.player.servers.kill("postgres", signal.SIGQUIT)
    try:
        yield
    finally:
        it.player.servers.start("postgres")


def _is_calm(it: Restarts, outcome: Outcome, when: str) -> bool:
    took = it.player.until(it.player.is_calm, CALM_WITHIN_S)
    if took is None:
        outcome.problems.append(f"not calm {when}")
    return took is not None


def _between(harm: Callable[[Path], None]) -> Callable[[Restarts, Outcome], None]:
    """Rows wait on disk when the collector is killed, and its spool is harmed before the next one starts."""

    def played(it: Restarts, outcome: Outcome) -> None:
        with TemporaryDirectory() as directory:
            spool = Path(directory, "spool")
            with it.collector(str(spool)) as process:
                if not _is_calm(it, outcome, "before it"):
                    return
                first_ms = now_ms()
                with away(it):
                    it.player.pause(AWAY_S)
                    process.kill()
                    process.wait(10)
                    harm(spool)
            with it.collector(str(spool)):
                outcome.live_s = it.player.until(it.player.is_calm, CALM_WITHIN_S)
                if outcome.live_s is None:
                    outcome.problems.append("not calm in the end")
                it.player.pause(2.0)
                it.player.judge(outcome, first_ms, now_ms(), ["crash", "restart"])

    return played


def _wipe(spool: Path) -> None:
    shutil.rmtree(spool)


def _cut_off(spool: Path) -> None:
    """The last third of what is on disk was never written."""
    for file in _files(spool):
        with file.open("r+b") as opened:
            opened.truncate(file.stat().st_size * 2 // 3)


def _flip(spool: Path) -> None:
    """Bits fall over in the middle of it."""
    for file in _files(spool):
        content = bytearray(file.read_bytes())
        middle = len(content) // 2
        content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
        file.write_bytes(content)


def _files(spool: Path) -> list[Path]:
    """The spool's file and its log, as far as there is something in them."""
    found = [it for it in spool.iterdir() if ".db" in it.name and it.stat().st_size > 4_096]
    if not found:
        raise RuntimeError(f"nothing was spooled: {[it.name for it in spool.iterdir()]}")
    return found


def _no_room(it: Restarts, outcome: Outcome) -> None:
    """No file of the collector's may grow any more while PostgreSQL is away: rows wait in memory."""

    def limit(process: Popen[bytes], most: int) -> None:
        hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, hard))

    with TemporaryDirectory() as spool, it.collector(spool) as process:
        if not _is_calm(it, outcome, "before it"):
            return
        usual = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[0]
        first_ms = now_ms()
        with away(it):
            limit(process, 1_000)
            age = _hot_age(it, AWAY_S)
            limit(process, usual)
        _say_age(outcome, age)
        outcome.live_s = it.player.until(it.player.is_durable, CALM_WITHIN_S)
        if outcome.live_s is None:
            outcome.problems.append(f"not durable within {CALM_WITHIN_S:.0f} s")
        it.player.pause(1.0)
        piece = it.player.piece(first_ms, now_ms(), is_whole=True)
        it.player.judge(outcome, piece.first_ms, piece.last_ms, ["restart"], [piece])


def _full(it: Restarts, outcome: Outcome) -> None:
    """The outage is longer than the spool: the oldest ticks go, and the ledger says which."""
    small = {"SPOOL_MAX_MB": str(SMALL_MB)}
    with it.busy(RATE) as more, TemporaryDirectory() as spool, more.collector(spool, **small):
        if not _is_calm(more, outcome, "before it"):
            return
        player = more.player
        first_ms = now_ms()
        with away(more):
            dropped = player.until(
                lambda: int(player.servers.worker("rows_dropped")[0]) > RATE, FULL_WITHIN_S
            )
            if dropped is None:
                outcome.problems.append(f"the spool never had more than {SMALL_MB} MB")
        took = player.until(player.is_durable, CALM_WITHIN_S)
        outcome.live_s = math.inf if took is None else took
        if took is None:
            outcome.problems.append(f"not durable within {CALM_WITHIN_S:.0f} s")
        player.pause(2.0)
        player.judge(outcome, first_ms, now_ms(), ["spool_full", "restart"])
        if not outcome.rows.missing:
            outcome.problems.append("no row is missing, though some were dropped")


def outage(it: Restarts, outcome: Outcome, seconds: float, rows_per_s: float = RATE) -> None:
    """Rows come all the time; afterwards what waits is written while fresh rows go on."""
    pieces: list[Piece] = []

    def note(player: Player, first_ms: int) -> int:
        last_ms = now_ms() - SAID_MS
        pieces.append(player.piece(first_ms, last_ms, is_whole=True))
        return last_ms + 1

    with it.busy(rows_per_s) as more, TemporaryDirectory() as spool, more.collector(spool):
        if not _is_calm(more, outcome, "before it"):
            return
        player = more.player
        next_ms, worst = now_ms(), 0
        with away(more):
            left = seconds
            while left > 0:
                worst = max(worst, _hot_age(more, min(left, PIECE_S)))
                left -= PIECE_S
                next_ms = note(player, next_ms)
            waiting = player.servers.waiting()
        began = time.monotonic()
        fresh = player.until(lambda: player.servers.tick_age() < DURABLE_MS, FRESH_WITHIN_S)
        behind = player.servers.waiting()
        drained = player.until(player.is_durable, DRAINED_WITHIN_S)
        took = time.monotonic() - began
        player.pause(2.0)
        note(player, next_ms)
        outcome.live_s = math.inf if drained is None else took
        _say_age(outcome, worst)
        outcome.others += f"; {waiting:,} rows waited, {behind:,} when the first fresh ones came"
        if fresh is None:
            outcome.problems.append(f"no fresh rows within {FRESH_WITHIN_S:.0f} s")
        if drained is None:
            outcome.problems.append(f"not drained within {DRAINED_WITHIN_S:.0f} s")
        player.judge(outcome, pieces[0].first_ms, pieces[-1].last_ms, ["restart"], pieces)


def _hot_age(it: Restarts, seconds: float) -> int:
    """How old the oldest book became in so many seconds, ms."""
    until, worst = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        worst = max(worst, it.player.hot_age())
        it.player.pause(0.1)
    return worst


def _say_age(outcome: Outcome, age_ms: int) -> None:
    """The hot state must not notice that PostgreSQL is away."""
    outcome.others = "undisturbed" if age_ms <= HOT_MS else f"books {age_ms} ms old"
    if age_ms > HOT_MS:
        outcome.problems.append(f"the hot state became {age_ms} ms old")


OUTAGES = (
    Restart("P16", "PostgreSQL is away for longer than the spool has room", _full),
    Restart("P2", f"away for 20 s at {RATE:,} rows/s", lambda it, outcome: outage(it, outcome, 20.0)),
    Restart("P2", "the same for 10 min", lambda it, outcome: outage(it, outcome, 600.0), is_long=True),
    Restart("X5", "killed while PostgreSQL is away, its disk wiped", _between(_wipe)),
    Restart(
        "X6",
        "killed while PostgreSQL is away, its spool not written to the end",
        _between(_cut_off),
    ),
    Restart("X6", "killed while PostgreSQL is away, bits of its spool fall over", _between(_flip)),
    Restart("X6", "PostgreSQL is away, and so is room on the disk", _no_room),
)
