"""Faults of the stores, one after another on one collector: what it loses, and how soon all is back."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import psycopg2
import redis
from numpy.typing import NDArray

from bench.drill.case import Outcome
from bench.drill.exchange import Exchange, now_ms
from bench.drill.launch import FOLLOWED, VENUES
from bench.drill.pulse import Pulse
from bench.drill.rig import Halted
from bench.drill.rows import Rows
from bench.drill.servers import Servers
from bench.drill.tapes import compare_tapes
from bench.drill.watch import Gap, Instrument

CALM_WITHIN_S = 60.0
BEFORE_MS = 30_000
HOT_MS = 1_000
"""Age of the oldest book up to which the hot state is alive."""
DURABLE_MS = 2_000
"""Age of the newest committed tick up to which the history is."""
SETTLED_WITHIN_S = 20.0
_STEP_S = 0.05
_GONE = (redis.RedisError, psycopg2.Error, OSError)

Heal = Callable[[], object]


class Piece(NamedTuple):
    """A part of the time that is compared; `truths`: a row a change, as the exchange tells it.

    `is_whole`: nothing of it may be missing.
    """

    first_ms: int
    last_ms: int
    truths: dict[Instrument, NDArray[np.float64]]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class StoreCase:
    """One fault of a store. `begin` lets it happen and returns what ends it."""

    number: str
    title: str
    store: str
    """Whose fault it is, redis or postgres; the other one must not notice."""
    begin: Callable[[Servers], Heal]
    lasts_s: float = 4.0
    back_s: float = 1.0
    """How long after its end everything is in this store again."""
    says: str = ""
    """The `db_state` that the collector must tell meanwhile."""
    check: Callable[[Servers], str] | None = None
    """What else must be so when it is over; what is wrong, or ""."""


class Player:
    """Plays cases on one collector that runs."""

    def __init__(
        self,
        servers: Servers,
        exchange: Exchange,
        halt: threading.Event,
        pulse: Pulse,
        followed: Sequence[Instrument] = FOLLOWED,
    ) -> None:
        """`followed`: the instruments that the collector has."""
        self.servers = servers
        self._followed = followed
        self._pulse = pulse
        self._exchange = exchange
        self._halt = halt
        self._said: set[str] = set()
        """What the collector told of its database during the last case."""

    def until(self, condition: Callable[[], bool], timeout_s: float) -> float | None:
        """Wait for a condition; the seconds it took, None if it did not come.

        That a store cannot be asked counts as no.
        """
        began = time.monotonic()
        while time.monotonic() - began <= timeout_s:
            with suppress(*_GONE):
                if condition():
                    return time.monotonic() - began
            self.pause(_STEP_S)
        return None

    def pause(self, seconds: float) -> None:
        """Let time pass. Raises Halted."""
        if self._halt.wait(seconds):
            raise Halted

    def is_hot(self) -> bool:
        """Whether every book is live and of now."""
        return self.hot_age() < HOT_MS

    def is_durable(self) -> bool:
        """Whether rows are committed as they come, and none waits of an earlier time."""
        return self.servers.tick_age() < DURABLE_MS and 0 <= self.servers.waiting() < DURABLE_MS

    def is_calm(self) -> bool:
        """Whether all is well."""
        return self.is_hot() and self.is_durable()

    def play(self, case: StoreCase) -> Outcome:
        """Play one case."""
        outcome = Outcome()
        if self.until(self.is_calm, CALM_WITHIN_S) is None:
            outcome.was_calm = False
            outcome.problems.append("not calm before it")
            return outcome
        keys, tapes = self._keys(), self.servers.tapes(self._followed)
        first_ms = now_ms()
        heal = case.begin(self.servers)
        try:
            self._look_at_the_other(case, outcome)
        finally:
            heal()
        healed = time.monotonic()

        def is_whole() -> bool:
            is_back = self.is_hot() and keys <= self._keys()
            return is_back and not compare_tapes(tapes, self.servers.tapes(self._followed))

        took = self.until(is_whole if case.store == "redis" else self.is_durable, max(10.0, 4 * case.back_s))
        outcome.live_s = math.inf if took is None else took
        granted_s = self._pulse.margin_s(case.back_s, healed, time.monotonic())
        if outcome.is_late(outcome.live_s, case.back_s, granted_s):
            outcome.problems.append(
                f"back after {outcome.live_s:.1f} s, budget {case.back_s:.0f} + {granted_s:.1f} s"
            )
        if case.store == "redis" and (wrong := compare_tapes(tapes, self.servers.tapes(self._followed))):
            outcome.problems.append(wrong)
        if outcome.others != "undisturbed":
            outcome.problems.append(f"the other store: {outcome.others}")
        if case.says and case.says not in self._said:
            outcome.problems.append(f"it never said {case.says}, only {', '.join(sorted(self._said))}")
        if case.check is not None and (wrong := case.check(self.servers)):
            outcome.problems.append(wrong)
        self.pause(1.0)
        self.judge(outcome, first_ms, now_ms())
        return outcome

    def piece(self, first_ms: int, last_ms: int, *, is_whole: bool = False) -> Piece:
        """What was really said in a time, and for a while before it, as its rows may repeat that."""
        truth = self._exchange.truth
        said = {it: truth(*it, first_ms - BEFORE_MS, last_ms)["ticks"] for it in self._followed}
        truths = {it: np.array(rows, dtype=float) for it, rows in said.items()}
        return Piece(first_ms, last_ms, truths, is_whole)

    def rate(self, seconds: float) -> float:
        """How many rows a second have come in the last seconds."""
        first_ms = now_ms() - int(seconds * 1000)
        said = self.piece(first_ms, now_ms()).truths.values()
        return sum(int(row[0] >= first_ms) for rows in said for row in rows) / seconds

    def judge(
        self, outcome: Outcome, first_ms: int, last_ms: int, causes: Sequence[str] = (),
        pieces: Sequence[Piece] = (),
    ) -> None:  # fmt: skip
        """Compare the rows of a time, and what the ledger says of it.

        `causes`: what it may say; `pieces`: the time in pieces, where it is long.
        """
        pieces = pieces or [self.piece(first_ms, last_ms)]
        lost = 0

        def is_whole() -> bool:
            nonlocal lost
            outcome.rows, lost = Rows(), 0
            for piece in pieces:
                truths = {it: rows.tolist() for it, rows in piece.truths.items()}
                found = self.servers.compare(self._followed, truths, piece.first_ms, piece.last_ms)
                outcome.rows = outcome.rows.plus(found)
                lost += found.missing if piece.is_whole else 0
            is_right = not outcome.rows.outside and not lost
            return is_right and all(gap.ended_at for gap in self._gaps())

        self.until(is_whole, SETTLED_WITHIN_S)
        if outcome.rows.outside or outcome.rows.twice:
            outcome.problems.append(
                f"{outcome.rows.outside} rows missing and not in the ledger, {outcome.rows.twice} wrong: "
                f"{outcome.rows.example}; {self._told(outcome.rows.example, first_ms)}"
            )
        if not outcome.rows.expected:
            outcome.problems.append("no row was compared")
        if lost:
            outcome.problems.append(f"{lost} rows are missing where none may be, whatever the ledger says")
        gaps = [g for g in self._gaps() if g.started_at <= last_ms and (g.ended_at or last_ms) >= first_ms]
        outcome.ledger = ", ".join(sorted({gap.cause for gap in gaps})) or "none"
        if wrong := sorted({gap.cause for gap in gaps} - set(causes)):
            outcome.problems.append(f"the ledger says {', '.join(wrong)}, though nothing of it was missed")
        if lasting := [gap for gap in gaps if gap.ended_at is None]:
            outcome.problems.append(f"gaps stay open: {lasting[:2]}")

    def _gaps(self) -> list[Gap]:
        """The ledger of the instruments that are followed; of others an earlier fault may have left some."""
        return [gap for gap in self.servers.gaps() if (gap.venue, gap.symbol) in self._followed]

    def _told(self, example: str, first_ms: int) -> str:
        """What the ledger says of the book of the instrument that an example names."""
        found = [g for g in self.servers.gaps() if example.startswith(f"{g.venue} {g.symbol} ")]
        since = [g for g in found if g.channel == "book" and (g.ended_at or first_ms) >= first_ms]
        return f"the ledger: {[f'{g.cause} {g.started_at} to {g.ended_at}' for g in since]}"

    def _look_at_the_other(self, case: StoreCase, outcome: Outcome) -> None:
        """Whether the other store is served as ever, as long as the fault lasts."""
        age, limit = (self.servers.tick_age, DURABLE_MS) if case.store == "redis" else (self.hot_age, HOT_MS)
        began, worst = time.monotonic(), 0
        self._said = set()
        while time.monotonic() < began + case.lasts_s:
            worst = max(worst, age())
            if case.says:
                self._said.update(self.servers.worker("db_state"))
            self.pause(_STEP_S)
        granted_s = self._pulse.margin_s(limit / 1000, began, time.monotonic())
        is_late = outcome.is_late(worst / 1000, limit / 1000, granted_s)
        outcome.others = f"{worst} ms old" if is_late else "undisturbed"

    def hot_age(self) -> int:
        """How long ago the oldest book was published, ms."""
        return max(self.servers.book_ages(self._followed))

    def _keys(self) -> set[str]:
        with self.servers.hot() as client:
            names = ("ticker", "book", "kline", "indicator", "trades", "market")
            found = {
                key for name in names for venue in VENUES for key in client.scan_iter(f"{name}:{venue}*")
            }
            return {key for key in found if client.type(key) in ("hash", "stream")}
