"""What browsers ask of a running web, as the bodies of their requests."""

import http.client
import json
import time
from typing import Any

PORT = 8971
PATH = "/_dash-update-component"


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


def empty_body() -> str:
    """For bench/empty_callback.py."""
    return _callback("live", "tick", {})


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
