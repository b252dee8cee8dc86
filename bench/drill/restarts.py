"""A collector that is ended and started again, and one that starts without its database."""

import random
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

from bench.drill.case import Outcome
from bench.drill.exchange import now_ms
from bench.drill.launch import launched
from bench.drill.stores import CALM_WITHIN_S, Player

STOPPED_WITHIN_S = 10.0
SHORT, LONG = 5, 100
"""How often it is killed."""


class Restarts:
    """What is needed to start collectors again and again; they share a spool, as on one machine."""

    def __init__(self, player: Player, port: int, logs: Path) -> None:
        """`port` is the exchange's."""
        self.player = player
        self._port = port
        self._logs = logs

    def ended(self, outcome: Outcome, how: int, times: int, cause: str) -> None:
        """End collectors by a signal, at random moments; rows and ledger must tell all of it."""
        first_ms = 0
        with TemporaryDirectory() as spool:
            for _ in range(times):
                with self._collector(spool) as process:
                    if self.player.until(self.player.is_calm, CALM_WITHIN_S) is None:
                        outcome.problems.append("not calm before it")
                        return
                    first_ms = first_ms or now_ms()
                    self.player.pause(random.uniform(0.2, 2.0))
                    process.send_signal(how)
                    if how == signal.SIGTERM and process.wait(STOPPED_WITHIN_S) != 0:
                        outcome.problems.append(f"ended with {process.returncode}")
            with self._collector(spool):
                took = self.player.until(self.player.is_calm, CALM_WITHIN_S)
                if took is None:
                    outcome.problems.append("not calm in the end")
                outcome.live_s = took
                self.player.pause(2.0)
                self.player.judge(outcome, first_ms, now_ms(), [cause, "restart"])

    def without_database(self, outcome: Outcome) -> None:
        """It starts while PostgreSQL is away: hot state at once, and every row when it is back."""
        servers = self.player.servers
        servers.kill("postgres", signal.SIGQUIT)
        with TemporaryDirectory() as spool, self._collector(spool):
            took = self.player.until(self.player.is_hot, CALM_WITHIN_S)
            if took is None:
                outcome.problems.append("no hot state without PostgreSQL")
            first_ms = now_ms()
            self.player.pause(4.0)
            servers.start("postgres")
            outcome.live_s = self.player.until(self.player.is_durable, 20.0)
            if outcome.live_s is None:
                outcome.problems.append("rows do not come within 20 s of its return")
            self.player.judge(outcome, first_ms, now_ms(), ["crash", "restart"])

    def _collector(self, spool: str) -> AbstractContextManager[Popen[bytes]]:
        return launched(self.player.servers.urls, self._port, self._logs, SPOOL_DIR=spool)


@dataclass(frozen=True, slots=True)
class Restart:
    """One line of the table."""

    number: str
    title: str
    play: Callable[[Restarts, Outcome], None]
    is_long: bool = False


RESTARTS = (
    Restart("P1", "PostgreSQL is down at the start", Restarts.without_database),
    Restart("X1", "SIGTERM under load, three times",
            lambda it, outcome: it.ended(outcome, signal.SIGTERM, 3, "restart")),
    Restart("X2", f"kill -9 at random moments, {SHORT} times",
            lambda it, outcome: it.ended(outcome, signal.SIGKILL, SHORT, "crash")),
    Restart("X2", f"the same {LONG} times",
            lambda it, outcome: it.ended(outcome, signal.SIGKILL, LONG, "crash"), is_long=True),
)  # fmt: skip
