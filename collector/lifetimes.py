"""How long an instrument's keys live: 120 s after the last sign that their feed lives."""

from collections.abc import Iterable

from db.hot import keys
from db.hot.writer import HotWriter

REFRESH_EVERY_S = 15.0
ALIVE_S = 30.0
"""A feed with data within this time is proven alive: unchanged keys are kept from expiring."""
LEAST_TTL_S = 30
"""`market:` belongs to several workers: one whose feed is silent leaves the others time to keep it."""


class Lifetimes:
    """Has keys expire, each about once in 15 s. Times are monotonic seconds."""

    def __init__(self, writer: HotWriter) -> None:
        self._writer = writer
        self._refreshed: dict[str, float] = {}
        """When each key was last kept from expiring."""
        self._signs: dict[str, float] = {}
        """By venue: our last sign of its feed; before the first, since when that is waited for."""
        self._ttl_s = keys.INSTRUMENT_TTL_S

    def begin(self, venue: str, last_data_at: float, now: float) -> bool:
        """Take the keys of this feed next; False if it was silent for so long that it has none."""
        sign = self._signs[venue] = max(last_data_at, self._signs.get(venue, now))
        left_s = keys.INSTRUMENT_TTL_S - max(0, int(now - sign))
        self._ttl_s = max(left_s, LEAST_TTL_S)
        return left_s > 0

    def keep(self, key: str, now: float) -> None:
        """Let a key live on that was written."""
        if now - self._refreshed.get(key, -REFRESH_EVERY_S) >= REFRESH_EVERY_S:
            self._refreshed[key] = now
            self._writer.expire(key, self._ttl_s)

    def refresh(self, names: Iterable[str], now: float) -> None:
        """Let those of these keys that are there live on, changed or not."""
        for name in names:
            if name in self._refreshed:
                self.keep(name, now)

    def lack_indicators(self, venue: str, symbol: str, intervals: Iterable[str]) -> bool:
        """Whether one of these is not there yet: those of a start wait for no slow round."""
        return any(keys.indicator(venue, symbol, interval) not in self._refreshed for interval in intervals)

    def take(self, key: str) -> None:
        """Know a key that is there."""
        self._refreshed.setdefault(key, float("-inf"))

    def drop(self, key: str) -> None:
        """A key is another worker's."""
        self._refreshed.pop(key, None)

    def forget(self) -> None:
        """Nothing is known of what is there."""
        self._refreshed.clear()
