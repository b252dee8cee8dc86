"""What a book says, None wherever a side that is needed is missing; and what a trade made."""

from collections.abc import Sequence
from typing import NamedTuple

from market.decimals import clean
from market.events import Levels
from market.ticks import Best

PLACES = 8
"""Decimals to which spreads and imbalances are told, in Redis, in SQL and in the API."""


def mid(bid_price: float | None, ask_price: float | None) -> float | None:
    """(bid + ask) / 2 in quote currency; never one side in place of both.

    As a person would write it: 328.43, not the 328.42999999999995 of the sum.
    """
    return None if bid_price is None or ask_price is None else clean((bid_price + ask_price) / 2)


def spread_bps(bid_price: float | None, ask_price: float | None) -> float | None:
    """1e4 × (ask - bid) / mid."""
    if bid_price is None or ask_price is None or not (middle := (bid_price + ask_price) / 2):
        return None
    return 1e4 * (ask_price - bid_price) / middle


def imbalance(bid_size: float | None, ask_size: float | None) -> float | None:
    """(bid - ask) / (bid + ask) of two sizes, in [-1, 1]; over how many levels, the caller says."""
    if bid_size is None or ask_size is None or bid_size + ask_size <= 0:
        return None
    return (bid_size - ask_size) / (bid_size + ask_size)


def depth_imbalance(
    bids: Sequence[tuple[float, float]], asks: Sequence[tuple[float, float]], levels: int
) -> float | None:
    """`imbalance` of the summed sizes of the best `levels` levels a side; None if a side is empty."""
    if not bids or not asks:
        return None
    return imbalance(sum(size for _, size in bids[:levels]), sum(size for _, size in asks[:levels]))


def microprice(
    bid: tuple[float, float] | None,
    ask: tuple[float, float] | None,
) -> float | None:
    """(bid × ask_size + ask × bid_size) / (bid_size + ask_size): the mid, weighted by the opposite size."""
    if bid is None or ask is None or bid[1] + ask[1] <= 0:
        return None
    return (bid[0] * ask[1] + ask[0] * bid[1]) / (bid[1] + ask[1])


class Depth(NamedTuple):
    """What rests within a distance of mid, in quote currency.

    ``is_whole``: the levels reach that far on both sides; else there is at least this much.
    """

    bids: float
    asks: float
    is_whole: bool


def depth_within(bids: Levels, asks: Levels, bps: float) -> Depth | None:
    """Σ price × size of the levels at most `bps` from mid; levels best first. None if a side is empty."""
    if not bids or not asks:
        return None
    middle = (bids[0][0] + asks[0][0]) / 2
    floor, ceiling = middle * (1 - bps / 1e4), middle * (1 + bps / 1e4)
    return Depth(
        sum(price * size for price, size in bids if price >= floor),
        sum(price * size for price, size in asks if price <= ceiling),
        bids[-1][0] < floor and asks[-1][0] > ceiling,
    )


def order_flow(before: Best, after: Best) -> float:
    """What one change of the best levels adds to order-flow imbalance, in base: pressure up less down.

    A bid that rises or grows adds, one that falls or shrinks takes away; an ask the other way round. A side
    that is missing before or after says nothing. Source: docs/signals.md.
    """
    bid_before, bid_size_before, ask_before, ask_size_before = before
    bid, bid_size, ask, ask_size = after
    flow = 0.0
    if bid is not None and bid_before is not None:
        flow += (bid_size or 0.0) * (bid >= bid_before) - (bid_size_before or 0.0) * (bid <= bid_before)
    if ask is not None and ask_before is not None:
        flow -= (ask_size or 0.0) * (ask <= ask_before) - (ask_size_before or 0.0) * (ask >= ask_before)
    return flow


def return_bps(side: str, entry_price: float, exit_price: float) -> float:
    """What a trade that began with this side (`buy` or `sell`) made in basis points of its entry price.

    Before fees.
    """
    change = 1e4 * (exit_price / entry_price - 1)
    return change if side == "buy" else -change
