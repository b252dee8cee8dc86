"""Faults of silence: a topic, a subscription or a whole socket says nothing while everything looks well."""

import asyncio
from typing import Literal

from websockets.exceptions import ConnectionClosed

from collector.simulator.faults.fault import Fault, FaultRefused, Seconds, TopicFault
from collector.simulator.wire import MAX_BACKLOG, Client

_PING_EVERY_S = 0.5

Cure = Literal["time", "resubscribe", "socket"]


class Mute(TopicFault):
    """Topics go silent, and what they would have said is lost.

    `until` tells what helps besides healing: ``time`` (only `seconds`), ``resubscribe`` (only subscriptions
    of now are silent), ``socket`` (only sockets of now are).
    """

    until: Cure = "time"

    async def begin(self) -> None:
        clients = self.exchange.clients
        self._silent = {(client, topic) for client in clients for topic in client.topics}
        self._sockets = set(clients)

    def on_subscribe(self, client: Client, topic: str) -> bool:
        self._silent.discard((client, topic))
        return True

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        is_silent = {
            "time": True,
            "resubscribe": (client, topic) in self._silent,
            "socket": client in self._sockets,
        }
        return [] if is_silent[self.until] else None


class AckAndSilence(TopicFault):
    """New subscriptions are acknowledged and never say anything.

    ``resubscribe``: only those of the first `lasts` seconds; another one helps then. ``socket``: only those
    on the sockets that were open when it began; a new socket helps.
    """

    until: Literal["resubscribe", "socket"] = "resubscribe"
    lasts: Seconds | None = None

    async def begin(self) -> None:
        self._began = self.exchange.loop_time()
        self._sockets = set(self.exchange.clients)
        self._silent: set[tuple[Client, str]] = set()

    def on_subscribe(self, client: Client, topic: str) -> bool:
        if not self.meets(client, topic):
            return True
        if self.until == "socket":
            is_silent = client in self._sockets
        else:
            is_silent = self.lasts is None or self.exchange.loop_time() <= self._began + self.lasts
        if is_silent:
            self._silent.add((client, topic))
        else:
            self._silent.discard((client, topic))
        return True

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        return [] if (client, topic) in self._silent else None


class Freeze(Fault):
    """The open sockets freeze: TCP stays alive, nothing is said, pings are not answered.

    When it is over, everything held back comes at once, as from a link that hung.
    """

    async def begin(self) -> None:
        self._held: dict[Client, list[bytes]] = {
            client: [] for client in self.exchange.clients if self.is_of_venue(client.venue)
        }
        self._bytes = dict.fromkeys(self._held, 0)
        for client in self._held:
            client.connection.hold()

    def end(self) -> None:
        for client, frames in self._held.items():
            for frame in frames:
                client.queue(frame)
            client.connection.let_go()

    def on_frame(self, client: Client, topic: str, frame: bytes) -> list[bytes]:
        held = self._held.get(client)
        if held is None:
            return [frame]
        held.append(frame)
        self._bytes[client] += len(frame)
        if self._bytes[client] > MAX_BACKLOG:
            client.connection.transport.abort()
            del self._held[client]
        self.note(topic, client.venue)
        return []


class Impatient(Fault):
    """A client is dropped that leaves more than `bytes` unread, or a ping unanswered for `within` seconds."""

    bytes: int = MAX_BACKLOG
    within: Seconds = 5.0

    async def begin(self) -> None:
        if self.bytes < 1 or self.within <= 0:
            raise FaultRefused("bytes, within: expected more than 0")
        self._pings: dict[Client, asyncio.Task[None]] = {}
        self._look()
        self._task = self.exchange.every(_PING_EVERY_S, self._look)

    def end(self) -> None:
        self._task.cancel()
        for client in self.exchange.clients:
            client.most_backlog = MAX_BACKLOG

    def _look(self) -> None:
        for client in filter(lambda client: self.is_of_venue(client.venue), self.exchange.clients):
            client.most_backlog = self.bytes
            if (ping := self._pings.get(client)) is None or ping.done():
                self._pings[client] = asyncio.get_running_loop().create_task(self._ping(client))

    async def _ping(self, client: Client) -> None:
        try:
            async with asyncio.timeout(self.within):
                await (await client.connection.ping())
        except TimeoutError:
            self.note(client.route, client.venue)
            client.connection.reset()
        except ConnectionClosed:
            self._pings.pop(client, None)
