"""Faults of candles: closes that come late or never, and candles that are corrected afterwards."""

import msgspec

from collector.simulator.faults.fault import (
    Fault,
    FaultRefused,
    Seconds,
    TopicFault,
    event_of,
    frame_of,
    message_of,
)
from collector.simulator.wire import Client
from market.intervals import MINUTE_MS


class LateClose(TopicFault):
    """The word that a candle is closed comes `delay` seconds late; without `delay`, never."""

    topics: str = "kline.*,*@kline_*"
    delay: Seconds | None = None

    def change(self, client: Client, topic: str, frame: bytes) -> list[bytes] | None:
        message = message_of(frame)
        rest: list[bytes] = []
        if "k" in (event := event_of(message)):
            if not event["k"].get("x"):
                return None
            late = frame
        else:
            rows = message["data"]
            closed = [row for row in rows if row.get("confirm")]
            if not closed:
                return None
            late = frame_of(message | {"data": closed})
            running = [row for row in rows if not row.get("confirm")]
            rest = [frame_of(message | {"data": running})] if running else []
        if self.delay is not None:
            self.exchange.call_later(self.delay, lambda: client.queue(late))
        return rest


class Revise(Fault):
    """A closed 1m candle is corrected after the fact, and every longer one that holds it; only REST tells.

    The high rises by `ticks`, the volume by `lots`. Without `open_time` it is the newest closed one.
    """

    symbol: str = msgspec.field()
    ticks: int = 5
    lots: int = 100
    open_time: int | None = None

    async def begin(self) -> None:
        for feed in self.markets():
            candles = self.listed(feed, self.symbol).candles
            open_time = candles.minute - MINUTE_MS if self.open_time is None else self.open_time
            if not candles.revise(open_time, self.ticks, self.lots):
                raise FaultRefused(f"open_time: expected that of a closed 1m candle, found {open_time}")
            self.notes[feed.venue] = open_time
