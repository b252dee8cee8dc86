"""A TCP proxy on loopback that makes a bad network: it delays, stalls, and cuts what is idle."""

import asyncio
import contextlib
import random
import ssl
import threading
from collections.abc import Iterator

_CHUNK = 65_536
_LOOK_EVERY_S = 0.5


class Proxy:
    """Passes bytes on to a port of this machine. Fields may be set at any time, from any thread."""

    def __init__(self, target: int) -> None:
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.cut_idle_s = float("inf")
        """A connection is cut when its client was silent for so long."""
        self.cuts = 0
        self.port = 0
        self._target = target

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            server, request = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            answer.transport.abort()
            return
        spoke = [asyncio.get_running_loop().time()]
        pumps = [
            asyncio.create_task(self._pump(client, request, spoke)),
            asyncio.create_task(self._pump(server, answer, None)),
            asyncio.create_task(self._watch(spoke)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for writer in (request, answer):
                writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, spoke: list[float] | None
    ) -> None:
        """Pass on what comes, each piece late by its own delay but in order."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def send() -> None:
            while True:
                due, piece = await pieces.get()
                await asyncio.sleep(max(0.0, due - loop.time()))
                writer.write(piece)
                await writer.drain()

        sender = asyncio.create_task(send())
        try:
            with contextlib.suppress(OSError):
                while piece := await reader.read(_CHUNK):
                    if spoke is not None:
                        spoke[0] = loop.time()
                    pieces.put_nowait((loop.time() + self.delay_s + random.uniform(0, self.jitter_s), piece))
        finally:
            sender.cancel()

    async def _watch(self, spoke: list[float]) -> None:
        """End when the client was silent for too long."""
        loop = asyncio.get_running_loop()
        while loop.time() - spoke[0] <= self.cut_idle_s:
            await asyncio.sleep(_LOOK_EVERY_S)
        self.cuts += 1


class Mute:
    """Takes connections and never says a word, not even of TLS."""

    def __init__(self) -> None:
        self.port = 0

    async def serve(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(OSError):
            while await client.read(_CHUNK):
                pass
        answer.transport.abort()


@contextlib.contextmanager
def listening(server: Proxy | Mute, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Let a server listen on a free port of loopback, in a thread of its own; the port."""
    started = threading.Event()
    stopping: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
        server.port = listener.sockets[0].getsockname()[1]
        stop = asyncio.Event()
        stopping.append((asyncio.get_running_loop(), stop))
        started.set()
        await stop.wait()
        listener.close()

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="proxy", daemon=True)
    thread.start()
    if not started.wait(10):
        raise RuntimeError("the proxy does not listen within 10 s")
    try:
        yield server.port
    finally:
        loop, stop = stopping[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
