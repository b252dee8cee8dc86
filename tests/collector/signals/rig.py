"""One venue's signals over a database in memory, turned by hand."""

from collections.abc import Mapping, Sequence

import msgspec

from collector.signals.venue import VenueSignals
from collector.venues import Decoded
from db.errors import StoreUnavailable
from db.rows import SignalRow
from market.events import BookDelta, BookSnapshot, Kline
from market.indicators import Past
from market.indicators.day import Minutes
from tests.collector.fakes import Bench
from tests.collector.signals.told import ONE, Told
from tests.market.walks import minutes_of, past_of, walk

MINUTE = 60_000
HISTORY = walk(1, 400)


class Memory(Told):
    """A database: stored candles, and what a run told. With `broken` it does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = False
        self.history = HISTORY
        self.day: list[Kline] = []
        self.owed: list[int] = []
        self.asked = 0

    def past(
        self, _venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> Mapping[tuple[str, str], Past]:
        self._check()
        return {
            (symbol, interval): past_of(self.history[-most:]) for symbol in symbols for interval in intervals
        }

    def newest_klines(self, _venue: str, _symbols: Sequence[str], per_series: int) -> list[Kline]:
        self._check()
        return self.history[-per_series:]

    def owed_closes(
        self, _venue: str, symbols: Sequence[str], _intervals: Sequence[str], _most: int
    ) -> Mapping[tuple[str, str], Sequence[int]]:
        self._check()
        found = {(symbol, "1m"): self.owed for symbol in symbols}
        return found if self.owed else {}

    def minutes(self, _venue: str, symbols: Sequence[str], since: int) -> Mapping[str, Minutes]:
        self._check()
        return {symbol: minutes_of([k for k in self.day if k.open_time >= since]) for symbol in symbols}

    def paper_states(self, venue: str) -> list[tuple[str, int, dict[str, object]]]:
        self._check()
        return super().paper_states(venue)

    def recent_signals(self, venue: str, since: int) -> list[tuple[SignalRow, set[int]]]:
        self._check()
        return super().recent_signals(venue, since)

    def _check(self) -> None:
        self.asked += 1
        if self.broken:
            raise StoreUnavailable("Postgres: gone")


class Rig:
    """A pipeline whose closed candles go to a venue's signals, turned by hand."""

    def __init__(self) -> None:
        self.bench = Bench("bybit", "ETHUSDT")
        self.told, self.memory = Told(), Memory()
        self.signals = VenueSignals(self.bench.pipeline, ONE, self.told, self.memory)
        self.bench.on_closed = self.signals.on_closed  # type: ignore[method-assign]  # as the assembly has it
        self.now = 100.0

    def turn(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self.now += 0.2
            self.signals.turn(self.now)

    def candle(self, one: Kline) -> None:
        at = one.open_time + (MINUTE if one.is_closed else 1)
        told = msgspec.structs.replace(one, event_time=at, recv_time=at)
        self.bench.pipeline._take(Decoded("", [told]), at)

    def book(
        self, update_id: int, time: int, bid: float = 200.0, *, is_first: bool = False, received: int = 0
    ) -> None:
        made = BookSnapshot if is_first else BookDelta
        levels = ([(bid - n, 9.0) for n in range(10)], [(bid + 1 + n, 1.0) for n in range(10)])
        event = made("ETHUSDT", *levels, update_id, time, received or time)
        self.bench.pipeline._take(Decoded("", [event]), event.recv_time)
