"""What is remembered of paper trades, and what is told of them."""

from typing import Literal

import msgspec

from market.quotes import Side

Reason = Literal["opposite", "stop", "time"]


class Order(msgspec.Struct, frozen=True):
    """A signal that waits for the first quote after `placed_at`, and is not entered after `until`.

    Without a stop distance it only leaves what is held.
    """

    side: Side
    placed_at: int
    until: int
    stop_distance: float | None
    ends_at: int


class Position(msgspec.Struct, frozen=True):
    """What is held: bought, or sold short, at `entry_price`; left at `stop_price`, or when it `is_over`."""

    side: Side
    entry_time: int
    entry_price: float
    stop_price: float
    ends_at: int
    is_over: bool = False


class PaperState(msgspec.Struct, frozen=True):
    """All that is remembered of one rule on one series; what is stored to survive a restart."""

    rule: str
    interval: str
    last_open_time: int = -1
    order: Order | None = None
    position: Position | None = None


class PaperTrade(msgspec.Struct, frozen=True):
    """A position as it is told: first open, its exit None, then closed. Identity: rule, interval, entry_time.

    `gross_bps` is of the entry price and has the spread in it; `fee_bps` is the taker fee, paid twice.
    """

    rule: str
    interval: str
    side: Literal["long", "short"]
    entry_time: int
    entry_price: float
    fee_bps: float
    exit_time: int | None = None
    exit_price: float | None = None
    exit_reason: Reason | None = None
    gross_bps: float | None = None
    net_bps: float | None = None
