"""Both venues behind one port: which path is which socket or endpoint, and the life of each client."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from collector.simulator.connection import Connection, Session
from collector.simulator.counts import Counts, wall_ms
from collector.simulator.economy.market import SimulatedMarket
from collector.simulator.faults.fault import FaultRefused
from collector.simulator.faults.table import FaultTable
from collector.simulator.rest import Query, Reply, Source
from collector.simulator.rest import bybit as bybit_rest
from collector.simulator.rest.binance import BinanceRest
from collector.simulator.sessions.binance import BinanceSession
from collector.simulator.sessions.bybit import BybitSession
from collector.simulator.wire import Client, Feed

BYBIT_PATH = "/v5/public/linear"
_BINANCE_INBOUND = 10
_ROUTES = ("public", "market")
_FORMS = ("stream", "ws")


class Venue(Feed, Source, Protocol):
    """One venue of a backend: its streams, and what its REST endpoints tell."""


class Backend(Protocol):
    """What stands behind the port."""

    @property
    def bybit(self) -> Venue:
        """Bybit's side."""

    @property
    def binance(self) -> Venue:
        """Binance's side."""

    async def run(self) -> None:
        """Keep things moving, for as long as the server runs."""


class Door(Protocol):
    """The listening port."""

    def shut(self) -> None:
        """Listen no more; connections are refused."""

    def open(self) -> None:
        """Listen again, soon."""


class Exchange:
    """Both venues, their clients, and the faults there are. Made and used inside a running event loop."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.clients: dict[Client, None] = {}
        self.counts = Counts()
        self.faults = FaultTable(self)
        self.door: Door
        """Set by the server that listens."""
        self._loop = asyncio.get_running_loop()
        self._binance_rest = BinanceRest(backend.binance)

    def feed_of(self, venue: str) -> Venue:
        """``bybit`` or ``binance``."""
        return self.backend.bybit if venue == "bybit" else self.backend.binance

    def now(self, venue: str) -> float:
        """A venue's time, epoch ms."""
        return self.feed_of(venue).now()

    def market(self) -> SimulatedMarket:
        """The simulated market. Raises FaultRefused while something else stands behind the port."""
        if not isinstance(self.backend, SimulatedMarket):
            raise FaultRefused("only the simulated market can do this, not a recording or the bench")
        return self.backend

    def jump(self) -> float:
        """Cut all sockets and let a clock that was behind show the present; the seconds left out."""
        for client in list(self.clients):
            client.connection.reset()
        return self.market().jump()

    def loop_time(self) -> float:
        """The event loop's clock, seconds."""
        return self._loop.time()

    def wall_ms(self) -> int:
        """The machine's time, epoch ms."""
        return wall_ms()

    def call_later(self, seconds: float, what: Callable[[], object]) -> asyncio.TimerHandle:
        """Do something after a time."""
        return self._loop.call_later(seconds, what)

    def every(self, seconds: float, what: Callable[[], object]) -> "asyncio.Task[None]":
        """Do something again and again, until the task is cancelled."""

        async def repeat() -> None:
            while True:
                await asyncio.sleep(seconds)
                what()

        return self._loop.create_task(repeat())

    async def answer(self, target: str) -> Reply:
        """The answer to `GET target`, for both venues' REST paths."""
        url = urlsplit(target)
        query = dict(parse_qsl(url.query))
        venue = "binance" if url.path.startswith("/fapi/") else "bybit"
        reply = await self.faults.request(venue, url.path, query)
        if reply is None:
            reply = await self.answer_from(self.feed_of(venue), venue, url.path, query)
            reply = self.faults.reply(venue, url.path, query, reply)
        self.counts.note_request(url.path, reply.status)
        return reply

    async def answer_from(self, source: Source, venue: str, path: str, query: Query) -> Reply:
        """The answer that a venue gives when it knows what `source` knows."""
        if venue == "binance":
            return await self._binance_rest.answer(path, query, source)
        if path.startswith("/v5/market/"):
            return await bybit_rest.answer(source, path, query)
        return Reply(404, b'{"error":"no such path"}')

    def session_maker(self, connection: Connection, target: str) -> Callable[[], Session] | None:
        """What begins a session on a socket's path; None if no socket is served there."""
        url = urlsplit(target)
        if url.path == BYBIT_PATH:
            return lambda: BybitSession(self._admit(connection, "bybit", url.path), self.backend.bybit)
        parts = [part for part in url.path.split("/") if part]
        if parts and parts[0] in _FORMS:
            parts.insert(
                0, "public"
            )  # the address before the split: it carries the public route's streams only
        if len(parts) < 2 or parts[0] not in _ROUTES or parts[1] not in _FORMS:
            return None
        route, form, *streams = parts
        named = dict(parse_qsl(url.query)).get("streams", "")
        streams = [unquote(stream) for stream in [*streams, *named.split("/")] if stream]
        if any("," in stream for stream in streams):
            return None

        def begin() -> BinanceSession:
            client = self._admit(connection, "binance", url.path, form == "stream")
            session = BinanceSession(client, self.backend.binance, route)
            session.subscribe(streams)
            return session

        return begin

    def _admit(self, connection: Connection, venue: str, route: str, wrapped: bool = False) -> Client:
        host = connection.request.headers.get("Host", "") if connection.request else ""
        client = Client(connection, wrapped, venue=venue, route=route, host=host)

        def may_have(topic: str) -> bool:
            self.counts.note_subscription(venue)
            return self.faults.lets_have(client, topic)

        client.may_have = may_have
        self.clients[client] = None
        self.faults.admit(client)
        self.counts.note_connect(route)
        return client

    async def process_request(self, connection: Connection, request: Request) -> Response | None:
        """Let sockets through; answer everything else as HTTP."""
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return _response(await self.answer(request.path))
        maker = self.session_maker(connection, request.path)
        if maker is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "no socket is served here\n")
        path = urlsplit(request.path).path
        venue = "bybit" if path == BYBIT_PATH else "binance"
        if (reply := await self.faults.handshake(venue, path)) is not None:
            self.counts.note_refusal(path)
            return _response(reply)
        connection.make_session = maker
        if venue == "binance":
            connection.most_per_second = _BINANCE_INBOUND
        return None

    async def serve_client(self, connection: Connection) -> None:
        """The life of one socket."""
        session = connection.make_session()
        try:
            async for message in connection:
                session.receive(message)
        except ConnectionClosed:
            pass  # gone without a closing handshake: nothing is owed to it
        finally:
            session.close()
            self.clients = {client: None for client in self.clients if client.connection is not connection}


def _response(reply: Reply) -> Response:
    headers = Headers(
        {"Content-Type": "application/json", "Content-Length": str(len(reply.body)), "Connection": "close"}
    )
    for name, value in reply.headers.items():
        headers.pop(name, None)
        headers[name] = value
    return Response(reply.status, HTTPStatus(reply.status).phrase, headers, reply.body)
