"""Plays recordings: frames as they were recorded, to whoever is subscribed, at the recorded times.

The clock starts when all recorded topics that a collector can want are subscribed, on however many sockets,
or five seconds after the first subscription. After the last frame the player stays open and silent.
"""

import asyncio
import time
from collections.abc import Sequence

from collector.simulator.replay.recordings import Frame, Recording
from collector.simulator.replay.venues import BinancePlayer, BybitPlayer, PlayedVenue

_PATIENCE_S = 5.0
_BATCH = 500
_SHORTEST_SLEEP_S = 0.001
_ROOM = 4 * 2**20
"""Bytes that may wait for a client before the player waits too, so that no speed is too high to follow."""


class Player:
    """The backend that plays recordings, all from their own beginning."""

    def __init__(
        self, recordings: Sequence[Recording], speed: float, patience_s: float = _PATIENCE_S
    ) -> None:
        self._speed = speed
        self._patience_s = patience_s
        self._began: float | None = None
        self._ended_ms: float | None = None
        self._ready = asyncio.Event()
        self._patience: asyncio.TimerHandle | None = None
        self.bybit = BybitPlayer(self, [it for it in recordings if it.venue == "bybit"])
        self.binance = BinancePlayer(self, [it for it in recordings if it.venue == "binance"])
        sides: dict[str, PlayedVenue] = {"bybit": self.bybit, "binance": self.binance}
        self._timeline: list[tuple[float, Frame, PlayedVenue]] = sorted(
            ((frame.at_ms, frame, sides[it.venue]) for it in recordings for frame in it.frames),
            key=lambda entry: entry[0],
        )

    @property
    def elapsed_ms(self) -> float:
        """Recorded time since the start; 0 before it.

        It never passes a last frame that was not played yet; from then on it runs like any clock.
        """
        if self._began is None:
            return 0.0
        last_ms = self._timeline[-1][0] if self._timeline else 0.0
        passed = (time.monotonic() - self._began) * 1000.0
        if self._ended_ms is None:
            return min(passed * self._speed, last_ms)
        return last_ms + passed - self._ended_ms

    def note_subscription(self) -> None:
        """Somebody has subscribed: perhaps everything wanted is there now."""
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(self._patience_s, self._ready.set)
        if not self.bybit.wanted and not self.binance.wanted:
            self._ready.set()

    async def run(self) -> None:
        """Play once, then stay; never returns."""
        await self._ready.wait()
        self._began = time.monotonic()
        for count, (at_ms, frame, venue) in enumerate(self._timeline, start=1):
            if at_ms > (now := self.elapsed_ms):
                await asyncio.sleep(max(_SHORTEST_SLEEP_S, (at_ms - now) / 1000.0 / self._speed))
            if count % _BATCH == 0:
                await self._make_room()
            venue.play(frame)
        self._ended_ms = (time.monotonic() - self._began) * 1000.0
        self.bybit.end()
        self.binance.end()
        await asyncio.Event().wait()

    async def _make_room(self) -> None:
        """Let the sockets work, and wait for clients that are behind."""
        await asyncio.sleep(0)
        while self.bybit.backlog > _ROOM or self.binance.backlog > _ROOM:
            await asyncio.sleep(_SHORTEST_SLEEP_S)
