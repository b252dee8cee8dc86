"""The bench: every client gets a loop over the topics it subscribed to, at a rate or as fast as it reads.

REST is that of the simulated market; nothing else of the market moves. Nothing is measured or printed here.
"""

import asyncio
import time
from collections.abc import Callable

from collector.simulator.bench.frames import Loop
from collector.simulator.bench.scripts import CYCLE, Script
from collector.simulator.economy.clock import Clock
from collector.simulator.economy.market import SimulatedMarket
from collector.simulator.economy.venues import BinanceMarket, BybitMarket
from collector.simulator.wire import Client, Subscriber

_CHUNK = 256
_SLOT_S = 0.005
_SETTLE_S = 0.05
_MOST_BEHIND_S = 1.0
_SEED = 1
_IDS_PER_MS = 5


class Bench:
    """The backend: both venues' loops."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._market = SimulatedMarket(_SEED, Clock())
        self._pumps: dict[Client, _Pump] = {}
        self.bybit = BybitBench(self._market, self._pumps)
        self.binance = BinanceBench(self._market, self._pumps)

    async def run(self) -> None:
        """Feed every client that is subscribed; never returns."""
        async with asyncio.TaskGroup() as tasks:
            running: dict[Client, asyncio.Task[None]] = {}
            while True:
                running = {client: task for client, task in running.items() if not task.done()}
                for client, pump in list(self._pumps.items()):
                    if client not in running:
                        running[client] = tasks.create_task(pump.run(self._share))
                await asyncio.sleep(_SETTLE_S)

    def _share(self, pump: "_Pump") -> float:
        """Messages per second for one client: its share of the rate, by the size of its loop. 0: no limit."""
        return self._rate * pump.weight / max(1, sum(it.weight for it in self._pumps.values()))


class _Pump:
    """What one client is sent: a loop, rebuilt when its topics change."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.scripts: dict[str, Script] = {}
        self.changed_at = 0.0
        self._loop: Loop | None = None
        self._built_at = -1.0
        self._passes = 0
        self._next = 0

    @property
    def weight(self) -> int:
        """Messages of one pass."""
        return sum(script.share for script in self.scripts.values())

    def change(self) -> None:
        """The topics have changed; the loop is rebuilt when no more changes come for a moment."""
        self.changed_at = time.monotonic()

    async def run(self, share: "Callable[[_Pump], float]") -> None:
        """Send until the client is gone or wants nothing."""
        began, sent = time.monotonic(), 0
        while self.client.is_open and self.scripts:
            if self._built_at < self.changed_at < time.monotonic() - _SETTLE_S:
                self._build()
                began, sent = time.monotonic(), 0
            if self._loop is None or not self._loop.count:
                await asyncio.sleep(_SLOT_S)
                continue
            rate = share(self)
            wanted = int((time.monotonic() - began) * rate) - sent if rate else _CHUNK
            if rate and wanted > rate * _MOST_BEHIND_S:
                began, sent = time.monotonic(), 0  # the client cannot follow: do not pile up what it missed
                continue
            sent += self._send(wanted)
            await self.client.drain()
            await asyncio.sleep(_SLOT_S if rate else 0)

    def _build(self) -> None:
        scripts = list(self.scripts.values())
        for script in scripts:
            script.advance(self._passes + 1)
        messages = [
            message for step in range(CYCLE) for it in scripts if (message := it.at(step)) is not None
        ]
        intro = Loop([message for script in scripts for message in script.intro()])
        if intro.count:
            self.client.send_frame(intro.chunk(0, intro.count, 0, _now_ms()))
        self._loop, self._passes, self._next = Loop(messages), 0, 0
        self._built_at = time.monotonic()

    def _send(self, wanted: int) -> int:
        """Send `wanted` messages; how many there were."""
        loop, left = self._loop, wanted
        while loop is not None and left > 0:
            last = min(loop.count, self._next + min(left, _CHUNK))
            self.client.send_frame(loop.chunk(self._next, last, self._passes, _now_ms()))
            left -= last - self._next
            self._next = last
            if last == loop.count:
                self._next, self._passes = 0, self._passes + 1
        self.client.flush()
        return wanted - left


class BybitBench(BybitMarket):
    """Bybit's side: what is subscribed goes into the client's loop."""

    def __init__(self, market: SimulatedMarket, pumps: dict[Client, _Pump]) -> None:
        super().__init__(market)
        self._pumps = pumps

    def subscribe(self, client: Subscriber, topic: str) -> None:
        _add(self, self._pumps, client, topic)

    def unsubscribe(self, client: Subscriber, topic: str) -> None:
        _drop(self._pumps, client, topic)


class BinanceBench(BinanceMarket):
    """Binance's side."""

    def __init__(self, market: SimulatedMarket, pumps: dict[Client, _Pump]) -> None:
        super().__init__(market)
        self._pumps = pumps

    def subscribe(self, client: Subscriber, topic: str) -> None:
        _add(self, self._pumps, client, topic)

    def unsubscribe(self, client: Subscriber, topic: str) -> None:
        _drop(self._pumps, client, topic)


def _add(
    venue: BybitMarket | BinanceMarket, pumps: dict[Client, _Pump], client: Subscriber, topic: str
) -> None:
    if not isinstance(client, Client):
        raise LookupError("the bench is for sockets only")
    instrument = venue.instrument(venue.symbol_of(topic))
    pump = pumps.setdefault(client, _Pump(client))
    first_id = _now_ms() * _IDS_PER_MS  # above the ids of an earlier run
    pump.scripts[topic] = Script(topic, instrument.listing, instrument.book.top.bid, first_id)
    pump.change()


def _drop(pumps: dict[Client, _Pump], client: Subscriber, topic: str) -> None:
    if isinstance(client, Client) and (pump := pumps.get(client)):
        pump.scripts.pop(topic, None)
        pump.change()
        if not pump.scripts:
            del pumps[client]


def _now_ms() -> int:
    return int(time.time() * 1000.0)
