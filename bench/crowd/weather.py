"""What the stores do meanwhile: PostgreSQL makes three requests wait, Redis stands still, events are told."""

import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2
import redis
from sqlalchemy.engine import make_url

from bench.asking import PORT
from db.local.stores import Stores

SLOW_S = FROZEN_S = 3.0
SLOW = 3
"""Requests that wait at a time."""
TELL_EVERY_S = 0.25
_SLOW_PATH = f"http://127.0.0.1:{PORT}/api/klines?venue=bybit&symbol=BTCUSDT&interval=1m"


class Weather:
    """Does it, and remembers when; times are of the monotonic clock."""

    def __init__(self, stores: Stores) -> None:
        self.waits: list[tuple[int, float]] = []
        """Status and seconds of each request that waited on PostgreSQL."""
        self.frozen: tuple[float, float] = (0.0, 0.0)
        """From when until when Redis stood still."""
        assert stores.redis is not None
        self._redis_pid = stores.supervisor.children["redis"].pid
        url = make_url(stores.urls["DATABASE_URL"]).set(drivername="postgresql", username="postgres")
        self._database = url.set(password=None).render_as_string(hide_password=False)
        self._redis_url = stores.urls["REDIS_URL"]

    def pass_over(self, seconds: float) -> None:
        """A slow PostgreSQL early, in the middle and late; in the middle Redis stands still as well."""
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            _wait_until(began + seconds * 0.2)
            self._slow()
            _wait_until(began + seconds / 2 - 1)
            slow = pool.submit(self._slow)
            _wait_until(began + seconds / 2)
            self._freeze()
            slow.result()
            _wait_until(began + seconds * 0.8)
            self._slow()
            _wait_until(began + seconds)

    def _slow(self) -> None:
        with closing(psycopg2.connect(self._database)) as holder, ThreadPoolExecutor(SLOW) as pool:
            holder.cursor().execute("SET lock_timeout = '1s'; LOCK kline_rows IN ACCESS EXCLUSIVE MODE")
            asked = [pool.submit(_ask) for _ in range(SLOW)]
            time.sleep(SLOW_S)
            holder.rollback()
            self.waits += [answer.result() for answer in asked]

    def _freeze(self) -> None:
        began = time.monotonic()
        os.kill(self._redis_pid, signal.SIGSTOP)
        try:
            time.sleep(FROZEN_S)
        finally:
            os.kill(self._redis_pid, signal.SIGCONT)
        self.frozen = (began, time.monotonic())

    @contextmanager
    def events(self) -> Iterator[None]:
        """Add an event to `events` four times a second, while Redis takes it."""
        over = threading.Event()
        thread = threading.Thread(target=self._tell, args=[over])
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _tell(self, over: threading.Event) -> None:
        with redis.Redis.from_url(self._redis_url, socket_timeout=0.25, retry=None) as client:
            while not over.wait(TELL_EVERY_S):
                now = time.time_ns() // 1_000_000
                try:
                    client.xadd(
                        "events",
                        {"kind": "signal", "time": now, "venue": "bybit", "symbol": "BTCUSDT", "data": "{}"},
                    )
                except redis.RedisError:
                    pass  # it stands still; whether it took this one will be seen

    def told(self) -> list[str]:
        """Ids of all that is in `events` now."""
        with redis.Redis.from_url(self._redis_url, decode_responses=True) as client:
            found: list[tuple[str, dict[str, str]]] = client.xrange("events")
            return [event_id for event_id, _ in found]


def _ask() -> tuple[int, float]:
    began = time.monotonic()
    try:
        with urllib.request.urlopen(_SLOW_PATH, timeout=20) as answer:
            answer.read()
            status: int = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    return status, time.monotonic() - began


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
