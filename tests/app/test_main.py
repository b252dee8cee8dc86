"""The web process as it is deployed: gunicorn, its configuration, a real Redis."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db.hot import keys
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from tests.app.fakes import LIVE_FEED, row

pytestmark = pytest.mark.wire

ROOT = Path(__file__).resolve().parent.parent.parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as response:
        body: bytes = response.read()
    return body


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            _get(url)
        except urllib.error.URLError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{url} did not answer within 30 s")


@pytest.fixture
def web(redis_client_url: str) -> Iterator[str]:
    """Address of the web, served by gunicorn in a process of its own."""
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{port}"]
    given = {
        "DATABASE_URL": "postgresql://nowhere/app", "REDIS_URL": redis_client_url, "FEEDS": "live",
        "WEB_CONCURRENCY": "1", "SYMBOLS": "BTCUSDT",
    }  # fmt: skip
    process = subprocess.Popen([*command, "app.main:server"], cwd=ROOT, env=os.environ | given)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def test_what_the_collector_wrote_is_served(web: str, redis_client_url: str) -> None:
    """Page, layout and API stand on the keys of the contract."""
    client = live_client(redis_client_url)
    writer = HotWriter(client)
    writer.put(keys.market("bybit"), {"BTCUSDT": row("bybit", "BTCUSDT", last_price=65114.2).decode()})
    writer.put(keys.feed("bybit"), LIVE_FEED)
    writer.send()
    client.connection_pool.disconnect()
    found: Any = json.loads(_get(f"{web}/api/market?venue=bybit"))
    assert found["rows"][0]["last_price"] == 65114.2
    assert found["venues"]["bybit"]["state"] == "live"
    assert found["venues"]["binance"]["state"] == "down"
    assert b"Tickdeck" in _get(f"{web}/")
    assert "65114.2" in _get(f"{web}/_dash-layout").decode()
