"""Several collectors that share the instruments: one more, one fewer, one that stands still and wakes up."""

import math
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import redis

from bench.drill.case import Opened, Outcome, Solo
from bench.drill.contexts import beside
from bench.drill.exchange import now_ms
from bench.drill.launch import FOLLOWED
from bench.drill.rig import Rig

Open = Callable[..., Opened]
Process = subprocess.Popen[bytes]
STARTED_WITHIN_S = 30.0
TAKEN_WITHIN_S = 12.0
"""What the project promises of a worker that died."""
STOPPED_WITHIN_S = 10.0
CLOSED_WITHIN_S = 60.0
"""A gap that another worker left a moment too late is found at the second look."""


class Clock:
    """Reads the times of the hot state again and again; `back` tells where one went back."""

    def __init__(self, hot: "redis.Redis") -> None:
        self.back: list[str] = []
        self._hot = hot
        self._seen: dict[tuple[str, str], int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hot-clock", daemon=True)

    @contextmanager
    def running(self) -> Iterator["Clock"]:
        """Reads as long as the context lasts."""
        with beside(self._thread, self._stopping):
            yield self

    def _run(self) -> None:
        names = [(f"book:{v}:{s}", field) for v, s in FOLLOWED for field in ("event_time", "epoch")]
        names += [(f"ticker:{v}:{s}", "event_time") for v, s in FOLLOWED]
        while not self._stopping.wait(0.01):
            pipeline = self._hot.pipeline(transaction=False)
            for key, field in names:
                pipeline.hget(key, field)
            for name, value in zip(names, pipeline.execute(), strict=True):
                before, now = self._seen.get(name, 0), int(value or 0)
                if now < before:
                    self.back.append(f"{name[0]} {name[1]} from {before} to {now}")
                self._seen[name] = max(before, now)


def shares(rig: Rig) -> list[int]:
    """How many instruments each worker has that gives signs."""
    found: list[Any] = [rig.hot.hget(key, "symbols") for key in rig.hot.keys("worker:*")]
    return sorted(int(count or 0) for count in found)


def _start(rig: Rig, stack: ExitStack, count: int, outcome: Outcome) -> list[Process]:
    """So many collectors, each with its share of the instruments, all of them live."""
    running = []
    for _ in range(count):
        running.append(stack.enter_context(rig.collector()))
    fair = len(FOLLOWED) / count

    def is_shared() -> bool:
        found = shares(rig)
        return len(found) == count and math.floor(fair) <= found[0] and found[-1] <= math.ceil(fair)

    if rig.until(lambda: is_shared() and rig.is_calm(), STARTED_WITHIN_S) is None:
        outcome.problems.append(f"the shares are {shares(rig)}, the books {rig.watch.books}")
    return running


def _judge(rig: Rig, outcome: Outcome, first_ms: int, clock: Clock, *, takeovers: int) -> None:
    last_ms = now_ms()
    outcome.rows = rig.ticks(FOLLOWED, first_ms, last_ms, takeovers=takeovers)
    if outcome.rows.outside or outcome.rows.twice:
        outcome.problems.append(
            f"{outcome.rows.outside} rows missing and not in the ledger, {outcome.rows.twice} wrong: "
            f"{outcome.rows.example}, in the ledger: {_told(rig, outcome.rows.example, first_ms, last_ms)}"
        )
    causes = sorted({gap.cause for it in FOLLOWED for gap in rig.gaps_of(it, first_ms, last_ms)})
    outcome.ledger = ", ".join(causes) or "–"
    if rig.until(lambda: not rig.open_gaps(), CLOSED_WITHIN_S) is None:
        outcome.problems.append(f"gaps stay open: {rig.open_gaps()[:3]}")
    if clock.back:
        outcome.problems.append(f"hot state went back in time: {clock.back[:3]}")


def _told(rig: Rig, example: str, first_ms: int, last_ms: int) -> list[str]:
    """What the ledger says of the books of the instrument that an example names."""
    instrument = next(it for it in FOLLOWED if example.startswith(" ".join(it)))
    gaps = rig.gaps_of(instrument, first_ms, last_ms)
    return [f"{gap.cause} {gap.started_at} to {gap.ended_at}" for gap in gaps if gap.channel == "book"]


def _all_live(rig: Rig, since_ms: int) -> bool:
    found: list[Any] = [rig.hot.hmget(f"book:{v}:{s}", ["state", "event_time"]) for v, s in FOLLOWED]
    return all(state == "live" and int(at or 0) > since_ms for state, at in found)


def deploy(open_rig: Open) -> Outcome:
    """The next generation starts, then the last one is asked to end: not a row is missing."""
    outcome = Outcome()
    with open_rig() as rig, ExitStack() as stack, Clock(rig.hot).running() as clock:
        (old,) = _start(rig, stack, 1, outcome)
        rig.pause(2.0)
        first_ms = now_ms()
        _new = stack.enter_context(rig.collector())
        if rig.until(lambda: shares(rig) == [4, 4], STARTED_WITHIN_S) is None:
            outcome.problems.append(f"the instruments are not shared: {shares(rig)}")
        rig.pause(4.0)
        began, old_ms = time.monotonic(), now_ms()
        old.terminate()
        old.wait(timeout=20)
        if (took := time.monotonic() - began) > STOPPED_WITHIN_S or old.returncode:
            outcome.problems.append(f"the last one ended after {took:.1f} s with {old.returncode}")
        outcome.live_s = (
            rig.until(lambda: _all_live(rig, old_ms + 1000 * int(took)), TAKEN_WITHIN_S) or math.inf
        )
        rig.pause(2.0)
        _judge(rig, outcome, first_ms, clock, takeovers=2)
        if outcome.rows.missing:
            outcome.problems.append(f"{outcome.rows.missing} rows missing: {outcome.rows.example}")
    return outcome


def killed(open_rig: Open) -> Outcome:
    """One of three dies without a word: the others take its share, and the ledger says what was missed."""
    outcome = Outcome()
    with open_rig() as rig, ExitStack() as stack, Clock(rig.hot).running() as clock:
        running = _start(rig, stack, 3, outcome)
        first_ms, began = now_ms(), time.monotonic()
        running[1].kill()
        rig.pause(0.5)
        took = rig.until(lambda: _all_live(rig, first_ms + 500), TAKEN_WITHIN_S)
        outcome.live_s = math.inf if took is None else time.monotonic() - began
        if took is None:
            outcome.problems.append(f"not taken over within {TAKEN_WITHIN_S:.0f} s: {rig.watch.books}")
        rig.pause(4.0)
        _judge(rig, outcome, first_ms - 1000, clock, takeovers=2)
        if "crash" not in outcome.ledger:
            outcome.problems.append("the ledger does not say that a worker crashed")
    return outcome


def paused(open_rig: Open, seconds: float = 14.0) -> Outcome:
    """One of two stands still, loses its share, and wakes up: it says nothing that is older than it was."""
    outcome = Outcome()
    with open_rig() as rig, ExitStack() as stack, Clock(rig.hot).running() as clock:
        sleeper, _other = _start(rig, stack, 2, outcome)
        first_ms, began = now_ms(), time.monotonic()
        sleeper.send_signal(signal.SIGSTOP)
        rig.pause(1.0)
        took = rig.until(lambda: _all_live(rig, first_ms + 1000), TAKEN_WITHIN_S)
        outcome.live_s = math.inf if took is None else time.monotonic() - began
        if outcome.live_s > TAKEN_WITHIN_S:
            outcome.problems.append(f"not taken over within {TAKEN_WITHIN_S:.0f} s: {rig.watch.books}")
        rig.pause(max(0.0, seconds - (time.monotonic() - began)))
        sleeper.send_signal(signal.SIGCONT)
        if rig.until(lambda: shares(rig) == [4, 4] and _all_live(rig, now_ms() - 1000), 20.0) is None:
            outcome.problems.append(f"the one that woke up has no share: {shares(rig)}")
        rig.pause(5.0)
        _judge(rig, outcome, first_ms - 1000, clock, takeovers=3)
    return outcome


WORKERS: tuple[Solo, ...] = (
    Solo("X3", "two generations overlap during a deploy", deploy),
    Solo("X4", "the owner stands still, is replaced, and wakes up", paused),
    Solo("X4", "the same for 30 s", lambda open_rig: paused(open_rig, 30.0), is_long=True),
    Solo("X13", "one of three workers is killed", killed),
)
