"""Which venues run: the live ones, the simulator, or (`FEEDS=auto`) the simulator until one answers."""

import subprocess
import time
from collections.abc import Callable, Sequence

import structlog

from collector.assembly import Address, VenueRun
from collector.feed import Feed
from collector.pairs import Pairs
from collector.simulator import child
from db.settings import Settings

log = structlog.get_logger()

END_WITHIN_S = 2.0
PATIENCE_S = 15.0
"""How long no live venue may give data before the simulator is started."""
SIMULATE_AGAIN_S = 15.0
"""How often a simulator that does not start is tried."""
NEVER = float("inf")
PAIR_EVERY_S = 10.0


class Feeds:
    """The venues of this worker. `make` puts one together; `forget` deletes what is left of one."""

    def __init__(
        self, settings: Settings, make: Callable[[Address], VenueRun], forget: Callable[[str], None]
    ) -> None:
        self._settings = settings
        self._make = make
        self._forget = forget
        self._live: list[VenueRun] = []
        self._simulated: list[VenueRun] = []
        self._simulator: subprocess.Popen[bytes] | None = None
        self._waiting_since: float | None = None
        self._simulate_at = NEVER
        """When the simulator is to be started, monotonic."""
        self._pairs = Pairs()
        self._paired_at = 0.0

    @property
    def running(self) -> Sequence[VenueRun]:
        """Every venue that runs."""
        return [*self._live, *self._simulated]

    @property
    def all(self) -> Sequence[Feed]:
        """The feeds of every venue that runs."""
        return [run.feed for run in self.running]

    def start(self) -> None:
        """Start what `FEEDS` names."""
        if self._settings.feeds == "sim":
            self._start_simulator()
            return
        urls = {
            "bybit": (self._settings.bybit_ws_url, self._settings.bybit_rest_url),
            "binance": (self._settings.binance_ws_url, self._settings.binance_rest_url),
        }
        for adapter, name in self._settings.venue_names.items():
            self._live.append(self._make(Address(name, *urls[adapter])))
        for run in self._live:
            run.start()
        self._waiting_since = time.monotonic()

    def keep(self, now: float) -> None:
        """Serve every feed; with `FEEDS=auto`, change between live and simulated. `now`: monotonic."""
        for feed in self.all:
            feed.keep(now)
        if now - self._paired_at >= PAIR_EVERY_S:
            self._paired_at = now
            self._compare_prices()
        if self._settings.feeds == "auto":
            self._choose(now)
        if self._simulator is not None and self._simulator.poll() is not None:
            log.error("simulator.ended", status=self._simulator.returncode)
            self._stop_simulator()
            self._simulate_at = now
        if now >= self._simulate_at:
            try:
                self._start_simulator()
                self._simulate_at = NEVER
            except (OSError, RuntimeError) as error:
                self._simulate_at = now + SIMULATE_AGAIN_S
                log.error("simulator.failed", reason=str(error))

    def stop(self) -> None:
        """Stop every venue, and the simulator."""
        _end(self.running)
        self._end_child()

    def _compare_prices(self) -> None:
        """Take no two coins for one: symbols that name the same one must cost the same."""
        runs = {run.name: run for run in self.running}
        for verdict in self._pairs.check({name: run.prices() for name, run in runs.items()}):
            runs[verdict.venue].set_apart(verdict)

    def _choose(self, now: float) -> None:
        is_live = any(run.feed.is_alive for run in self._live)
        if is_live:
            self._waiting_since, self._simulate_at = None, NEVER
            if self._simulated:
                log.info("feeds.live", simulator="stopped")
                self._stop_simulator()
        elif self._waiting_since is not None and now - self._waiting_since >= PATIENCE_S:
            self._waiting_since = None
            log.warning("feeds.simulated", reason=f"no venue gave data within {PATIENCE_S:.0f} s")
            self._simulate_at = now

    def _start_simulator(self) -> None:
        self._simulator, port = child.start()
        ws, rest = f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}"
        paths = {"bybit": "/v5/public/linear", "binance": ""}
        for adapter in self._settings.venues:
            self._simulated.append(self._make(Address(f"sim-{adapter}", [ws + paths[adapter]], rest)))
        for run in self._simulated:
            run.start()

    def _stop_simulator(self) -> None:
        ended, self._simulated = self._simulated, []
        _end(ended)
        self._end_child()
        for run in ended:
            self._forget(run.name)

    def _end_child(self) -> None:
        simulator, self._simulator = self._simulator, None
        if simulator is not None:
            child.stop(simulator)


def _end(runs: Sequence[VenueRun]) -> None:
    """Stop all of them, then wait for all against one deadline: one that hangs costs the others nothing."""
    for run in runs:
        run.stop()
    deadline = time.monotonic() + END_WITHIN_S
    for run in runs:
        run.join(deadline)
