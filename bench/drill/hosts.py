"""Faults of the machine and of its process: clock, CPU, descriptors, threads, a standstill."""

import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.drill.case import Case, Opened, Outcome, Solo
from bench.drill.cases import ALL_BOOKS, CUT
from bench.drill.exchange import now_ms
from bench.drill.flow import CALM_WITHIN_S, play
from bench.drill.launch import FOLLOWED, VENUES
from bench.drill.rig import Rig
from bench.drill.sabotage import Saboteur

Open = Callable[..., Opened]
Process = subprocess.Popen[bytes]
ENDED_WITHIN_S = 15.0
HOUR_S = 3_600
_SHARE, _TURN_S = 0.1, 0.1
"""How much of each turn a starved process may run, and how long a turn is."""


@contextmanager
def _sabotaged(rig: Rig) -> Iterator[tuple[Process, Saboteur]]:
    """A collector that can be told to harm itself; it has been live."""
    with TemporaryDirectory() as directory:
        path = Path(directory, "commands")
        with rig.collector(program=("bench.drill.sabotage", str(path))) as process:
            rig.until(lambda: path.exists() and rig.is_calm(), CALM_WITHIN_S)
            yield process, Saboteur(path)


def _unnoticed(case: Case, act: Callable[[Rig, Process, Saboteur], None]) -> Callable[[Open], Outcome]:
    """What must leave no trace: no row missing, no row in the ledger, no socket given up."""

    def played(open_rig: Open) -> Outcome:
        with open_rig() as rig, _sabotaged(rig) as (process, saboteur):
            rig.until(rig.is_calm, CALM_WITHIN_S)
            before = _reconnects(rig)

            def judge(rig: Rig) -> str:
                more = _reconnects(rig) - before
                return f"{more} sockets were given up" if more else _future(rig)

            given = replace(case, act=lambda rig: act(rig, process, saboteur), check=judge)
            return play(rig, given)

    return played


def _reconnects(rig: Rig) -> int:
    return sum(int(str(rig.hot.hget(f"feed:{venue}", "reconnects") or 0)) for venue in VENUES)


def _future(rig: Rig) -> str:
    """Nothing is stored or shown that has not been yet."""
    soon = now_ms() + 60_000
    early = [row for it in FOLLOWED for row in rig.stored_klines(it, soon, soon + 10 * HOUR_S * 1000)]
    if early:
        return f"{len(early)} candles of the future are stored: {early[0]}"
    said = [int(str(rig.hot.hget(f"book:{v}:{s}", "publish_time") or 0)) for v, s in FOLLOWED]
    wrong = [at for at in said if abs(at - now_ms()) > 60_000]
    return f"{len(wrong)} books say that they were published at {wrong[0]}" if wrong else ""


def _step_clock(rig: Rig, _process: Process, saboteur: Saboteur) -> None:
    """An hour ahead, an hour behind, and right again."""
    for seconds in (HOUR_S, -HOUR_S, 0):
        saboteur.command(f"clock {seconds}")
        rig.pause(6.0)


def _stand_still(rig: Rig, process: Process, _saboteur: Saboteur) -> None:
    process.send_signal(signal.SIGSTOP)
    rig.pause(5.0)
    process.send_signal(signal.SIGCONT)


def _hold(_rig: Rig, _process: Process, saboteur: Saboteur) -> None:
    saboteur.command("hold 5")


def _starve(rig: Rig, process: Process, _saboteur: Saboteur) -> None:
    """Let it run for a tenth of the time, for ten seconds; then wait until all is well."""
    until = time.monotonic() + 10.0
    while time.monotonic() < until:
        process.send_signal(signal.SIGSTOP)
        rig.pause(_TURN_S * (1 - _SHARE))
        process.send_signal(signal.SIGCONT)
        rig.pause(_TURN_S * _SHARE)
    rig.until(rig.is_calm, CALM_WITHIN_S)


