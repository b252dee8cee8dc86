"""When a topic's silence means that it is dead, and not that its market is quiet.

A topic is judged by evidence first: a trade changes the book, so trades that go on while a book stands still
show that the book's stream is dead, at however quiet a market. A ticker moves with the mark price, whether
there is trade or not: while it speaks and nothing else does, the market rests. Where neither tells, it counts
how long the topic usually is silent. All times are monotonic seconds, given by the caller.
"""

import math
from typing import NamedTuple

BASE_S = {"book": 4.2, "top": 4.2, "ticker": 4.2, "trade": 12.0, "kline": 90.0}
"""Silence that is noticed where evidence speaks, or a topic is usually never silent for nearly as long."""
PATIENCE_S = {"book": 60.0, "top": 60.0, "ticker": 60.0, "trade": 300.0, "kline": 180.0}
"""Silence after which even a topic that nothing speaks against is asked for again."""
FIRST_PATIENCE_S = {"book": 20.0, "top": 20.0, "ticker": 20.0, "trade": 60.0, "kline": 75.0}
"""The same for a topic that has said nothing since it was asked for."""
EVIDENCE_LAG_S = {"book": 2.0, "top": 2.0, "ticker": 3.0, "trade": 5.0, "kline": 65.0}
"""How much later than a topic its sister must have moved to be evidence against it."""
CAREFUL = 4.0
"""A silence this many times as long as the longest of late is no chance any more."""
KNOWN_S = 60.0
"""What a topic usually does is known only when it was heard for so long."""
LEARN_S = 300.0
"""The longest silence of the last one to two such periods counts."""


class Clock:
    """When a topic (or all of a connection) last spoke, and how long it is usually silent.

    ``good_time`` is the venue's time of its last good datum, epoch ms, 0 before the first; ``first_time``
    the same of the first one since it was asked for, which came at ``good_since``.
    """

    __slots__ = (
        "_first_at", "_learned_at", "_longest", "_longest_before", "asked_at", "first_time", "good_since",
        "good_time", "is_good", "is_lost", "last_at",
    )  # fmt: skip

    def __init__(self) -> None:
        self.last_at = math.nan
        """NaN while nothing was heard since the topic was asked for."""
        self.asked_at = math.nan
        """NaN while it is not asked for at all."""
        self.good_time = self.first_time = 0
        self.is_good = False
        """Whether anything that could be used was heard since it was asked for."""
        self.good_since = math.nan
        self.is_lost = False
        """Whether the ledger holds a gap of it that is still open."""
        self._longest = self._longest_before = 0.0
        self._first_at = self._learned_at = math.nan

    def ask(self, now: float) -> None:
        """The topic was asked for: what is heard before belongs to an earlier life."""
        self.asked_at = now
        self.last_at = math.nan
        self.is_good = False

    def hear(self, now: float, *, is_good: bool = True) -> None:
        """A datum came, and could be used."""
        if is_good and not self.is_good:
            self.is_good, self.good_since = True, now
        silence = now - self.last_at
        if silence > self._longest:  # not so for NaN: the wait for a first datum is no silence
            self._longest = silence
        self.last_at = now

    def close(self) -> None:
        """The connection is gone."""
        self.asked_at = self.last_at = math.nan
        self.is_good = False

    def forgive(self, pause_s: float, now: float) -> None:
        """We did not listen for so long ourselves: that silence is not the venue's."""
        if self._longest >= pause_s:
            self._longest = 0.0
        if not math.isnan(self.asked_at):
            self.asked_at = max(self.asked_at, now)
        if not math.isnan(self.last_at):
            self.last_at = max(self.last_at, now)

    def learn(self, now: float) -> None:
        """Note since when it is heard, and forget silences that are long ago; to be called now and then."""
        if math.isnan(self._first_at):
            self._first_at = self.last_at
        if math.isnan(self._learned_at):
            self._learned_at = now
        elif now - self._learned_at >= LEARN_S:
            self._learned_at = now
            self._longest_before, self._longest = self._longest, 0.0

    @property
    def is_silent(self) -> bool:
        """Whether nothing was heard since the topic was asked for."""
        return math.isnan(self.last_at)

    @property
    def longest(self) -> float:
        """The longest silence of late, 0 where none is known."""
        return max(self._longest, self._longest_before)

    @property
    def is_known(self) -> bool:
        """Whether it was heard for long enough to tell what is usual; a NaN is never."""
        return self.last_at - self._first_at >= KNOWN_S

    def is_usual(self, now: float, base: float) -> bool:
        """Whether it speaks about as often as it does usually."""
        return not self.is_silent and now - self.last_at <= max(base, CAREFUL * self.longest)

    def age(self, now: float) -> float:
        """Seconds since the last datum, or since it was asked for; 0 while it is not."""
        since = self.asked_at if math.isnan(self.last_at) else self.last_at
        return 0.0 if math.isnan(since) else now - since


class Verdict(NamedTuple):
    """A topic that has been silent for too long. ``is_sure``: the market moved on without it."""

    age_s: float
    is_sure: bool
    why: str


def has_moved_on(clock: Clock, channel: str, now: float, moved_at: float) -> bool:
    """Whether its market moved without a topic. `moved_at` as in `judge`."""
    return moved_at > now - clock.age(now) + EVIDENCE_LAG_S[channel]


def judge(
    clock: Clock,
    channel: str,
    now: float,
    *,
    moved_at: float,
    rests: bool,
    greets: bool,
    rests_together: bool = False,
) -> Verdict | None:
    """Whether a topic is dead.

    `moved_at`: when a sister stream last showed that this one should have spoken, -inf for never. `rests`:
    the instrument's ticker speaks, so that silence may be the market's. `greets`: the topic begins with a
    full state, so that even its first silence tells, and without which the rest of it is of no use.
    `rests_together`: all of the instrument is silent, and one that greets shows whether that is the market's.
    """
    age, base = clock.age(now), BASE_S[channel]
    if greets and not clock.is_silent and not clock.is_good and now - clock.asked_at > base:
        return Verdict(now - clock.asked_at, True, "comes without the state that it builds on")
    if age <= base:
        return None
    if has_moved_on(clock, channel, now, moved_at):
        return Verdict(age, True, f"silent for {age:.1f} s while its market moves")
    if clock.is_silent:
        if greets:
            return Verdict(age, True, f"asked for {age:.1f} s ago, and nothing came")
        patience = FIRST_PATIENCE_S[channel]
    elif clock.is_known and 0 < CAREFUL * clock.longest <= base and not rests:
        if greets or not rests_together:
            words = f"silent for {age:.1f} s, usually for {clock.longest:.1f} s at most"
            return Verdict(age, not rests_together, words)
        patience = PATIENCE_S[channel]
    else:
        patience = max(PATIENCE_S[channel], CAREFUL * clock.longest)
    return Verdict(age, False, f"silent for {age:.1f} s") if age > patience else None
