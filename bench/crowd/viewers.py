"""`python -m bench.crowd.viewers PORT SECONDS`: pages that refresh once a second, `/healthz` beside.

Stdin has the bodies, one a line; each is one page with a connection of its own. Prints `ready` when
all were answered once; when told to end by SIGTERM, or after SECONDS, a line of JSON.
"""

import asyncio
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable

from bench.asking import PATH
from bench.crowd.ending import until_told

EVERY_S = 1.0
PROBES_PER_S = 20
LONGEST_S = 20.0
REFUSED, BROKEN = 0, -1
"""In place of a status: no request was taken; a reply that began did not end."""
_UNTIL = re.compile(r'"until": \d+')

Asked = tuple[float, float, int]
"""When it was due, on the monotonic clock; seconds until the whole reply was there; its status."""


class Client:
    """One connection, made anew when it is gone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """The status of the reply, once all of it is there."""
        began = False
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
            reader, writer = self._streams
            writer.write(request)
            head = await reader.readuntil(b"\r\n")
            began = True
            head += await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(_length(head))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            is_broken = began or (isinstance(error, asyncio.IncompleteReadError) and bool(error.partial))
            return BROKEN if is_broken else REFUSED
        if b"connection: close" in head.lower():
            self.close()
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Next time another one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise ValueError(f"expected a length, found {head!r}")


def _request(body: str) -> bytes:
    """What is posted now: a page that has the strips until a second ago says so."""
    now = time.time_ns() // 1_000_000
    body = _UNTIL.sub(f'"until": {now - 1000}', body)
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Accept-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def _timed(asked: list[Asked], due: float, ask: Callable[[], Awaitable[int]]) -> None:
    try:
        status = await asyncio.wait_for(ask(), LONGEST_S)
    except TimeoutError:
        status = REFUSED
    asked.append((due, time.monotonic() - due, status))


async def _view(client: Client, body: str, phase: float, asked: list[Asked]) -> None:
    """Ask at each beat but those that pass while an answer is awaited, as the pages do."""
    due = time.monotonic() + phase
    while True:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        await _timed(asked, due, lambda: client.ask(_request(body)))
        due += EVERY_S
        while due < time.monotonic():
            due += EVERY_S


async def _probe(port: int, asked: list[Asked]) -> None:
    """As a platform does: each time on a new connection, whatever became of the one before."""

    async def once(due: float) -> None:
        client = Client(port)
        request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        await _timed(asked, due, lambda: client.ask(request))
        client.close()

    due = time.monotonic()
    running: set[asyncio.Task[None]] = set()
    while True:
        due += 1 / PROBES_PER_S
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        running = {task for task in running if not task.done()}
        running.add(asyncio.create_task(once(due)))


async def _main(port: int, seconds: float) -> None:
    bodies = sys.stdin.read().splitlines()
    pages: list[Asked] = []
    health: list[Asked] = []
    tasks = [
        asyncio.create_task(_view(Client(port), body, number * EVERY_S / len(bodies), pages))
        for number, body in enumerate(bodies)
    ]
    tasks.append(asyncio.create_task(_probe(port, health)))
    while len(pages) < len(bodies):
        await asyncio.sleep(0.1)
    print("ready", flush=True)
    await until_told(seconds)
    for task in tasks:
        task.cancel()
    print(json.dumps({"pages": pages, "health": health}), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), float(sys.argv[2])))
