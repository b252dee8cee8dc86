"""The venues: bytes in, events out. One line of `VENUES` each.

An adapter is pure: no socket, clock, logger or store, so a recorded frame always gives the same events.
"""

from typing import NamedTuple

from collector.venues import binance, binance_rest, bybit, bybit_rest
from collector.venues.adapter import (
    Adapter,
    Decoded,
    Limits,
    Plan,
    Refusal,
    Request,
    RestAdapter,
    RestError,
    Topic,
)
from market.instruments import adapter_of

__all__ = [
    "VENUES",
    "Adapter",
    "Decoded",
    "Limits",
    "Plan",
    "Refusal",
    "Request",
    "RestAdapter",
    "RestError",
    "Topic",
    "Venue",
    "venue_for",
]


class Venue(NamedTuple):
    """Both halves of one venue's wire protocol."""

    stream: Adapter
    rest: RestAdapter


VENUES = {
    "bybit": Venue(bybit, bybit_rest),
    "binance": Venue(binance, binance_rest),
}


def venue_for(name: str) -> Venue:
    """The venue whose protocol `name` speaks, also for sim-bybit or binance-testnet."""
    return VENUES[adapter_of(name)]
