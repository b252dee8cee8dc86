"""`python -m bench.drill [--long] [NAME …]`: faults injected into a collector, and what came of them."""

import argparse
import math
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench.drill.attempt import attempt, broken_off
from bench.drill.case import Background, Case, Outcome, Solo
from bench.drill.cases import CASES
from bench.drill.exchange import exchange, now_ms
from bench.drill.flow import play
from bench.drill.hosts import HOSTS
from bench.drill.hot import HOT
from bench.drill.launch import SYMBOLS, VENUES, launched
from bench.drill.long import LONG
from bench.drill.outages import OUTAGES
from bench.drill.passwords import PASSWORDS
from bench.drill.postgres_cases import POSTGRES
from bench.drill.pulse import Pulse
from bench.drill.redis_cases import REDIS
from bench.drill.report import details, line, table, verdict
from bench.drill.restarts import RESTARTS, Restart, Restarts
from bench.drill.rig import Halted, rig
from bench.drill.servers import Servers
from bench.drill.slow import BACKGROUNDS, candles_of
from bench.drill.solos import SOLOS
from bench.drill.starts import STARTS
from bench.drill.stores import Player, StoreCase
from bench.drill.workers import WORKERS
from db.local.stores import Stores, temporary_stores
from db.migrate import migrate

SKIPPED = "takes long; run with --long"
OVER = "nine minutes are over; run with --long, or name it"
MOST_S = 540.0
"""After so long no further fault is begun, unless it was asked for."""

ALONE = SOLOS + WORKERS + HOT + HOSTS + STARTS + LONG
STORES = REDIS + POSTGRES
ANEW = RESTARTS + OUTAGES + PASSWORDS


class Limits(NamedTuple):
    """What is not played: what takes long, unless `is_long`; and what was not begun `until` then."""

    is_long: bool
    until: float

    def skips(self, *, is_long: bool = False) -> str:
        """Why a fault is not played; "" if it is."""
        if is_long and not self.is_long:
            return SKIPPED
        return OVER if time.monotonic() > self.until else ""


