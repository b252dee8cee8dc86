"""SIGTERM to a web under load: requests that had begun are answered, streams end, and so does it, in time."""

import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import IncompleteRead
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url

from tests.platform import Platform, platform, query

WITHIN_S = 25
"""Platforms kill after 30."""
STREAMS = 20
SLOW = 4
SLOW_PATH = "/api/klines?venue=sim-bybit&symbol=ETHUSDT&interval=1m"
PATHS = ("/", "/api/market", "/api/status", "/api/gaps", "/healthz")
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
def web(tmp_path: Path, database_url: str, redis_client_url: str) -> Iterator[Platform]:
    """Both gunicorn workers; a collector is not needed."""
    given = {"API_RATE_LIMIT": "off", "STREAMS_PER_ADDRESS": "0"}
    with platform(tmp_path, database_url, redis_client_url, **given) as deployed:
        deployed.settle("web")
        yield deployed


class Load:
    """Asks for one path after the other, on a new connection each time, until nothing listens."""

    def __init__(self, web: Platform) -> None:
        self.statuses: list[int] = []
        self.broken: list[str] = []
        """Replies that began and did not end."""
        self._web = web

    def run(self) -> None:
        while True:
            for path in PATHS:
                try:
                    with urllib.request.urlopen(self._web.url + path, timeout=WITHIN_S) as reply:
                        reply.read()
                        self.statuses.append(reply.status)
                except urllib.error.HTTPError as error:
                    self.statuses.append(error.code)
                except IncompleteRead as error:
                    self.broken.append(f"{path}: {error}")
                except OSError:  # it was not taken any more
                    return


def _read_to_end(web: Platform, opened: threading.Semaphore) -> bytes:
    """All that a stream says."""
    with urllib.request.urlopen(f"{web.url}/api/stream?kinds=market", timeout=WITHIN_S) as reply:
        first: bytes = reply.readline()
        opened.release()
        rest: bytes = reply.read()
        return first + rest


def test_a_web_that_is_told_to_end_answers_what_it_began(web: Platform) -> None:
    """Slow questions are answered after the signal; nothing gets a 5xx or half a reply."""
    plain = make_url(web.database_url).set(drivername="postgresql").render_as_string(False)
    opened, load = threading.Semaphore(0), Load(web)
    with ThreadPoolExecutor(STREAMS + SLOW + 2) as pool:
        streams = [pool.submit(_read_to_end, web, opened) for _ in range(STREAMS)]
        assert all(opened.acquire(timeout=20) for _ in range(STREAMS))
        loads = [pool.submit(load.run) for _ in range(2)]
        web.until(lambda: len(load.statuses) > 20, "some load")
        with closing(psycopg2.connect(plain)) as holder:
            holder.cursor().execute("LOCK kline_rows IN ACCESS EXCLUSIVE MODE")
            slow = [pool.submit(web.answers, SLOW_PATH) for _ in range(SLOW)]
            web.until(lambda: query(web.database_url, WAITING)[0][0] >= 2, "questions under way")
            began = time.monotonic()
            web.running["web"].terminate()
            ended = [stream.result(WITHIN_S) for stream in streams]  # while the slow ones still wait
            holder.rollback()
        assert web.running["web"].wait(WITHIN_S) == 0
        assert time.monotonic() - began < WITHIN_S
        for job in loads:
            job.result(WITHIN_S)
    assert [answer.result() for answer in slow] == [200] * SLOW
    assert all(b"retry:" in said for said in ended)
    assert set(load.statuses) == {200}
    assert load.broken == []
