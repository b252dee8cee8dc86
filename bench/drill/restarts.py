"""A collector that is ended and started again, and one that starts without its database."""

import random
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory

from bench.drill.case import Outcome
from bench.drill.exchange import Exchange, now_ms
from bench.drill.launch import SYMBOLS, VENUES, launched
from bench.drill.pulse import Pulse
from bench.drill.servers import Servers
from bench.drill.stores import CALM_WITHIN_S, Piece, Player
from bench.drill.watch import Instrument
from market.instruments import BUILT_IN, symbols_for

STOPPED_WITHIN_S = 10.0
HELD_MS = 750
"""No row is in memory alone for longer: the flush interval, and what a loaded machine takes."""
RATE = 1_000
"""Rows a second that come while it is killed."""
PAST_WITHIN_S = 240.0
BUSY = 20
"""Instruments of each venue then: no venue says more than so much of one."""
SHORT, LONG = 5, 100
"""How often it is killed."""


class Restarts:
    """What is needed to start collectors again and again; they share a spool, as on one machine."""

    def __init__(
        self,
        servers: Servers,
        exchange: Exchange,
        logs: Path,
        halt: threading.Event,
        pulse: Pulse,
        symbols: Sequence[str] = SYMBOLS,
    ) -> None:
        """`symbols`: what the collectors follow, and the exchange records, in either spelling."""
        named = {venue: symbols_for(venue, symbols) for venue in VENUES}
        exchange.record(named)
        followed = [Instrument(venue, symbol) for venue, names in named.items() for symbol in names]
        self.player = Player(servers, exchange, halt, pulse, followed)
        self.exchange = exchange
        self._pulse = pulse
        self._logs = logs
        self._halt = halt
        self._symbols = symbols

    @contextmanager
    def busy(self, rows_per_s: float) -> Iterator["Restarts"]:
        """The same with more instruments, whose books move so often that about so many rows come a second."""
        servers, symbols = self.player.servers, BUILT_IN[:BUSY]
        more = Restarts(servers, self.exchange, self._logs, self._halt, self._pulse, symbols)
        with TemporaryDirectory() as spool, more.collector(spool):  # which stores their past, once
            more.player.until(more.player.is_calm, PAST_WITHIN_S)
        factor = max(1.0, rows_per_s / more.player.rate(3.0))
        number = self.exchange.inject({"kind": "burst", "factor": factor})
        try:
            yield more
        finally:
            self.exchange.heal(number)

    def killed(self, outcome: Outcome, times: int) -> None:
        """kill -9 while RATE rows a second come."""
        with self.busy(RATE) as more:
            more.ended(outcome, signal.SIGKILL, times, "crash")
            outcome.others = f"{more.player.rate(5.0):,.0f} rows/s"

    def ended(self, outcome: Outcome, how: int, times: int, cause: str) -> None:
        """End collectors by a signal, at random moments; rows and ledger must tell all of it."""
        pieces: list[Piece] = []
        with TemporaryDirectory() as spool:
            held_ms = 0
            for number in range(times + 1):
                began_ms = now_ms()
                with self.collector(spool) as process:
                    took = self.player.until(partial(self._is_whole, began_ms), CALM_WITHIN_S)
                    if took is None:
                        outcome.problems.append(f"not calm after {number} ends")
                        return
                    calm_ms = now_ms()
                    is_last = number == times
                    self.player.pause(2.0 if is_last else random.uniform(0.5, 2.5))
                    if held_ms:  # asked for only now: a busy exchange may tell of it a little later
                        pieces.append(self.player.piece(held_ms, calm_ms - 1))
                    if is_last:
                        outcome.live_s = took
                        break
                    held_ms = max(calm_ms, now_ms() - HELD_MS)
                    process.send_signal(how)
                    if how == signal.SIGTERM and process.wait(STOPPED_WITHIN_S) != 0:
                        outcome.problems.append(f"ended with {process.returncode}")
                    pieces.append(self.player.piece(calm_ms, held_ms - 1, is_whole=True))
            self.player.judge(outcome, pieces[0].first_ms, pieces[-1].last_ms, [cause, "restart"], pieces)

    def _is_whole(self, since_ms: int) -> bool:
        """Whether all is well by the doing of a collector that was started then, not of one before it."""
        player, took = self.player, now_ms() - since_ms
        if max(player.hot_age(), player.servers.tick_age()) > took or not player.is_calm():
            return False
        return all(gap.ended_at for gap in player.servers.gaps() if gap.channel == "book")

    def without_database(self, outcome: Outcome) -> None:
        """It starts while PostgreSQL is away: hot state at once, and every row when it is back."""
        servers = self.player.servers
        servers.kill("postgres", signal.SIGQUIT)
        with TemporaryDirectory() as spool, self.collector(spool):
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

    def collector(
        self, spool: str, *, directory: str = "", **settings: str
    ) -> AbstractContextManager[Popen[bytes]]:
        """A collector whose spool is in this directory, until the end (see `launched`)."""
        settings |= {"SPOOL_DIR": spool, "SYMBOLS": ",".join(self._symbols)}
        urls, port = self.player.servers.urls, self.exchange.port
        return launched(urls, port, self._logs, directory=directory, **settings)


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
    Restart("X2", f"kill -9 at random moments under {RATE:,} rows/s, {SHORT} times",
            lambda it, outcome: it.killed(outcome, SHORT)),
    Restart("X2", f"the same {LONG} times", lambda it, outcome: it.killed(outcome, LONG), is_long=True),
)  # fmt: skip