class Played(NamedTuple):
    """One line of the table."""

    number: str
    title: str
    outcome: Outcome


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, or those that are named; 1 if something was not as it must be."""
    parser = argparse.ArgumentParser(prog="./dev drill", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="like E5 or N2; without, all")
    parser.add_argument("--long", action="store_true", help="also what takes long")
    parser.add_argument("--logs", type=Path, metavar="DIRECTORY", help="where the collectors' logs stay")
    chosen = parser.parse_args(arguments)
    names = {name.upper() for name in chosen.names}
    known = {it.number for it in CASES + ALONE + STORES + ANEW + BACKGROUNDS}
    if unknown := sorted(names - known):
        parser.error(f"no such fault: {', '.join(unknown)}; there are {', '.join(sorted(known))}")
    began = time.monotonic()
    try:
        until = math.inf if names or chosen.long else began + MOST_S
        played = run(names or known, Limits(chosen.long, until), logs=chosen.logs)
    except Halted:
        return 130
    print("\n" + table([line(*it) for it in played]))
    wrong = sum(verdict(it.outcome) == "WRONG" for it in played)
    skipped = sum(bool(it.outcome.skipped) for it in played)
    took = time.monotonic() - began
    print(f"{len(played)} faults, {skipped} skipped, {wrong} not as they must be; {took:.0f} s")
    return 1 if wrong else 0


def run(names: set[str], limits: Limits, *, logs: Path | None) -> list[Played]:
    """Play the faults of these names: those that can share a collector beside those that cannot."""
    cases = [it for it in CASES if it.number in names]
    backgrounds = [it for it in BACKGROUNDS if it.number in names]
    solos = [it for it in ALONE if it.number in names]
    on_stores = [it for it in STORES if it.number in names]
    restarts = [it for it in ANEW if it.number in names]
    with ExitStack() as stack:
        if logs is None:
            logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tickdeck-drill-")))
        logs.mkdir(parents=True, exist_ok=True)
        parts: list[Callable[[threading.Event], list[Played]]] = []
        if cases or backgrounds:
            parts.append(partial(_play_together, _stores(stack).urls, logs, cases, backgrounds, limits))
        if solos or on_stores or restarts:
            stores = _stores(stack)
            parts.append(
                lambda halt: [
                    *_play_on_stores(stores, logs, on_stores, restarts, limits, halt),
                    *_play_alone(stores.urls, logs, solos, limits, halt),
                ]
            )
        halt = stack.enter_context(_halting())
        with ThreadPoolExecutor(len(parts)) as threads:
            running = [threads.submit(part, halt) for part in parts]
            try:
                return [it for part in running for it in _whatever_came(part)]
            finally:
                halt.set()


def _whatever_came(part: "Future[list[Played]]") -> list[Played]:
    """The lines of a part; one of its own where it could not go on. Raises Halted."""
    try:
        return part.result()
    except Halted:
        raise
    except Exception as problem:  # noqa: BLE001 - the table of the other part is to be printed
        return [_told(Played("–", "faults whose exchange or stores broke off", broken_off(problem)))]


@contextmanager
def _halting() -> Iterator[threading.Event]:
    """An event that is set when this process is asked to end."""
    halt = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: halt.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield halt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stores(stack: ExitStack) -> Stores:
    """Stores of their own, migrated."""
    stores = stack.enter_context(temporary_stores())
    migrate(stores.urls["DATABASE_URL"])
    return stores


def _play_together(
    urls: Mapping[str, str],
    logs: Path,
    cases: Sequence[Case],
    backgrounds: Sequence[Background],
    limits: Limits,
    halt: threading.Event,
) -> list[Played]:
    """One collector lives through all of them."""
    played = []
    with rig(urls, logs, halt=halt) as running, ExitStack() as stack:
        stack.enter_context(running.collector())
        running.until(running.is_calm, 30.0)
        first_ms, began = now_ms(), time.monotonic()
        running.background.update(target for it in backgrounds for target in it.targets)
        numbers = [[running.exchange.inject(fault) for fault in it.faults] for it in backgrounds]
        for case in cases:
            skipped = limits.skips()
            outcome = Outcome(skipped=skipped) if skipped else attempt(partial(play, running, case))
            played.append(_told(Played(case.number, case.title, outcome)))
            if not outcome.was_calm:  # the next ones are to have a chance
                stack.close()
                stack.enter_context(running.collector())
        for it, ids in zip(backgrounds, numbers, strict=True):
            outcome = attempt(partial(it.finish, running, ids, began))
            played.append(_told(Played(it.number, it.title, outcome)))
        outcome = attempt(partial(candles_of, running, first_ms))
        played.append(_told(Played("–", "every candle that closed meanwhile", outcome)))
    return played


def _play_on_stores(
    stores: Stores,
    logs: Path,
    cases: Sequence[StoreCase],
    restarts: Sequence[Restart],
    limits: Limits,
    halt: threading.Event,
) -> list[Played]:
    """Faults of the stores on one collector, then collectors that end."""
    played: list[Played] = []
    servers = Servers(stores)
    with exchange() as running, Pulse().running() as pulse:
        running.record(dict.fromkeys(VENUES, SYMBOLS))
        player = Player(servers, running, halt, pulse)
        with ExitStack() as stack:
            outcome = Outcome(was_calm=False)
            for case in cases:
                if not outcome.was_calm:  # there is none yet, or the last fault left it in a bad way
                    stack.close()
                    stack.enter_context(launched(stores.urls, running.port, logs))
                skipped = limits.skips()
                outcome = Outcome(skipped=skipped) if skipped else attempt(partial(player.play, case))
                played.append(_told(Played(case.number, case.title, outcome)))
        for it in restarts:
            if skipped := limits.skips(is_long=it.is_long):
                outcome = Outcome(skipped=skipped)
            else:
                outcome = attempt(partial(_restarted, it, Restarts(servers, running, logs, halt, pulse)))
            played.append(_told(Played(it.number, it.title, outcome)))
    return played


def _restarted(restart: Restart, restarts: Restarts) -> Outcome:
    outcome = Outcome()
    restart.play(restarts, outcome)
    return outcome


def _play_alone(
    urls: Mapping[str, str], logs: Path, solos: Sequence[Solo], limits: Limits, halt: threading.Event
) -> list[Played]:
    """One after another, each with everything anew."""
    played = []
    for solo in solos:
        if skipped := limits.skips(is_long=solo.is_long):
            played.append(_told(Played(solo.number, solo.title, Outcome(skipped=skipped))))
        else:
            outcome = attempt(partial(solo.play, partial(rig, urls, logs, halt=halt)))
            played.append(_told(Played(solo.number, solo.title, outcome)))
    return played


_lock = threading.Lock()


def _told(it: Played) -> Played:
    with _lock:
        print(
            f"{it.number:<4} {verdict(it.outcome):<7} {it.outcome.took_s:4.0f} s  {it.title}",
            *details(it.outcome),
            sep="\n",
            flush=True,
        )
    return it


if __name__ == "__main__":
    sys.exit(main())
