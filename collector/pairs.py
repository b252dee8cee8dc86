"""Whether symbols that name the same coin on two venues are the same coin: their prices tell.

A pair is judged anew at each check, and only three checks in a row that say the same change what is believed
of it. No clock and no store.
"""

import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from market.instruments import are_one_coin, family_of, parse_symbol

CHECKS = 3
"""Checks in a row that must say the same."""

Name = tuple[str, str]
"""Venue and symbol."""


class Verdict(NamedTuple):
    """A symbol that is to be taken for another coin than its name says, or no longer so; with the reason."""

    venue: str
    symbol: str
    is_apart: bool
    reason: str


class Pairs:
    """The pairs of all venues, live with live, simulated with simulated."""

    def __init__(self) -> None:
        self._apart: set[tuple[Name, Name]] = set()
        self._contrary: Counter[tuple[Name, Name]] = Counter()

    def check(self, prices: Mapping[str, Mapping[str, float]]) -> list[Verdict]:
        """`prices`: of each venue's symbols that have a fresh one. Returns what changed."""
        coins: dict[tuple[str, str, str], list[tuple[Name, float]]] = defaultdict(list)
        for venue, of_venue in prices.items():
            for symbol, price in of_venue.items():
                base, quote, _ = parse_symbol(symbol)
                if price > 0:
                    coins[family_of(venue), base, quote].append(((venue, symbol), price))
        before = self._symbols_apart()
        reasons: dict[Name, str] = {}
        for found in coins.values():
            for (a, price_a), (b, price_b) in itertools.combinations(sorted(found), 2):
                if a[0] != b[0]:
                    reason = f"{a[0]}:{a[1]} at {price_a:g}, {b[0]}:{b[1]} at {price_b:g}"
                    reasons[a] = reasons[b] = reason
                    self._judge((a, b), are_one_coin(a[1], price_a, b[1], price_b))
        after = self._symbols_apart()
        return [Verdict(*name, name in after, reasons[name]) for name in sorted(before ^ after)]

    def _judge(self, pair: tuple[Name, Name], is_one: bool) -> None:
        if is_one != (pair in self._apart):
            del self._contrary[pair]
            return
        self._contrary[pair] += 1
        if self._contrary[pair] >= CHECKS:
            del self._contrary[pair]
            self._apart ^= {pair}

    def _symbols_apart(self) -> set[Name]:
        return {name for pair in self._apart for name in pair}
