"""The scoreboard: computed by one worker, slowly, in a thread that nothing waits for."""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import msgspec
import structlog

from collector.clock import CLOCK
from db.errors import StoreUnavailable
from db.history.scoring import Fired, ScoreKey, Scoring
from market.intervals import DAY_MS, HORIZONS_S
from market.quotes import CandlePrices, Side
from market.scoreboard import (
    Key,
    Moment,
    Result,
    ScoreboardRow,
    matched_moments,
    price_moments,
    scoreboard_row,
)

log = structlog.get_logger()

FIRST_AFTER_S = 20.0
EVERY_S = 60.0
REST = 9
"""Times as long as it worked it rests: a tenth of a core at most."""
WINDOW_MS = 30 * DAY_MS
MOST_SIGNALS = 10_000
"""Of one rule, venue and interval; the newest."""
SEED = 1


class Scoreboard:
    """`turn` opens a turn at the database, which gives None while another worker has it."""

    def __init__(
        self,
        turn: Callable[[], AbstractContextManager[Scoring | None]],
        taker_bps: Callable[[str], float],
    ) -> None:
        self._turn = turn
        self._taker_bps = taker_bps
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scoreboard", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end; what is not computed is computed by the next start."""
        self._stopping.set()

    def _run(self) -> None:
        pause = FIRST_AFTER_S
        while not self._stopping.wait(pause):
            began = time.thread_time()
            try:
                self.compute(CLOCK.now_ms())
            except StoreUnavailable as error:
                log.warning("scoreboard.failed", reason=str(error))
            except Exception:
                log.exception("scoreboard.failed")
            pause = max(EVERY_S, REST * (time.thread_time() - began))

    def compute(self, now_ms: int) -> None:
        """Compute and store every row, as of epoch ms `now_ms`. Raises StoreUnavailable."""
        since = now_ms - WINDOW_MS
        with self._turn() as scoring:
            if scoring is None:
                return
            for key in scoring.keys(since):
                began = time.thread_time()
                fired = scoring.fired(key, since, MOST_SIGNALS)
                first = scoring.first_minute(key.venue, since)
                drawn = _moments(fired, (first, now_ms)) if first is not None else []
                taker_bps = self._taker_bps(key.venue)
                chance = _chance(scoring, key, fired, drawn, taker_bps)
                rows = [_row(key, horizon_s, fired, chance[horizon_s]) for horizon_s in HORIZONS_S]
                scoring.save([msgspec.structs.asdict(row) for row in rows], now_ms)
                if self._stopping.wait(REST * (time.thread_time() - began)):
                    return
            scoring.drop_before(now_ms)


def _moments(fired: Iterable[Fired], span: tuple[int, int]) -> list[Moment]:
    moments = [Moment(f.symbol, _side(f.side), f.ts) for f in fired]
    return matched_moments(moments, span, SEED) if span[0] < span[1] else []


def _side(word: str) -> Side:
    return "buy" if word == "buy" else "sell"


def _chance(
    scoring: Scoring, key: ScoreKey, fired: Iterable[Fired], drawn: Iterable[Moment], taker_bps: float
) -> dict[int, list[Result]]:
    """What random moments made, by horizon; symbol by symbol, so that few prices are in memory at once."""
    found: dict[int, list[Result]] = {horizon_s: [] for horizon_s in HORIZONS_S}
    by_symbol: dict[str, list[Moment]] = {}
    for moment in drawn:
        by_symbol.setdefault(moment.symbol, []).append(moment)
    spreads = _spreads(fired)
    for symbol, moments in by_symbol.items():
        times = {m.time + wait_s * 1000 for m in moments for wait_s in (0, *HORIZONS_S)}
        prices = CandlePrices(*scoring.opens(key.venue, symbol, sorted(times)), spreads.get(symbol, 0.0))
        for horizon_s in HORIZONS_S:
            found[horizon_s] += price_moments(moments, {symbol: prices}, horizon_s, taker_bps)
    return found


def _spreads(fired: Iterable[Fired]) -> dict[str, float]:
    """By symbol, the mean spread that its signals met: what a random moment would have paid as well."""
    met: dict[str, list[float]] = {}
    for each in fired:
        if each.spread_bps is not None:
            met.setdefault(each.symbol, []).append(each.spread_bps)
    return {symbol: sum(spreads) / len(spreads) for symbol, spreads in met.items()}


def _row(key: ScoreKey, horizon_s: int, fired: Iterable[Fired], chance: list[Result]) -> ScoreboardRow:
    results = [Result(f.ts, f.net_bps[horizon_s]) for f in fired if horizon_s in f.net_bps]
    return scoreboard_row(Key(*key, horizon_s), results, chance, SEED)
