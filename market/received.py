"""Which trades have come, and over what stretches of the venue's time none can be missing.

A stretch is [start, until): from one moment on every trade is known, up to the time of the newest one. The
newest trade's own millisecond is left out: more trades of it may follow.
"""

from collections.abc import Sequence
from typing import Protocol

from market.events import Trade


class Received(Protocol):
    """What has come of one instrument's trades."""

    live_since: int | None
    """Since when (venue time) trades are followed without a break; None until the first one after it."""

    def misses_before(self, trade: Trade) -> bool:
        """Whether this trade of the stream shows that others were lost between the last one and itself."""

    def take(self, trade: Trade) -> int:
        """A trade of the stream: its rank among trades of the same ms, or -1 if it is known already."""

    def take_old(self, trade: Trade) -> int:
        """The same for a trade that was asked for."""

    def cover(self, trades: Sequence[Trade], start: int, until: int) -> None:
        """These, all taken and in order, are every trade of [start, until) that was not known before."""

    def interrupt(self) -> None:
        """From the newest trade on, some may be lost, until the next one."""

    def covers(self, start: int, until: int) -> bool:
        """Whether every trade of [start, until) is known."""

    def forget(self, before: int) -> None:
        """Trades before this venue time do not matter any more. Called once a minute at most."""
