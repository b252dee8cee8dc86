"""What a drill runs on: stores of its own, an exchange under command, and a collector that is watched."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import redis

from bench.drill.case import Target
from bench.drill.exchange import Exchange, exchange
from bench.drill.launch import FOLLOWED, SYMBOLS, VENUES, launched
from bench.drill.pulse import Pulse
from bench.drill.rows import Rows, compare_klines, compare_ticks, stored_klines, stored_ticks
from bench.drill.watch import Gap, Instrument, Watch

STEP_S = 0.05
SETTLED_WITHIN_S = 5.0
"""How long rows may be on their way to Postgres when they are counted."""
HELD_WITHIN_S = 60.0
"""The same for rows that the collector says it holds back, because the database is slow."""
_BEFORE_MS = 120_000
_TABLES = "tick_rows, kline_rows, ticker_rows, gap_rows, feed_events, instruments, workers, leases"


class Halted(Exception):
    """The drill was asked to end."""


class Rig:
    """The parts of one run. `urls` has DATABASE_URL and REDIS_URL; used from one thread."""

    def __init__(
        self, urls: Mapping[str, str], exchange: Exchange, logs: Path, halt: threading.Event, pulse: Pulse
    ) -> None:
        self.exchange = exchange
        self.pulse = pulse
        self._halt = halt
        self.watch = Watch(urls["REDIS_URL"], urls["DATABASE_URL"], FOLLOWED)
        self.process: subprocess.Popen[bytes] | None = None
        self.hot = redis.Redis.from_url(urls["REDIS_URL"], decode_responses=True)
        self.background: set[Target] = set()
        """What faults in the background may do to these is nobody else's business."""
        self.urls = urls
        self._logs = logs
        self._database = _connected(urls)

    def close(self) -> None:
        """Let the stores go."""
        self.watch.stop()
        self.hot.close()
        self._database.close()

    @contextmanager
    def collector(
        self, *, program: Sequence[str] = ("collector",), **settings: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A collector on this exchange and these stores, until the end (see `launched`)."""
        port, logs = self.exchange.port, self._logs
        with launched(self.urls, port, logs, program=program, **settings) as process:
            self.process = process
            try:
                yield process
            finally:
                self.process = None

    def until(self, condition: Callable[[], bool], timeout_s: float) -> float | None:
        """Wait for a condition; the seconds it took, None if it did not come."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > timeout_s:
                return None
            self.watch.check()
            self.pause(STEP_S)
        return time.monotonic() - began

    def pause(self, seconds: float) -> None:
        """Let time pass. Raises Halted."""
        if self._halt.wait(seconds):
            raise Halted

    def is_calm(self) -> bool:
        """Whether everything is live and nothing is missing."""
        return self.is_whole() and all(self.watch.feeds.get(venue, ("",))[0] == "live" for venue in VENUES)

    def is_whole(self) -> bool:
        """Whether every book is live and nothing is missing, whatever the feeds say."""
        return all(self.watch.books.get(it) == "live" for it in FOLLOWED) and not self.open_gaps()

    def settle(self, is_right: Callable[[], bool]) -> None:
        """Wait for rows that are on their way to Postgres, until what is stored is right, or none is."""
        began = time.monotonic()

        def is_over() -> bool:
            is_due = time.monotonic() - began > SETTLED_WITHIN_S
            return is_right() or (is_due and not self.held_back())

        self.until(is_over, HELD_WITHIN_S)

    def held_back(self) -> int:
        """Rows that collectors keep on disk for the database, as they say of themselves."""
        found: list[Any] = [self.hot.hget(key, "spool_rows") for key in self.hot.keys("worker:*")]
        return sum(int(rows or 0) for rows in found)

    def open_gaps(self) -> list[Gap]:
        """What is missing just now, but for what faults in the background did."""
        return [
            gap for gap in self.watch.gaps.values() if gap.ended_at is None and not self.is_background(gap)
        ]

    def is_background(self, gap: Gap) -> bool:
        """Whether a gap is the doing of a fault in the background."""
        return Target(gap.venue, gap.symbol, gap.channel) in self.background

    def is_fresh(self, target: Target, since_ms: int) -> bool:
        """Whether a channel has brought data that is younger than `since_ms` (epoch, venue's)."""
        venue, symbol, channel = target
        if channel == "trade":
            newest: Any = self.hot.xrevrange(f"trades:{venue}:{symbol}", count=1)
            return bool(newest) and int(newest[0][1]["event_time"]) > since_ms
        if channel == "top" or (channel == "book" and venue == "bybit"):
            now_ms = since_ms + 600_000
            if not stored_ticks(self._cursor(), target.instrument, since_ms + 1, now_ms):
                return False
        if channel == "top":
            return True
        names = {"book": "book", "ticker": "ticker", "kline": "kline"}
        key = f"{names[channel]}:{venue}:{symbol}" + (":1m" if channel == "kline" else "")
        found: Any = self.hot.hmget(key, ["event_time", "state"])
        return int(found[0] or 0) > since_ms and (channel != "book" or found[1] == "live")

    def gaps_of(self, instrument: Instrument, first_ms: int, last_ms: int) -> list[Gap]:
        """The ledger's rows of an instrument that touch a time."""
        return [
            gap
            for gap in self.watch.gaps.values()
            if (gap.venue, gap.symbol) == instrument
            and gap.started_at <= last_ms
            and (gap.ended_at is None or gap.ended_at >= first_ms)
        ]

    def ticks(
        self, instruments: Sequence[Instrument], first_ms: int, last_ms: int, *, takeovers: int = 0
    ) -> Rows:
        """The stored ticks of some instruments and a time against the truth; waits for those on their way."""
        rows = Rows()
        for instrument in instruments:
            told = self.exchange.truth(*instrument, first_ms - _BEFORE_MS, last_ms)
            truth = told["ticks"]
            if told["ticks_forgotten"] and truth and truth[0][0] > first_ms:
                raise RuntimeError(f"the exchange forgot what it said of {' '.join(instrument)} at first")

            def compared(instrument: Instrument = instrument, truth: list[Any] = truth) -> Rows:
                stored = stored_ticks(self._cursor(), instrument, first_ms, last_ms)
                gaps = self.gaps_of(instrument, first_ms, last_ms)
                return compare_ticks(truth, stored, gaps, first_ms, takeovers=takeovers)

            self.settle(lambda check=compared: not check().outside)  # type: ignore[misc]
            found = compared()
            example = found.example and f"{instrument.venue} {instrument.symbol} {found.example}"
            rows = rows.plus(found._replace(example=example))
        return rows

    def klines(
        self, instruments: Sequence[Instrument], first_ms: int, last_ms: int, *, all_come: bool = False
    ) -> Rows:
        """The stored candles of some instruments that opened in a time, compared with the truth.

        `all_come`: also those that lie in a gap are waited for, as they are on their way.
        """
        rows = Rows()
        for instrument in instruments:
            truth = self.exchange.truth(*instrument, first_ms, last_ms)["klines"]
            inside = {i: [c for c in found if c[0] >= first_ms] for i, found in truth.items()}

            def compared(instrument: Instrument = instrument, inside: dict[str, Any] = inside) -> Rows:
                stored = stored_klines(self._cursor(), instrument, first_ms, last_ms)
                return compare_klines(inside, stored, self.gaps_of(instrument, first_ms, last_ms))

            def is_right(check: Callable[[], Rows] = compared) -> bool:
                rows = check()
                return not (rows.missing if all_come else rows.outside)

            self.settle(is_right)
            found = compared()
            example = found.example and f"{instrument.venue} {instrument.symbol} {found.example}"
            rows = rows.plus(found._replace(example=example))
        return rows

    def stored_klines(self, instrument: Instrument, first_ms: int, last_ms: int) -> list[Sequence[Any]]:
        """The candles that are stored of an instrument and a time."""
        return stored_klines(self._cursor(), instrument, first_ms, last_ms)

    def messages(self) -> int:
        """How many messages the collector has taken since it started."""
        return sum(int(str(self.hot.hget(f"feed:{venue}", "messages") or 0)) for venue in VENUES)

    def market_row(self, instrument: Instrument) -> dict[str, Any]:
        """The overview row of an instrument."""
        text: Any = self.hot.hget(f"market:{instrument.venue}", instrument.symbol)
        found: dict[str, Any] = json.loads(text) if text else {}
        return found

    def _cursor(self) -> Any:
        return self._database.cursor()


@contextmanager
def rig(
    urls: Mapping[str, str], logs: Path, *arguments: str, halt: threading.Event | None = None
) -> Iterator[Rig]:
    """Emptied stores, a simulator started with these arguments and recorded, and a watch over them.

    `halt`, once set, ends what waits.
    """
    database = _connected(urls)
    with database.cursor() as cursor:
        cursor.execute(f"TRUNCATE {_TABLES} CASCADE")
    database.close()
    with redis.Redis.from_url(urls["REDIS_URL"]) as hot:
        hot.flushall()
    with exchange(*arguments) as running, Pulse().running() as pulse:
        if "--bench" not in arguments:  # which has no truth
            running.record(dict.fromkeys(VENUES, SYMBOLS))
        found = Rig(urls, running, logs, halt or threading.Event(), pulse)
        found.watch.start()
        try:
            yield found
        finally:
            found.close()


def _connected(urls: Mapping[str, str]) -> Any:
    connection = psycopg2.connect(urls["DATABASE_URL"].replace("+psycopg2", ""))
    connection.autocommit = True
    return connection
