"""Faults of the list: topics that are refused, and instruments that come, go, or change their tick."""

from dataclasses import replace

import msgspec

from collector.simulator.faults.fault import Fault, FaultRefused, Name, Step, TopicFault
from collector.simulator.wire import Client


class Reject(TopicFault):
    """A topic is refused, and with it the whole request that names it."""

    def on_subscribe(self, client: Client, topic: str) -> bool:
        if not self.meets(client, topic):
            return True
        self.note(topic, client.venue)
        return False


class Delist(Fault):
    """An instrument is gone: from the list, from REST, and its topics say nothing any more."""

    symbol: str = msgspec.field()

    async def begin(self) -> None:
        for feed in self.markets():
            self.listed(feed, self.symbol)
            feed.delist(self.symbol)


class Enlist(Fault):
    """A new instrument is traded; its price follows that of the coin it is `like`."""

    symbol: Name = msgspec.field()
    like: str = "XRPUSDT"
    tick: Step = "0.0001"
    lot: Step = "1"

    async def begin(self) -> None:
        for feed in self.markets():
            if self.symbol in feed.listings:
                raise FaultRefused(f"symbol: expected a new one, found {self.symbol!r}")
            self.listed(feed, self.like)
            feed.enlist(replace(feed.coin(self.like), symbol=self.symbol, tick=self.tick, lot=self.lot))


class FinerTick(Fault):
    """The tick size of an instrument becomes a tenth; Bybit's books begin anew with `u` 1."""

    symbol: str = msgspec.field()

    async def begin(self) -> None:
        for feed in self.markets():
            self.listed(feed, self.symbol)
            feed.refine_tick(self.symbol)
            self.notes[feed.venue] = feed.listings[self.symbol].tick
