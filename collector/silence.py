"""When the silence of a whole connection means that it is dead, and not that all of its markets rest."""

from collections.abc import Iterable

from collector.watchdog import CAREFUL, Clock

SILENT_S = 4.2
"""Silence of a whole connection that is noticed, unless it is often silent for so long."""
FIRST_SILENT_S = 3.5
"""The same on a socket on which nothing came yet; where nothing is known of its topics, twice as long on
each that follows such a one."""
MOST_SILENT_S = 60.0
"""The longest silence that is let pass where all markets of a connection may rest."""
HEARD = 20
"""Data on a socket after which it is known what is usual on it."""


class Silence:
    """How long one connection has been silent, and how long it may be. Times are monotonic seconds."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.reason = ""
        """Why the socket at hand was given up as silent; "" while it is not."""
        self._heard = 0
        self._mute_sockets = 0

    def begin(self, now: float) -> None:
        """A new socket."""
        self.reason, self._heard = "", 0
        self.clock.ask(now)

    def hear(self, now: float) -> None:
        """A datum came."""
        self.clock.hear(now)
        self._heard, self._mute_sockets = self._heard + 1, 0

    def end(self) -> None:
        """The socket is gone."""
        self._mute_sockets += bool(self.reason) and self.clock.is_silent
        self.clock.close()

    def is_too_long(self, clocks: Iterable[Clock], now: float) -> bool:
        """Whether the socket is to be given up. `clocks`: those of its topics."""
        self.clock.learn(now)
        return self.clock.age(now) > self._patience_s(clocks)

    def _patience_s(self, clocks: Iterable[Clock]) -> float:
        if self.clock.is_silent:
            is_brisk = any(0 < CAREFUL * clock.longest <= SILENT_S for clock in clocks)
            doublings = 0 if is_brisk else min(self._mute_sockets, 4)
            return min(MOST_SILENT_S, FIRST_SILENT_S * float(2**doublings))
        if self._heard < HEARD:
            return MOST_SILENT_S
        return min(MOST_SILENT_S, max(SILENT_S, CAREFUL * self.clock.longest))
