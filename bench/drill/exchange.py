"""The simulator as a drill commands it: faults, the record of the truth, and its process."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from collector.simulator import child

TIMEOUT_S = 60.0

Command = Mapping[str, Any]
"""A fault as the control port takes it: its kind and its fields."""


class Exchange:
    """A running simulator."""

    def __init__(self, pid: int, port: int, control: int) -> None:
        self.port = port
        self._pid = pid
        self._control = control

    def inject(self, command: Command) -> int:
        """Let a fault begin; its id."""
        number: int = self._ask("POST", "/faults", dict(command))["id"]
        return number

    def heal(self, number: int | None = None) -> None:
        """End a fault, or all."""
        self._ask("DELETE", "/faults" if number is None else f"/faults/{number}")

    def fault(self, number: int) -> dict[str, Any]:
        """What is told of a fault."""
        return next(entry for entry in self._ask("GET", "/faults") if entry["id"] == number)

    def record(self, symbols: Mapping[str, Sequence[str]]) -> None:
        """Begin to record the truth of these symbols of each venue."""
        self._ask("POST", "/record", {"symbols": symbols})

    def truth(self, venue: str, symbol: str, first_ms: int, last_ms: int) -> dict[str, Any]:
        """What was really said of an instrument in a time."""
        query = f"venue={venue}&symbol={symbol}&from={first_ms}&to={last_ms}"
        found: dict[str, Any] = self._ask("GET", f"/truth?{query}")
        return found

    def counts(self) -> dict[str, Any]:
        """Connects, subscriptions, REST requests."""
        found: dict[str, Any] = self._ask("GET", "/counts")
        return found

    def jump(self) -> float:
        """Be behind no more; the seconds left out."""
        skipped: float = self._ask("POST", "/jump", {})["skipped_s"]
        return skipped

    def stop(self) -> None:
        """Freeze the process: TCP stays alive, nothing is said."""
        os.kill(self._pid, signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self._pid, signal.SIGCONT)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        url = f"http://127.0.0.1:{self._control}{path}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
                return json.loads(reply.read())
        except urllib.error.HTTPError as error:
            raise ValueError(f"{method} {path} {body}: {error.read().decode()}") from None


@contextmanager
def exchange(*arguments: str) -> Iterator[Exchange]:
    """A simulator of this drill's own."""
    process, port, control = child.start_with_control(arguments)
    running = Exchange(process.pid, port, control)
    try:
        yield running
    finally:
        running.go_on()
        child.stop(process)


def now_ms() -> int:
    """The machine's time, which is the exchange's as well unless it was told otherwise."""
    return time.time_ns() // 1_000_000
