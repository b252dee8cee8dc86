"""Whether a book that was kept from a stream agrees with a snapshot of the venue's own.

The snapshot was taken between two updates of the stream, so each of its levels must be as it is in the book
before or after it. A level that is the same before and after, and another one in the snapshot, is a firm
difference: the book has drifted.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from market.events import BookSnapshot, Levels

LEVELS = 10
"""Levels a side that are compared."""


class Seen(NamedTuple):
    """The best levels of a book as they were after one update. ``order``: comparable with the snapshot's."""

    order: int
    bids: Levels
    asks: Levels


def order_of(snapshot: BookSnapshot) -> int:
    """The number that says where in the stream a snapshot lies: Bybit's `seq`, Binance's update id."""
    return snapshot.update_id if snapshot.sequence is None else snapshot.sequence


def differences(snapshot: BookSnapshot, seen: Sequence[Seen]) -> list[float] | None:
    """Prices of firm differences; None where the snapshot does not lie between two updates of `seen`.

    `seen` is in ascending order and should reach a little further in depth than `LEVELS`.
    """
    order = order_of(snapshot)
    before = next((s for s in reversed(seen) if s.order <= order), None)
    after = next((s for s in seen if s.order >= order), None)
    if before is None or after is None:
        return None
    bids = _firm(snapshot.bids[:LEVELS], before.bids, after.bids, is_bid=True)
    asks = _firm(snapshot.asks[:LEVELS], before.asks, after.asks, is_bid=False)
    return bids + asks


def _firm(told: Levels, before: Levels, after: Levels, *, is_bid: bool) -> list[float]:
    """Prices at which the book is the same before and after, and not what was told."""
    truth, first, second = dict(told), dict(before), dict(after)
    prices = [*truth, *(p for p in first if p not in truth and _is_inside(p, told, is_bid=is_bid))]
    reach = [_edge(before, is_bid=is_bid), _edge(after, is_bid=is_bid)]
    return [
        price
        for price in prices
        if first.get(price) == second.get(price) != truth.get(price)
        and all(price >= edge if is_bid else price <= edge for edge in reach)
    ]


def _is_inside(price: float, told: Levels, *, is_bid: bool) -> bool:
    """Whether the snapshot would show a level at `price` if there were one."""
    return bool(told) and (price >= told[-1][0] if is_bid else price <= told[-1][0])


def _edge(levels: Iterable[tuple[float, float]], *, is_bid: bool) -> float:
    """The last price that a view of a book tells about."""
    prices = [price for price, _ in levels]
    return (min if is_bid else max)(prices, default=0.0)
