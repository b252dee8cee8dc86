"""`python -m bench.crowd.listeners PORT COUNT SECONDS`: open streams, which come back as browsers do.

Prints `ready` once each has its first data; when told to end by SIGTERM, or after SECONDS, a line of JSON.
"""

import asyncio
import json
import re
import sys
import time

from bench.crowd.ending import until_told

OPEN_PER_S = 200
SAMPLE_S = 0.25
LONGEST = 64
"""Bytes of the longest thing that is looked for."""
_NOW, _ID = b'"now":', b"\nid: "
_RETRY = re.compile(rb"\nretry: (\d+)\n")
_HEAD = re.compile(rb"HTTP/1\.1 (\d+)")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Crowd:
    """What all listeners have heard together."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.is_over = False
        self.heard: dict[str, list[int]] = {}
        """Id of an event -> how many heard it, and after how many ms the last of them."""
        self.disordered = 0
        """Events that came after newer ones, or twice."""
        self.resets = 0
        self.refused: dict[int, int] = {}
        """Status -> how often it was the answer."""
        self.connections = 0

    def hear(self, event_id: str) -> None:
        """One listener got it now."""
        late = _wall_ms() - int(event_id.partition("-")[0])
        found = self.heard.setdefault(event_id, [0, 0])
        found[0] += 1
        found[1] = max(found[1], late)


class Listener(asyncio.Protocol):
    """One browser's stream."""

    def __init__(self, crowd: Crowd) -> None:
        self.newest = 0
        """Epoch ms of the newest market data."""
        self._crowd = crowd
        self._last_id = ""
        self._retry_ms = 3_000
        self._is_answered = False
        self._rest = b""
        self._transport: asyncio.Transport | None = None

    async def connect(self) -> None:
        """Open the stream, as often as it takes."""
        self._is_answered, self._rest = False, b""
        try:
            await asyncio.get_running_loop().create_connection(lambda: self, "127.0.0.1", self._crowd.port)
        except OSError:
            self._come_back()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._crowd.connections += 1
        resume = f"Last-Event-ID: {self._last_id}\r\n" if self._last_id else ""
        transport.write(f"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n{resume}\r\n".encode())

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._come_back()

    def data_received(self, data: bytes) -> None:
        if not self._is_answered and not self._read_head(data):
            return
        text = self._rest + data
        at = end = 0
        while (at := text.find(_NOW, at)) >= 0 and len(text) >= at + len(_NOW) + 13:
            end = at = at + len(_NOW) + 13
            self.newest = int(text[at - 13 : at])
        at = 0
        while (at := text.find(_ID, at)) >= 0 and (stop := text.find(b"\n", at + 1)) >= 0:
            self._take(text[at + len(_ID) : stop].decode())
            at = stop
            end = max(end, at)
        self._crowd.resets += data.count(b"event: reset\n")
        self._rest = text[max(end, len(text) - LONGEST) :]

    def close(self) -> None:
        """Leave."""
        if self._transport is not None:
            self._transport.abort()

    def _read_head(self, data: bytes) -> bool:
        found = _HEAD.match(data)
        status = int(found[1]) if found else 0
        self._is_answered = status == 200
        if self._is_answered:
            if retry := _RETRY.search(data):
                self._retry_ms = int(retry[1])
        else:
            self._crowd.refused[status] = self._crowd.refused.get(status, 0) + 1
            self.close()
        return self._is_answered

    def _take(self, event_id: str) -> None:
        if _order(event_id) <= _order(self._last_id):
            self._crowd.disordered += 1
        self._last_id = event_id
        self._crowd.hear(event_id)

    def _come_back(self) -> None:
        if not self._crowd.is_over:
            loop = asyncio.get_running_loop()
            loop.call_later(self._retry_ms / 1000, lambda: loop.create_task(self.connect()))


def _order(event_id: str) -> tuple[int, int]:
    ms, _, number = event_id.partition("-")
    return int(ms or 0), int(number or 0)


async def _sample(listeners: list[Listener], samples: list[tuple[float, int]]) -> None:
    """Note how far behind the last of all is, ms, and when that was."""
    while True:
        await asyncio.sleep(SAMPLE_S)
        samples.append((time.monotonic(), _wall_ms() - min(one.newest for one in listeners)))


async def _main(port: int, count: int, seconds: float) -> None:
    crowd = Crowd(port)
    listeners = [Listener(crowd) for _ in range(count)]
    for listener in listeners:
        await listener.connect()
        await asyncio.sleep(1 / OPEN_PER_S)
    while not all(one.newest for one in listeners):
        await asyncio.sleep(0.1)
    print("ready", flush=True)
    samples: list[tuple[float, int]] = []
    sampler = asyncio.create_task(_sample(listeners, samples))
    await until_told(seconds)
    crowd.is_over = True
    sampler.cancel()
    for listener in listeners:
        listener.close()
    told = {name: value for name, value in vars(crowd).items() if name not in ("port", "is_over")}
    print(json.dumps(told | {"samples": samples}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
