"""A venue whose candles a refill asks for."""

import json

from collector.backfill.jobs import AUDIT, Jobs
from collector.backfill.refill import Refill
from collector.venues import RestError, venue_for
from market.events import Kline
from market.intervals import INTERVAL_MS
from market.rollup import roll_up
from tests.collector.fakes import Bench

MINUTE = 60_000
DAY_AGO = 1_763_596_800_000
"""A UTC midnight."""
REST = venue_for("binance").rest


def minute(open_time: int, **changes: object) -> Kline:
    """The one true 1m candle of a minute."""
    price = 100.0 + open_time // MINUTE % 977
    values = {
        "open": price, "high": price + 2, "low": price - 1, "close": price + 1, "volume": 3.0,
        "turnover": 3 * price, "is_closed": True, "event_time": open_time + MINUTE - 1,
        "recv_time": open_time + MINUTE, "trades": 7, "taker_buy_volume": 1.0,
    }  # fmt: skip
    return Kline("BTCUSDT", "1m", open_time, **(values | changes))  # type: ignore[arg-type]


def true_candle(interval: str, open_time: int) -> Kline:
    """The one true candle of an interval."""
    parts = [minute(t) for t in range(open_time, open_time + INTERVAL_MS[interval], MINUTE)]
    return roll_up(parts, interval, is_closed=True) if interval != "1m" else parts[0]


class Venue:
    """REST that has every candle that ended, but for what a test takes away; and the clock."""

    def __init__(self) -> None:
        self.now = DAY_AGO + 10 * 60 * MINUTE
        self.absent: set[tuple[str, int]] = set()
        self.lag_ms = 0
        self.refuses = False
        self.asked: list[tuple[str, int, int]] = []
        self.jobs = Jobs()
        self.bench = Bench("binance", "BTCUSDT")
        self.refill = Refill(REST, self.jobs.put, self.bench.pipeline, lambda: self.now)
        self.done: list[tuple[int, bool]] = []

    def stream(self, start: int, end: int) -> None:
        """Minutes that the stream told."""
        for time in range(start, end, MINUTE):
            for closed in self.bench.pipeline.states["BTCUSDT"].on_kline(minute(time)):
                if not closed.complete:
                    self.refill.on_incomplete(closed)

    def gap(self, started_at: int, ended_at: int) -> None:
        """A gap that is over."""
        self.refill.after_gap("BTCUSDT", started_at, ended_at, lambda *result: self.done.append(result))

    def work(self, *, later_s: float = 0.0) -> None:
        """Do every job that is due, those of the next seconds included."""
        while (job := self.jobs.take(1e12 if later_s else 0.0, AUDIT, ())) is not None:
            request = job.make()
            if request is None:
                later_s -= 1
                if later_s < -50:
                    return
                continue
            try:
                job.on_body(self.answer(request.params))
            except RestError:
                job.on_refused()

    def answer(self, params: dict[str, str | int]) -> bytes:
        """Candles from `startTime` on, the running one included, as Binance gives them."""
        interval, start, limit = str(params["interval"]), int(params["startTime"]), int(params["limit"])
        self.asked.append((interval, (start - DAY_AGO) // MINUTE, limit))
        if self.refuses:
            return b'{"code":-1121,"msg":"Invalid symbol."}'
        step = INTERVAL_MS[interval]
        times = [t for t in range(start, self.now - self.lag_ms, step) if (interval, t) not in self.absent]
        return json.dumps([row(true_candle(interval, time)) for time in times[:limit]]).encode()

    def closed(self, interval: str) -> dict[int, Kline]:
        """What memory holds."""
        return self.bench.pipeline.states["BTCUSDT"].candles.series[interval].closed


def row(k: Kline) -> list[object]:
    end = k.open_time + INTERVAL_MS[k.interval] - 1
    prices = [str(p) for p in (k.open, k.high, k.low, k.close)]
    return [
        k.open_time,
        *prices,
        str(k.volume),
        end,
        str(k.turnover),
        k.trades,
        str(k.taker_buy_volume),
        "0",
        "0",
    ]


def at(hour: int, minutes: int, seconds: float = 0) -> int:
    return DAY_AGO + (hour * 60 + minutes) * MINUTE + int(seconds * 1000)
