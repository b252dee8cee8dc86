"""What the simulated market itself is told to do: bursts, many trades at once, a clock that is wrong."""

import msgspec

from collector.simulator.faults.fault import Count, Factor, Fault, FaultRefused

_MOST_TRADES = 5_000
_MOST_SKEW_S = 600.0


class Burst(Fault):
    """The books move `factor` times as often."""

    factor: Factor = 20.0

    async def begin(self) -> None:
        if not 0 < self.factor <= 1000:
            raise FaultRefused(f"factor: expected more than 0 and at most 1000, found {self.factor}")
        self.exchange.market().set_pace(self.factor)

    def end(self) -> None:
        self.exchange.market().set_pace(1.0)


class Trades(Fault):
    """So many trades happen at once: on Bybit in one message, as far as 1,024 fit in."""

    symbol: str = msgspec.field()
    count: Count = 1_500

    async def begin(self) -> None:
        if not 0 < self.count <= _MOST_TRADES:
            raise FaultRefused(f"count: expected 1 to {_MOST_TRADES}, found {self.count}")
        for feed in self.markets():
            self.listed(feed, self.symbol).trade_at_once(self.count, feed.now())


class Skew(Fault):
    """The clock is wrong `by` seconds; set back, the market stands still until it has caught up."""

    by: float = 2.0

    async def begin(self) -> None:
        if not -_MOST_SKEW_S <= self.by <= _MOST_SKEW_S:
            raise FaultRefused(f"by: expected at most {_MOST_SKEW_S:.0f} seconds either way, found {self.by}")
        self.exchange.market().clock.shift(self.by * 1000.0)

    def end(self) -> None:
        self.exchange.market().clock.shift(-self.by * 1000.0)
