"""Every signal priced again some time later, at prices one could have had; what is missing stays missing."""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import NamedTuple

from market.intervals import HORIZONS_S
from market.measures import return_bps
from market.quotes import GRACE_MS, Quote, quote_around
from market.signals.model import Signal


class Outcome(NamedTuple):
    """A signal, `horizon_s` after it fired: the price at which one could have left, and what that made.

    `return_bps` has the spread in it, `net_bps` the taker fee of both ways as well.
    """

    signal: Signal
    horizon_s: int
    price_at: float
    return_bps: float
    net_bps: float


def outcome(signal: Signal, horizon_s: int, quote: Quote | None, taker_bps: float) -> Outcome | None:
    """A signal priced at the quote of its horizon; None without that quote, or if it fired without a book."""
    if quote is None or signal.spread_bps is None:
        return None
    entry = quote_around(signal.price, signal.spread_bps, signal.ts)
    price_at = quote.closes_at(signal.side)
    made = return_bps(signal.side, entry.opens_at(signal.side), price_at)
    return Outcome(signal, horizon_s, price_at, made, made - 2 * taker_bps)


class OutcomeTracker:
    """Waits, for one instrument, until each signal's horizons are there, and prices them at the first quote.

    To go on after a restart, add the signals of the last hour again; the store's key makes repeats harmless,
    and `done` leaves out horizons that are known.
    """

    def __init__(self, taker_bps: float) -> None:
        self._taker_bps = taker_bps
        self._due: list[tuple[int, int, int, Signal]] = []
        self._added = 0

    def add(self, signal: Signal, done: Iterable[int] = ()) -> None:
        """Take a signal of this instrument."""
        for horizon_s in set(HORIZONS_S) - set(done):
            self._added += 1
            heappush(self._due, (signal.ts + horizon_s * 1000, self._added, horizon_s, signal))

    def on_quote(self, quote: Quote) -> list[Outcome]:
        """Take a quote; the outcomes that it prices. One that came too late for it is given up."""
        found = []
        while self._due and self._due[0][0] <= quote.time:
            due, _, horizon_s, signal = heappop(self._due)
            if quote.time - due <= GRACE_MS:
                priced = outcome(signal, horizon_s, quote, self._taker_bps)
                found += [priced] if priced else []
        return found
