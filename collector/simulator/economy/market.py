"""The simulated market of both venues: instruments come alive when somebody first asks for them."""

import asyncio
from heapq import heapify, heappop, heappush
from random import Random

from collector.simulator.economy.clock import Clock
from collector.simulator.economy.coins import coins
from collector.simulator.economy.instrument import Instrument
from collector.simulator.economy.path import Path
from collector.simulator.economy.venues import BinanceMarket, BybitMarket

_LONGEST_SLEEP_S = 0.1
_BREATH_S = 0.004
"""Visits that fall due within one breath are made together."""


class SimulatedMarket:
    """Both venues. It draws its books and trades at random, but prices follow one path in time."""

    def __init__(self, seed: int, clock: Clock, pace: float = 1.0) -> None:
        """`pace`: how often the books move, as a multiple of the usual."""
        self.clock = clock
        self.path = Path(coins(), seed)
        self.random = Random(f"{seed}/{int(clock.now())}")
        self.pace = pace
        self._usual_pace = pace
        self._visits: list[tuple[float, int, Instrument]] = []
        self._count = 0
        self.bybit = BybitMarket(self)
        self.binance = BinanceMarket(self)

    def add(self, instrument: Instrument) -> None:
        """A new instrument, from now on visited whenever it is due."""
        instrument.pace = self.pace
        self._count += 1
        heappush(self._visits, (self.clock.now(), self._count, instrument))

    def remove(self, instrument: Instrument) -> None:
        """Visit an instrument no more."""
        self._visits = [visit for visit in self._visits if visit[2] is not instrument]
        heapify(self._visits)

    def set_pace(self, factor: float) -> None:
        """Let all books move `factor` times as often as usual."""
        self.pace = self._usual_pace * factor
        for _, _, instrument in self._visits:
            instrument.pace = self.pace
        self._visits = [(self.clock.now(), count, instrument) for _, count, instrument in self._visits]
        heapify(self._visits)

    def jump(self) -> float:
        """Let a clock that was behind show the present; the seconds that were left out.

        Trades happened in them and candles closed, but nothing was sent.
        """
        skipped = self.clock.catch_up() / 1000.0
        now = self.clock.now()
        for _, _, instrument in self._visits:
            instrument.skip_to(now)
        self._visits = [(now, count, instrument) for _, count, instrument in self._visits]
        heapify(self._visits)
        return skipped

    def visit_due(self) -> float:
        """Visit every instrument whose time has come; when the next one's comes."""
        now = self.clock.now()
        while self._visits and self._visits[0][0] <= now:
            _, count, instrument = heappop(self._visits)
            heappush(self._visits, (max(instrument.visit(now), now + 1.0), count, instrument))
        return self._visits[0][0] if self._visits else now + 1000.0

    async def run(self) -> None:
        """Keep the market moving; never returns."""
        while True:
            pause = min(_LONGEST_SLEEP_S, self.clock.seconds_until(self.visit_due()))
            await asyncio.sleep(max(_BREATH_S, pause))
