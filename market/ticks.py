"""Which changes of best price and size become ticks: all, or the last of each bucket of venue time."""

from typing import NamedTuple

from market.book_rules import counts_anew

Best = tuple[float | None, float | None, float | None, float | None]
"""Best bid price and size, best ask price and size; None where a side is empty."""
NEVER = float("inf")


class Tick(NamedTuple):
    """One change of best price or size."""

    best: Best
    update_id: int
    event_time: int
    recv_time: int


class Sampler:
    """Turns the changes of one instrument into the ticks that are kept.

    With `interval_ms` 0 every change is kept. Otherwise a bucket is floor(event_time / interval_ms), and its
    last change is kept when a later bucket begins, or once two intervals have passed on our own clock. What
    still comes for a bucket after that waits for the next one, or a slow venue would make a row of each.
    """

    __slots__ = ("_best", "_bucket", "_event_time", "_held", "_held_since", "_interval_ms", "_update_id")

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._best: Best | None = None
        self._update_id = self._event_time = -1
        self._bucket = -1
        self._held: Tick | None = None
        self._held_since = 0.0

    def see(self, tick: Tick, now: float) -> Tick | None:
        """Take the newest state; returns a tick to keep, if this made one. `now`: monotonic seconds."""
        self._update_id, self._event_time = tick.update_id, tick.event_time
        if tick.best == self._best:
            return None
        self._best = tick.best
        if not self._interval_ms:
            return tick
        bucket = max(self._bucket, tick.event_time // self._interval_ms)  # time may step back by a little
        held, self._held = self._held, tick
        if bucket > self._bucket:
            self._bucket, self._held_since = bucket, now
            return held
        if held is None:
            self._held_since = NEVER
        return None

    def is_old(self, update_id: int, event_time: int) -> bool:
        """Whether an update is not newer than the last one seen."""
        return update_id <= self._update_id and not counts_anew(event_time, self._event_time)

    def begins_anew(self, update_id: int) -> bool:
        """Whether an id is not above the last one: unless the update is old, the venue counts anew."""
        return update_id <= self._update_id

    @property
    def has_seen(self) -> bool:
        """Whether anything came yet."""
        return self._best is not None

    def forget_sequence(self) -> None:
        """A new connection: the venue may count anew. What the best was is still known."""
        self._update_id = -1

    def overdue(self, now: float) -> Tick | None:
        """The held change, once two intervals have passed without a later bucket."""
        if self._held is None or now - self._held_since < 2 * self._interval_ms / 1000:
            return None
        return self.flush()

    def flush(self) -> Tick | None:
        """The held change, whose bucket is still open."""
        held, self._held = self._held, None
        return held
