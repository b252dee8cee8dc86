"""A running gunicorn, and what browsers ask of it. Reads /proc, so Linux only."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PORT = 8971
PATH = "/_dash-update-component"


class Web:
    """A running gunicorn."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    @property
    def workers(self) -> list[int]:
        """Process ids of its workers."""
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@contextmanager
def web(env: dict[str, str]) -> Iterator[Web]:
    """A gunicorn on PORT that answers; stopped afterwards if it still runs."""
    bind = f"127.0.0.1:{PORT}"
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "--bind", bind, "app.main:server"]
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        _wait_until_healthy()
        yield Web(process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_healthy() -> None:
    for _ in range(100):
        try:
            client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=1)
            client.request("GET", "/healthz")
            if client.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"the web did not come up on port {PORT}")


def market_body() -> str:
    """Of a browser that has the day's lines and when signals began, and asks for every row."""
    asked: dict[str, object] = {"tick": 1, "version": None}
    past = reply(_callback("live-market", "refresh-tick", asked))["response"]["live-market"]["data"]["past"]
    held = {name: part["version"] for name, part in json.loads(past or "{}").items()}
    return _callback("live-market", "refresh-tick", asked | {"held": held})


def symbol_body(symbol: str = "BTCUSDT") -> str:
    """Of a browser that has every candle and the strips until now, as it is after the first reply."""
    now = time.time_ns() // 1_000_000
    asked = {"venue": "bybit", "symbol": symbol, "interval": "5m", "last": now - now % 300_000 - 300_000}
    return _callback("symbol-live", "symbol-tick", {**asked, "until": now})


def reply(body: str) -> Any:
    """What one such request is answered."""
    client = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    client.request("POST", PATH, body, {"Content-Type": "application/json"})
    return json.load(client.getresponse())


def _callback(output: str, tick: str, value: dict[str, object]) -> str:
    """The body a browser posts when `tick` asks for `output`."""
    return json.dumps(
        {
            "output": f"{output}.data",
            "outputs": {"id": output, "property": "data"},
            "inputs": [{"id": tick, "property": "data", "value": value}],
            "changedPropIds": [f"{tick}.data"],
        }
    )