def _no_descriptors(open_rig: Open) -> Outcome:
    """Nothing more can be opened, just when all sockets are cut."""

    def limit(process: Process, count: int) -> None:
        hard = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (count, hard))

    with open_rig() as rig, rig.collector() as process:
        usual = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0]

        def begin(rig: Rig) -> None:
            limit(process, 3)
            rig.exchange.inject({"kind": "cut"})

        case = Case(
            "X10", "", [], ALL_BOOKS, lasts_s=6.0, live_s=20.0, disturbs="all", causes=CUT,
            act=begin, undo=lambda _rig: limit(process, usual),
        )  # fmt: skip
        return play(rig, case)


def _threads_die(open_rig: Open) -> Outcome:
    """An error in each thread, one after another: the thread goes on, or the process ends and says so.

    The platform starts another one then, which finds out what was missed.
    """
    outcome = Outcome()
    ended: list[str] = []
    with open_rig() as rig:
        left: list[str] | None = None
        first_ms = 0
        while left is None or left:
            with _sabotaged(rig) as (process, saboteur):
                first_ms = first_ms or now_ms()
                left = _names(saboteur) if left is None else left
                while left and process.poll() is None:
                    _raise_in(rig, outcome, process, saboteur, left.pop(), ended)
        with rig.collector():
            outcome.live_s = rig.until(rig.is_calm, CALM_WITHIN_S)
            if outcome.live_s is None:
                outcome.problems.append("not calm in the end")
            rig.pause(2.0)
            outcome.rows = rig.ticks(FOLLOWED, first_ms, now_ms())
        if outcome.rows.outside or outcome.rows.twice:
            outcome.problems.append(outcome.rows.example)
        causes = {gap.cause for it in FOLLOWED for gap in rig.gaps_of(it, first_ms, now_ms())}
    outcome.ledger = ", ".join(sorted(causes)) or "none"
    outcome.others = f"ended with 1 by {', '.join(sorted(ended)) or 'none'}"
    return outcome


def _names(saboteur: Saboteur) -> list[str]:
    """One thread of each kind: those of the venues differ in the venue alone."""
    found = saboteur.command("threads").split()
    return [n for n in found if n not in ("MainThread", "sabotage") and "binance" not in n]


def _raise_in(
    rig: Rig, outcome: Outcome, process: Process, saboteur: Saboteur, name: str, ended: list[str]
) -> None:
    if saboteur.command(f"raise {name}") == "0":
        return  # it has done what it was for
    since_ms = now_ms()

    def is_seen() -> bool:
        if process.poll() is not None:
            return True
        return now_ms() - since_ms > 4_000 and rig.is_calm()

    took = rig.until(is_seen, ENDED_WITHIN_S)
    if process.poll() is not None:
        ended.append(name)
        if process.returncode != 1:
            outcome.problems.append(f"without {name} it ended with {process.returncode}")
    elif took is None:
        outcome.problems.append(f"without {name} it goes on, and something is missing")
    elif name not in saboteur.command("threads").split():
        outcome.problems.append(f"{name} died, and nobody noticed")


def _skipped(reason: str) -> Callable[[Open], Outcome]:
    return lambda _open_rig: Outcome(skipped=reason)


_QUIET = Case("", "", [], ALL_BOOKS, budget_s=None, lasts_s=0.0, disturbs="all")
_STARVED = replace(_QUIET, may_say=frozenset({"silent", "disconnect", "sequence"}))

HOSTS: tuple[Solo, ...] = (
    Solo(
        "X7", "the wall clock goes an hour ahead, an hour behind, and right", _unnoticed(_QUIET, _step_clock)
    ),
    Solo("X8", "the process stands still for 5 s", _unnoticed(_QUIET, _stand_still)),
    Solo("X8", "one thread lets no other run for 5 s", _unnoticed(_QUIET, _hold)),
    Solo("X9", "an error comes out of nowhere in each thread", _threads_die),
    Solo("X10", "no descriptors are left for 6 s, and all sockets cut", _no_descriptors),
    Solo("X10", "memory runs out", _skipped("needs a cgroup of its own, which the machine's owner makes")),
    Solo("X14", "a tenth of the CPU's time for 10 s", _unnoticed(_STARVED, _starve)),
)
