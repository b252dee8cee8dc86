"""The same coin on two venues, side by side. Pure: no store, no clock."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.view import OverviewRow
from market.decimals import places_of
from market.instruments import adapter_of, family_of

_Coin = tuple[str, str, str]
"""Family of venues, base, quote."""


class Pair(NamedTuple):
    """One coin as its Bybit and its Binance row have it; `a` is Bybit's."""

    a: OverviewRow
    b: OverviewRow

    @property
    def base(self) -> str | None:
        """The coin."""
        return self.a.base

    @property
    def quote(self) -> str | None:
        """What it is paid in."""
        return self.a.quote

    @property
    def mids(self) -> tuple[float | None, float | None]:
        """Mid of one unit of the base, not of the thousand that a symbol may name."""
        return _mid(self.a), _mid(self.b)

    @property
    def mid_places(self) -> tuple[int | None, int | None]:
        """Decimal places of these: half a tick, of one unit of the base; None while a tick is not known."""
        return _mid_places(self.a), _mid_places(self.b)

    @property
    def mid_diff_bps(self) -> float | None:
        """How much dearer the coin is at `a`, in bps of the mean of both mids."""
        mid_a, mid_b = self.mids
        if mid_a is None or mid_b is None:
            return None
        return 2e4 * (mid_a - mid_b) / (mid_a + mid_b)

    @property
    def funding_diff(self) -> float | None:
        """Funding rate of `a` minus that of `b`, as a fraction, each per its own funding period."""
        rate_a, rate_b = self.a.funding_rate, self.b.funding_rate
        return None if rate_a is None or rate_b is None else rate_a - rate_b

    @property
    def turnover_24h(self) -> float | None:
        """Of both together; None where either is missing."""
        a, b = self.a.turnover_24h, self.b.turnover_24h
        return None if a is None or b is None else a + b

    @property
    def is_live(self) -> bool:
        """Whether both books are whole."""
        return self.a.book_state == self.b.book_state == "live"

    @property
    def recv_time(self) -> int | None:
        """When the older of both came in: a difference is as old as its older side."""
        a, b = self.a.recv_time, self.b.recv_time
        return None if a is None or b is None else min(a, b)


def pairs_of(rows: Sequence[OverviewRow]) -> list[Pair]:
    """Every coin that both venues of a family have, in the order of Bybit's rows.

    Symbols of one name that are two coins have different bases (see `collector/pairs.py`). Of several
    symbols of one coin on one venue the most traded counts.
    """
    sides: dict[str, dict[_Coin, OverviewRow]] = {"bybit": {}, "binance": {}}
    for row, coin in _coins(rows):
        side = sides[adapter_of(row.venue)]
        if coin not in side or (row.turnover_24h or 0) > (side[coin].turnover_24h or 0):
            side[coin] = row
    others = sides["binance"]
    return [Pair(row, others[coin]) for coin, row in sides["bybit"].items() if coin in others]


def _coins(rows: Sequence[OverviewRow]) -> Iterator[tuple[OverviewRow, _Coin]]:
    for row in rows:
        if row.base and row.quote:
            yield row, (family_of(row.venue), row.base, row.quote)


def _mid(row: OverviewRow) -> float | None:
    return row.mid / row.multiplier if row.mid and row.multiplier else None


def _mid_places(row: OverviewRow) -> int | None:
    if not row.tick_size or not row.multiplier:
        return None
    return places_of(row.tick_size) + 1 + round(math.log10(row.multiplier))
