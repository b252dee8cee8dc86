"""Faults of sockets: cut, cut when they are old, cut again and again, or not let in at all."""

from collections.abc import Callable
from typing import Literal

from collector.simulator.faults.fault import Fault, FaultRefused, Seconds, is_one_of
from collector.simulator.wire import Client

_GOODBYES = {1001: "going away", 1008: "policy violation", 1011: "internal error", 1012: "service restart"}
_WITHOUT_FRAME_S = 1.0
_LOOK_EVERY_S = 0.2


class SocketFault(Fault):
    """A fault that cuts sockets: `how` is ``rst`` (a TCP reset in the middle of a frame) or a close code."""

    route: str = "*"
    how: Literal["rst", 1001, 1008, 1011, 1012] = 1001

    async def begin(self) -> None:
        self._cut: set[Client] = set()

    def cut_if(self, condition: Callable[[Client], bool] = lambda _client: True) -> None:
        """Cut the sockets it meets for which the condition holds; a reset breaks the next frame."""
        for client in list(self.exchange.clients):
            is_meant = self.is_of_venue(client.venue) and is_one_of(client.route, self.route)
            if not is_meant or client in self._cut or not condition(client):
                continue
            self._cut.add(client)
            self.note(client.route, client.venue)
            if self.how == "rst":
                self.exchange.call_later(_WITHOUT_FRAME_S, client.connection.reset)
            else:
                client.connection.say_goodbye(self.how, _GOODBYES[self.how])

    @property
    def lingers(self) -> bool:
        return self.how == "rst" and any(client.is_open for client in self._cut)

    def on_frame(self, client: Client, topic: str, frame: bytes) -> list[bytes]:
        if self.how != "rst" or client not in self._cut:
            return [frame]
        client.flush()
        client.connection.reset(frame)
        return []


class Cut(SocketFault):
    """The sockets of now are cut, once."""

    async def begin(self) -> None:
        await super().begin()
        self.cut_if()


class MaxAge(SocketFault):
    """Every socket is cut when it is `age` seconds old, as a venue does after 24 hours."""

    age: Seconds = 60.0

    async def begin(self) -> None:
        await super().begin()
        self._task = self.exchange.every(_LOOK_EVERY_S, self._look)

    def end(self) -> None:
        self._task.cancel()

    def _look(self) -> None:
        oldest = self.exchange.loop_time() - self.age
        self.cut_if(lambda client: client.connection.opened_at <= oldest)


class EnforcePings(SocketFault):
    """Bybit: a socket is cut on which no JSON ping came for `within` seconds; data does not replace it."""

    venue: str = "bybit"
    within: Seconds = 30.0

    async def begin(self) -> None:
        await super().begin()
        self._began = self.exchange.loop_time()
        self._task = self.exchange.every(_LOOK_EVERY_S, self._look)

    def end(self) -> None:
        self._task.cancel()

    def _look(self) -> None:
        oldest = self.exchange.loop_time() - self.within
        self.cut_if(
            lambda client: max(client.pinged_at or 0.0, client.connection.opened_at, self._began) < oldest
        )


class Flap(SocketFault):
    """All sockets are cut every `period` seconds."""

    period: Seconds = 5.0

    async def begin(self) -> None:
        if self.period < _LOOK_EVERY_S:
            raise FaultRefused(f"period: expected {_LOOK_EVERY_S} or more, found {self.period}")
        await super().begin()
        self.cut_if()
        self._task = self.exchange.every(self.period, self.cut_if)

    def end(self) -> None:
        self._task.cancel()


class Refuse(Fault):
    """Nothing listens any more: connections to both venues are refused, for sockets and REST alike.

    Open sockets stay open; `cut` takes them along.
    """

    cut: bool = False

    async def begin(self) -> None:
        if self.venue != "*":
            raise FaultRefused("venue: both venues share one port, so only '*' can be refused")
        self.exchange.door.shut()
        if self.cut:
            for client in list(self.exchange.clients):
                client.connection.reset()

    def end(self) -> None:
        self.exchange.door.open()
