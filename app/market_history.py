"""What Postgres gives to the Market page: a day of each price, and since when signals hold.

Read in the background, at most once a minute while somebody looks.
"""

from collections.abc import Callable, Mapping

from app.part import Part, part_of
from app.ports import Clock, History
from app.read_model import ReadModel
from app.sparks import Spark, candles_of, grid_at, interval_for, spark_of
from app.watch import Job, Watched, in_thread
from db.history.runs import SignalRun
from market.intervals import DAY_MS, INTERVAL_MS

EVERY_S = 60.0
LOOK_BACK = 200
"""Closes that are looked at for the beginning of a signal."""

Names = list[tuple[str, str]]
"""(venue, symbol) of every row."""


class MarketHistory:
    """The parts of the page that change rarely; each is known by its version."""

    def __init__(
        self,
        read_model: ReadModel,
        history: History,
        clock: Clock,
        spawn: Callable[[Job], None] = in_thread,
    ) -> None:
        self._read_model = read_model
        self._history = history
        self._now_ms = clock.now_ms
        self._interval = interval_for(read_model.intervals)
        monotonic = clock.monotonic
        self._sparks = Watched(
            self._read_sparks, monotonic, spawn, every_s=EVERY_S, is_whole=lambda found: found[1]
        )
        self._runs = {
            interval: Watched(
                lambda interval=interval: self._read_runs(interval),  # type: ignore[misc]  # of this round
                monotonic,
                spawn,
                every_s=EVERY_S,
                is_whole=lambda found: found[1],
            )
            for interval in read_model.intervals
        }

    def parts(self, interval: str) -> dict[str, Part]:
        """`sparks`, and `runs` of the interval's signals; what was not read yet is not there."""
        found = {"sparks": self._sparks.look(), "runs": self._runs[interval].look()}
        return {name: value[0] for name, value in found.items() if value is not None}

    def _names(self) -> Names:
        return [(row.venue, row.symbol) for row in self._read_model.market().rows]

    def _read_sparks(self) -> tuple[Part, bool]:
        """The part, and whether every row has its line."""
        names, interval = self._names(), self._interval
        grid = grid_at(self._now_ms(), interval)
        most = DAY_MS // INTERVAL_MS[interval] + 1
        lines: dict[str, Spark] = {}
        for venue in dict.fromkeys(venue for venue, _ in names):
            symbols = [symbol for of, symbol in names if of == venue]
            packed = self._history.packed_klines(venue, symbols, [interval], most)
            for (symbol, _), candles in packed.items():
                if spark := spark_of(candles_of(candles), grid):
                    lines[f"{venue}:{symbol}"] = spark
        content = {"step_ms": grid.step_ms, "until": grid.until, "lines": lines}
        return part_of(content), len(lines) == len(names)

    def _read_runs(self, interval: str) -> tuple[Part, bool]:
        """The part, and whether every row's signal has its beginning: closes of the past are stored last."""
        names = self._names()
        venues = list(dict.fromkeys(venue for venue, _ in names))
        found = self._history.signal_runs(venues, interval, LOOK_BACK)
        held = _since(found, names, INTERVAL_MS[interval])
        known = sum(began is not None for _, began in held.values())
        return part_of({"interval": interval, "since": held}), known == len(names)


def _since(
    found: Mapping[tuple[str, str], SignalRun], names: Names, length_ms: int
) -> dict[str, tuple[str, int | None]]:
    """Row -> its signal and when the candle closed that brought it."""
    return {
        f"{venue}:{symbol}": (run.signal, None if run.began is None else run.began + length_ms)
        for venue, symbol in names
        if (run := found.get((venue, symbol)))
    }
