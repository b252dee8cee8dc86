"""A venue whose list changes, and who hears of it."""

import threading
from collections.abc import Iterable, Sequence

from collector.universe import REFRESH_S, Outlets, Universe
from market.instruments import Instrument, parse_symbol

HOUR = REFRESH_S * 1.2


def listed(symbol: str, *, status: str = "Trading", tick_size: float = 0.1) -> Instrument:
    return Instrument("bybit", symbol, *parse_symbol(symbol), tick_size, 0.001, status)


class FakeRest:
    """A venue's list; `error` is raised instead of an answer."""

    def __init__(self, *symbols: str) -> None:
        self.listing = {symbol: listed(symbol) for symbol in symbols}
        self.turnovers: dict[str, float] = {}
        self.error: Exception | None = None
        self.asked: list[str] = []

    def ask_clock(self, *, timeout_s: tuple[float, float] = (0, 0)) -> None:  # noqa: ARG002  as in Backfill
        self._ask("clock")

    def instruments(self, *, timeout_s: tuple[float, float] = (0, 0)) -> list[Instrument]:  # noqa: ARG002
        self._ask("instruments")
        return list(self.listing.values())

    def turnover(self) -> dict[str, float]:
        self._ask("turnover")
        return self.turnovers

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error


class World:
    """A universe and everything around it."""

    def __init__(self, *wanted: str, rest: FakeRest | None = None) -> None:
        self.rest = rest
        self.known: dict[str, Instrument] = {}
        self.republished: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.saved: dict[str, Instrument] = {}
        self.new: list[str] = []
        self.gone: list[str] = []
        self.erased: list[str] = []
        outlets = Outlets(
            lambda _venue, event, detail: self.said.append((event, detail)),
            self._save,
            self.new.extend,
            self.gone.extend,
            self.erased.extend,
        )
        self.universe = Universe("bybit", wanted, rest, self, outlets)

    def start(self) -> list[str]:
        """The symbols of the start."""
        found = self.universe.first(threading.Event())
        self.known = {i.symbol: i for i in found}
        self.universe.keep(0.0)
        return list(self.known)

    def follow(self, instruments: Iterable[Instrument]) -> None:
        for instrument in instruments:
            self.known[instrument.symbol] = instrument
            self.republished.append(instrument.symbol)

    def unfollow(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            del self.known[symbol]

    def _save(self, instruments: Sequence[Instrument]) -> None:
        self.saved |= {i.symbol: i for i in instruments}
