"""Frames through decode → book → Redis and Postgres: CPU per frame, the most per second, lag and memory."""

import subprocess
import sys
import time
from typing import NamedTuple

import redis

from bench import peer
from bench.processes import collector, cpu_s, resident_mb, settle, simulator
from bench.report import Result
from db.local.stores import temporary_stores
from db.migrate import migrate

PACE, WINDOW_S = 5_000, 8.0
"""Messages a second at which we and the peer are compared, and for how long."""
PUBLISH_MS = 50
VENUES = ("bybit", "binance")
SETTINGS = {
    "BACKFILL": "off",
    "INTERVALS": "1m",
    "PUBLISH_INTERVAL_MS": str(PUBLISH_MS),
    "TICK_INTERVAL_MS": "0",
}


class Load(NamedTuple):
    """What a collector did in a window of time."""

    messages_per_s: float
    cpu_us: float
    cpu_share: float
    memory_mb: float
    lag_p99_ms: float


def run() -> list[Result]:
    """Measure; about a minute and a half."""
    bare_us, bare_rate = _bare()
    paced = _collector(rate=PACE, seconds=WINDOW_S)
    beside_the_peer = peer.compare(paced.cpu_us, rate=PACE, seconds=WINDOW_S)
    calm = _collector(rate=2_000, seconds=WINDOW_S)
    flat_out = _collector(rate=0, seconds=WINDOW_S)
    lag_budget = 1.5 * PUBLISH_MS + 10
    return [
        Result("bare receive loop, CPU per frame", "", f"{bare_us:.1f} µs ({bare_rate:,.0f}/s)"),
        Result(
            f"CPU per message into both stores at {PACE:,}/s",
            "",
            f"{paced.cpu_us:.1f} µs at {paced.messages_per_s:,.0f}/s, {paced.cpu_us / bare_us:.1f} bare",
        ),
        *beside_the_peer,
        Result(
            "sustained, one process",
            "≥ 20,000/s",
            f"{flat_out.messages_per_s:,.0f}/s at {flat_out.cpu_share:.0%} of a core",
            flat_out.messages_per_s >= 20_000,
        ),
        *(
            Result(
                f"venue time → readable in Redis at {rate:,}/s, p99",
                f"≤ {lag_budget:.0f} ms",
                f"{load.lag_p99_ms:.0f} ms",
                load.lag_p99_ms <= lag_budget,
            )
            for rate, load in ((2_000, calm), (PACE, paced))
        ),
        Result("memory, 100 instruments", "≤ 200 MB", f"{calm.memory_mb:.0f} MB", calm.memory_mb <= 200),
    ]


def _bare() -> tuple[float, float]:
    """CPU µs per frame and frames per second of the bare loop."""
    with simulator("--bench", "--rate", "0") as port:
        command = [sys.executable, "-m", "bench.receive", str(port), "4"]
        said = subprocess.check_output(command, text=True, timeout=30).splitlines()[-1]
    frames, used, elapsed = map(float, said.split())
    return used / frames * 1e6, frames / elapsed


def _collector(*, rate: int, seconds: float) -> Load:
    """Run a collector on the bench's frames, 50 instruments on each venue, and watch it."""
    with (
        temporary_stores() as stores,
        simulator("--bench", "--rate", str(rate)) as port,
    ):
        migrate(stores.urls["DATABASE_URL"])
        with (
            redis.Redis.from_url(stores.urls["REDIS_URL"], decode_responses=True) as hot,
            collector(stores.urls, port, **SETTINGS) as process,
        ):
            settle(6)
            before, used, began = _messages(hot), cpu_s(process.pid), time.monotonic()
            lags = _watch_books(hot, until=began + seconds)
            elapsed = time.monotonic() - began
            messages, spent = _messages(hot) - before, cpu_s(process.pid) - used
            return Load(
                messages / elapsed,
                spent / max(1, messages) * 1e6,
                spent / elapsed,
                resident_mb(process.pid),
                lags[len(lags) * 99 // 100] if lags else float("nan"),
            )


def _messages(hot: "redis.Redis") -> int:
    return sum(int(str(hot.hget(f"feed:{venue}", "messages") or 0)) for venue in VENUES)


def _watch_books(hot: "redis.Redis", *, until: float) -> list[float]:
    """Ages in ms of book states when a reader first sees them, sorted; looks every few ms at four books."""
    names = [f"book:{venue}:{symbol}" for venue in VENUES for symbol in ("BTCUSDT", "ETHUSDT")]
    seen: dict[str, str] = {}
    lags: list[float] = []
    while time.monotonic() < until:
        pipeline = hot.pipeline(transaction=False)
        for name in names:
            pipeline.hget(name, "event_time")
        now = time.time() * 1000
        for name, event_time in zip(names, pipeline.execute(), strict=True):
            if event_time and seen.get(name) != event_time:
                if name in seen:
                    lags.append(now - int(event_time))
                seen[name] = event_time
        time.sleep(0.004)
    return sorted(lags)
