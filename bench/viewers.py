"""What a viewer costs the web each second, page by page, for 1, 30 and 300 viewers, beside an empty callback.

Each viewer asks once a second over its own connection, as a browser does: for what it does not have yet.
"""

import gzip
import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from bench.processes import cpu_s, settle
from bench.report import Result
from bench.web import APP, stocked_stores, web

PORT = 8972
PATH = "/_dash-update-component"
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
COUNTS = (1, 30, 300)
FACTOR = 1.5
FLAT = 1.1
"""A viewer among 300 may cost so much more than one among 30: noise of the clock's 10 ms."""
SECONDS = {0: 8, 1: 20, 30: 10, 300: 10}
WARM_S = 3
THREADS = 6

Ask = Callable[[dict[str, Any] | None], dict[str, Any]]
"""What a viewer asks after this reply; None before the first."""
Cost = dict[int, float]
"""Viewers -> CPU ms of each in a second."""


def market(reply: dict[str, Any] | None) -> dict[str, Any]:
    """The rows of the default interval, and what is past where there is another version of it."""
    held = market_held(reply)
    return {"tick": 1, "version": reply["version"] if reply else None, "pairs": False, "held": held}


def market_held(reply: dict[str, Any] | None) -> dict[str, str]:
    """The versions of the past that came with a reply."""
    past = json.loads((reply or {}).get("past") or "{}")
    return {name: part["version"] for name, part in past.items()}


def symbol(reply: dict[str, Any] | None) -> dict[str, Any]:
    """One instrument, whole first, then what is new."""
    asked: dict[str, Any] = {"tick": 1, "venue": "bybit", "symbol": "BTCUSDT", "interval": "5m"}
    if reply is None:
        return asked
    found = json.loads(reply["payload"])
    asked |= {"until": found["strips"]["until"], "marks": found["marks_version"]}
    closed = found["candles"]["open_time"]
    return asked | {"last": max(closed)} if closed else asked


def signals(reply: dict[str, Any] | None) -> dict[str, Any]:
    """All signals; the parts that have another version."""
    return {"tick": 1, "held": json.loads(reply["payload"])["versions"] if reply else {}}


def status(reply: dict[str, Any] | None) -> dict[str, Any]:
    """Both parts, those that have another version."""
    found = json.loads(reply.get("payload") or "{}") if reply else {}
    return {"tick": 1} | {name: part["version"] for name, part in found.items()}


def nothing(_reply: dict[str, Any] | None) -> dict[str, Any]:
    """The empty callback."""
    return {"tick": 1}


PAGES: dict[str, tuple[str, str, Ask]] = {
    "Market": ("live-market", "refresh-tick", market),
    "Symbol": ("symbol-live", "symbol-tick", symbol),
    "Signals": ("signals-live", "signals-tick", signals),
    "Status": ("status-live", "status-tick", status),
}
"""Page -> what the server fills, what a browser sends, and how it asks."""


class Viewer:
    """One browser: it remembers what it was told, so that it asks for the rest."""

    def __init__(self, port: int, output: str, tick: str, ask: Ask) -> None:
        self._client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._output, self._tick, self._ask = output, tick, ask
        self._known: dict[str, Any] = {}

    def look(self) -> None:
        """Ask once. Raises SystemExit where the answer is not one."""
        body = self.body()
        self._client.request("POST", PATH, body, HEADERS)
        reply = self._client.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise SystemExit(f"expected a reply of {self._output}, found status {reply.status}")
        if reply.headers.get("Content-Encoding") == "gzip":
            content = gzip.decompress(content)
        self.learn(json.loads(content)["response"][self._output]["data"])

    def close(self) -> None:
        """Leave."""
        self._client.close()

    def body(self) -> str:
        """What is sent next."""
        value = self._known or self._ask(None)
        return json.dumps(
            {
                "output": f"{self._output}.data",
                "outputs": {"id": self._output, "property": "data"},
                "inputs": [{"id": self._tick, "property": "data", "value": value}],
                "changedPropIds": [f"{self._tick}.data"],
            }
        )

    def learn(self, reply: dict[str, Any]) -> None:
        """Take a reply; what did not come this time is as it was."""
        asked = self._ask(reply)
        held = {**self._known.get("held", {}), **asked.get("held", {})}
        self._known = {**self._known, **asked} | ({"held": held} if "held" in asked else {})


class Used(NamedTuple):
    """CPU seconds of the web's processes, and how long that was, s."""

    cpu_s: float
    elapsed_s: float


def used(pids: Sequence[int], during: Callable[[], None]) -> Used:
    """What these processes use meanwhile."""
    before, began = sum(map(cpu_s, pids)), time.monotonic()
    during()
    return Used(sum(map(cpu_s, pids)) - before, time.monotonic() - began)


def look_for(viewers: Sequence[Viewer], seconds: int) -> None:
    """Each once a second, one after the other: browsers have no common beat. Late ones leave nothing out."""
    shares = [viewers[n::THREADS] for n in range(THREADS)]
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(_turns, share, began, seconds) for share in shares if share]:
            done.result()


def _turns(viewers: Sequence[Viewer], began: float, seconds: int) -> None:
    for second in range(seconds):
        for n, viewer in enumerate(viewers):
            time.sleep(max(0.0, began + second + n / len(viewers) - time.monotonic()))
            viewer.look()
    time.sleep(max(0.0, began + seconds - time.monotonic()))


def costs(pids: Sequence[int], output: str, tick: str, ask: Ask) -> Cost:
    """What a viewer's look each second costs; what the web does without viewers is left out."""
    first = Viewer(PORT, output, tick, ask)
    look_for([first], WARM_S)  # what a start costs is over
    first.close()
    idle = used(pids, lambda: time.sleep(SECONDS[0]))
    found = {}
    for count in COUNTS:
        viewers = [Viewer(PORT, output, tick, ask) for _ in range(count)]
        look_for(viewers, WARM_S)
        busy = used(pids, partial(look_for, viewers, SECONDS[count]))
        own_s = busy.cpu_s - idle.cpu_s / idle.elapsed_s * busy.elapsed_s
        found[count] = max(0.0, own_s) / (count * SECONDS[count]) * 1e3
        for viewer in viewers:
            viewer.close()
    return found


def result(page: str, ours: Cost, least: Cost) -> Result:
    """How a page stands beside the empty callback: at each number of viewers, and from 30 to 300."""
    factors = {count: ours[count] / least[count] if least[count] else float("inf") for count in COUNTS}
    said = ", ".join(f"{n}: {ours[n]:.2f} ms = {factors[n]:.1f}×" for n in COUNTS)
    is_met = all(factor <= FACTOR for factor in factors.values()) and ours[300] <= FLAT * max(
        ours[1], ours[30]
    )
    return Result(
        f"a viewer of the {page} page, CPU a second", f"≤ {FACTOR}× empty, flat 1–300", said, is_met
    )


def run() -> list[Result]:
    """Measure; about five minutes."""
    with stocked_stores() as urls:
        with web(urls, PORT, app="bench.empty_callback:server") as served:
            least = costs(served.workers, "live", "tick", nothing)
        with web(urls, PORT, app=APP) as served:
            settle(1)
            found = {page: costs(served.workers, *how) for page, how in PAGES.items()}
    said = ", ".join(f"{n}: {ms:.2f} ms" for n, ms in least.items())
    return [
        Result("a viewer of an empty Dash callback, CPU a second", "", said),
        *(result(page, ours, least) for page, ours in found.items()),
    ]
