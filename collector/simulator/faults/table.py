"""The faults that an exchange has just now, and those it had."""

import asyncio
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any

import msgspec

from collector.simulator.faults.fault import Fault, FaultRefused
from collector.simulator.rest import Reply
from collector.simulator.wire import Client

if TYPE_CHECKING:
    from collector.simulator.exchange import Exchange

_REMEMBERED = 1_000


class Entry(msgspec.Struct):
    """One fault: `ended_ms` is 0 while it lasts. Times are the machine's, epoch ms."""

    number: int
    fault: Fault
    began_ms: int
    ended_ms: int = 0

    def told(self) -> dict[str, Any]:
        """What there is to know, as data."""
        return {
            "id": self.number,
            "fault": self.fault,
            "began_ms": self.began_ms,
            "ended_ms": self.ended_ms,
            "withheld": self.fault.withheld,
            "notes": self.fault.notes,
        }


class FaultTable:
    """Begins and ends faults, and asks those that last what becomes of a message, a request, a client."""

    def __init__(self, exchange: "Exchange") -> None:
        self.entries: deque[Entry] = deque(maxlen=_REMEMBERED)
        self._exchange = exchange
        self._numbers = itertools.count(1)
        self._lasting: dict[int, Entry] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._on_frame: list[Fault] = []

    async def begin(self, fault: Fault) -> Entry:
        """Let a fault begin. Raises FaultRefused."""
        if fault.seconds is not None and fault.seconds <= 0:
            raise FaultRefused(f"seconds: expected more than 0, found {fault.seconds}")
        fault.exchange = self._exchange
        await fault.begin()
        entry = Entry(next(self._numbers), fault, self._exchange.wall_ms())
        self.entries.append(entry)
        self._lasting[entry.number] = entry
        if fault.seconds is not None:
            self._timers[entry.number] = self._exchange.call_later(
                fault.seconds, lambda: self.heal(entry.number)
            )
        self._set_gates()
        return entry

    def heal(self, number: int | None = None) -> list[Entry]:
        """End one fault, or all; those that were ended."""
        healed = []
        for entry in [e for e in self._lasting.values() if number in (None, e.number) and not e.ended_ms]:
            if timer := self._timers.pop(entry.number, None):
                timer.cancel()
            entry.fault.end()
            entry.ended_ms = self._exchange.wall_ms()
            healed.append(entry)
        self._forget_healed()
        return healed

    def admit(self, client: Client) -> None:
        """A new client meets the faults that last."""
        client.gate = self._gate if self._on_frame else None

    def lets_have(self, client: Client, topic: str) -> bool:
        """Whether a client that asks for a topic gets it."""
        answers = [fault.on_subscribe(client, topic) for fault in self._active()]  # each of them is told
        return all(answers)

    async def handshake(self, venue: str, path: str) -> Reply | None:
        """What a client that wants a socket is answered, if it is not let in."""
        for fault in self._active():
            if (reply := await fault.on_handshake(venue, path)) is not None:
                return reply
        return None

    async def request(self, venue: str, path: str, query: dict[str, str]) -> Reply | None:
        """What a request is answered in place of the truth."""
        for fault in self._active():
            if (reply := await fault.on_request(venue, path, query)) is not None:
                return reply
        return None

    def reply(self, venue: str, path: str, query: dict[str, str], reply: Reply) -> Reply:
        """What becomes of a true answer."""
        for fault in self._active():
            reply = fault.on_reply(venue, path, query, reply)
        return reply

    def _active(self) -> list[Fault]:
        return [entry.fault for entry in self._lasting.values() if not entry.ended_ms]

    def _gate(self, client: Client, topic: str, frame: bytes) -> bytes:
        frames = [frame]
        for fault in self._on_frame:
            frames = [sent for it in frames for sent in fault.on_frame(client, topic, it)]
        if any(entry.ended_ms for entry in self._lasting.values()):
            self._forget_healed()
        return b"".join(frames)

    def _forget_healed(self) -> None:
        over = [n for n, entry in self._lasting.items() if entry.ended_ms and not entry.fault.lingers]
        for number in over:
            del self._lasting[number]
        self._set_gates()

    def _set_gates(self) -> None:
        faults = [entry.fault for entry in self._lasting.values()]
        self._on_frame = [it for it in faults if type(it).on_frame is not Fault.on_frame]
        for client in self._exchange.clients:
            self.admit(client)
