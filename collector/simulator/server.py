"""The exchange's port: it listens, stops listening when it is told to, and listens again."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from websockets.asyncio.server import Server, serve

from collector.simulator.connection import Connection
from collector.simulator.exchange import Exchange


class Port:
    """A port of 127.0.0.1; `number` 0 becomes the one that was free."""

    def __init__(self, exchange: Exchange, number: int) -> None:
        self.number = number
        self._exchange = exchange
        self._server: Server | None = None
        self._shut: list[Server] = []
        self._opening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Listen. Raises OSError."""
        self._server = await serve(
            self._exchange.serve_client,  # type: ignore[arg-type]  # create_connection decides the class
            "127.0.0.1",
            self.number,
            process_request=self._exchange.process_request,  # type: ignore[arg-type]  # as above
            create_connection=Connection,
            compression=None,
            open_timeout=120,  # an answer over HTTP is part of the opening; a player's may have to wait
            ping_interval=180,
            ping_timeout=600,
            close_timeout=1,
            logger=_logger(),
        )
        self.number = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """Listen no more; what is open stays open."""
        if self._server is not None:
            self._server.close(close_connections=False)
            self._shut.append(self._server)
            self._server = None

    def open(self) -> None:
        """Listen again, soon."""
        if self._server is None and self._opening is None:
            self._opening = asyncio.get_running_loop().create_task(self._open())

    async def close(self) -> None:
        """Let every client go, and stop."""
        if self._opening is not None:
            await self._opening
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        for server in self._shut:
            for connection in list(server.connections):
                connection.transport.abort()
            await server.wait_closed()

    async def _open(self) -> None:
        await self.listen()
        self._opening = None


@asynccontextmanager
async def listening(exchange: Exchange, number: int) -> AsyncIterator[int]:
    """Serve the exchange on 127.0.0.1 and yield the port (`number` 0: any free one)."""
    exchange.door = port = Port(exchange, number)
    await port.listen()
    try:
        async with asyncio.TaskGroup() as tasks:
            runner = tasks.create_task(exchange.backend.run())
            yield port.number
            runner.cancel()
    finally:
        exchange.faults.heal()  # nobody is kept waiting any more
        await port.close()


def _logger() -> logging.Logger:
    """Errors only, and none about clients that vanish while they connect: port probes are no news."""
    logger = logging.getLogger("collector.simulator.sockets")
    logger.setLevel(logging.ERROR)
    logger.addFilter(_is_news)
    return logger


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg != "opening handshake failed"
