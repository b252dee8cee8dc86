"""What one venue's topics missed, and whether it was had again: rows of the table `gaps`.

A gap lasts from the last good datum to the first good one, on the venue's clock. One row an instrument and
channel: where two streams make a channel (Binance's quotes and depth are both its book) the gap lasts until
both are back.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from collector.venues import Topic
from db.rows import GapRow

CHANNEL = {"top": "book"}
"""Topics' channels that have another name in the ledger."""
STOPPED = "the collector was stopped"
_STOP, _CRASH = ("restart", STOPPED), ("crash", "the collector ended without a word")
Key = tuple[str, str]
"""Symbol and ledger channel."""


def ledger_channel(topic: Topic) -> str:
    """The channel under which the ledger holds a topic's gaps."""
    return CHANNEL.get(topic.channel, topic.channel)


@dataclass(slots=True)
class Gap:
    """A gap that is not closed yet."""

    started_at: int
    cause: str
    detail: str
    missing: set[str] = field(default_factory=set)
    """Names of the topics that are not back yet."""
    ended_at: int = 0
    is_unbroken: bool = True
    """Whether the sequence of every topic that is back shows that nothing was missed."""


class Ledger:
    """The gaps of one venue. Thread-safe; `add` takes each row."""

    def __init__(self, venue: str, add: Callable[[GapRow], None]) -> None:
        self.on_lost: Callable[[Topic], None] = lambda _topic: None
        """Hears of each topic that begins to be missing."""
        self.on_closed: Callable[[GapRow], None] = lambda _row: None
        """Hears of each gap that is over and in which something was missed."""
        self._venue = venue
        self._add = add
        self._lock = threading.Lock()
        self._open: dict[Key, Gap] = {}
        self._past: dict[Key, tuple[int, int]] = {}
        """When the last gap of each that is over began, which it is known by, and when it ended."""

    @property
    def open_count(self) -> int:
        """Gaps that last."""
        return len(self._open)

    def lose(self, topic: Topic, since: int, cause: str, detail: str) -> bool:
        """A topic's data is missing from `since` on, epoch ms; False where nothing ever came."""
        if not since:
            return False
        key = (topic.symbol, ledger_channel(topic))
        with self._lock:
            gap = self._open.get(key)
            if gap is None:
                since = max(
                    since, self._past.get(key, (0, 0))[0] + 1
                )  # nothing new came since: still another gap
                gap = self._open[key] = Gap(since, cause, detail)
                self._write(key, gap, is_open=True)
            elif cause == "restart" and not gap.detail.endswith(STOPPED):
                gap.detail += f"; then {STOPPED}"
                self._write(key, gap, is_open=True)
            if cause == "crossed":  # every update may come, and yet what it made is withheld
                gap.is_unbroken = False
            is_new = topic.name not in gap.missing
            gap.missing.add(topic.name)
        if is_new:
            self.on_lost(topic)
        return True

    def regain(self, topic: Topic, at: int, *, is_unbroken: bool = False) -> None:
        """A topic's data is good again from `at` on. `is_unbroken`: its sequence shows no loss."""
        key = (topic.symbol, ledger_channel(topic))
        with self._lock:
            gap = self._open.get(key)
            if gap is None:
                return
            gap.missing.discard(topic.name)
            gap.is_unbroken = gap.is_unbroken and is_unbroken
            gap.ended_at = max(gap.ended_at, at)
            if gap.missing:
                return
            del self._open[key]
            self._past[key] = (gap.started_at, gap.ended_at)
            row = self._write(key, gap, is_open=False)
        if not gap.is_unbroken:
            self.on_closed(row)

    def ended_at(self, topic: Topic) -> int:
        """When the last gap of this topic's channel that is over ended, epoch ms; 0 before any."""
        return self._past.get((topic.symbol, ledger_channel(topic)), (0, 0))[1]

    def replace(self, old: Topic, new: Topic) -> None:
        """Another topic makes this channel from now on: what is missing of the one is of the other."""
        with self._lock:
            gap = self._open.get((old.symbol, ledger_channel(old)))
            if gap is not None and old.name in gap.missing:
                gap.missing.remove(old.name)
                gap.missing.add(new.name)

    def repaired(self, row: GapRow, rows_recovered: int, *, is_whole: bool) -> None:
        """What was missing was asked for again: all of it, or a part, was had."""
        word = "yes" if is_whole else "partly" if rows_recovered else "no"
        self._add(row._replace(repaired=word, rows_recovered=rows_recovered))

    def resume(
        self, topics: Iterable[Topic], held: Sequence[GapRow], last_seen: Mapping[str, int]
    ) -> list[tuple[Topic, int]]:
        """Begin where an earlier run ended; returns the topics that miss something, and since when.

        `held` are its open gaps. A channel that has none, of a symbol that was seen (`last_seen`, epoch ms),
        was left by a crash, or never had a datum before the stop that the symbol's others tell of.
        """
        stopped = {row.symbol for row in held if row.detail.endswith(STOPPED)}
        began = {(row.symbol, row.channel): row for row in held}
        found: list[tuple[Topic, int]] = []
        with self._lock:
            of_its_own = set(self._open)  # missed since the start, which is another matter
            for topic in topics:
                key = (topic.symbol, ledger_channel(topic))
                if key in of_its_own:
                    self._end_before(key, began.pop(key, None))
                    continue
                if key not in self._open and (row := self._lasting(key, began)):
                    self._open[key] = Gap(row.started_at, row.cause, row.detail)
                elif key not in self._open and (since := last_seen.get(topic.symbol)):
                    gap = self._open[key] = Gap(since, *(_STOP if topic.symbol in stopped else _CRASH))
                    self._write(key, gap, is_open=True)
                if key in self._open:
                    self._open[key].missing.add(topic.name)
                    found.append((topic, self._open[key].started_at))
        return found

    def _lasting(self, key: Key, began: Mapping[Key, GapRow]) -> GapRow | None:
        """The gap to go on with; one that just ended here is only still to be written."""
        row = began.get(key)
        return None if row and row.started_at == self._past.get(key, (0, 0))[0] else row

    def _end_before(self, key: Key, row: GapRow | None) -> None:
        """A gap that somebody left open ended at the latest where the one began that lasts now."""
        since = self._open[key].started_at
        if row is not None and row.started_at < since:
            self._add(row._replace(ended_at=since))

    def forget(self, symbol: str, ended_at: int = 0) -> None:
        """An instrument is no longer followed here.

        `ended_at`: when nobody follows it any more, epoch ms, which ends its gaps; else they are left to who
        does.
        """
        with self._lock:
            for key, gap in self._open.items():
                if key[0] == symbol and ended_at:
                    gap.ended_at, gap.is_unbroken = ended_at, False
                    gap.detail = f"{gap.detail}; then it was followed no more"
                    self._write(key, gap, is_open=False)
            for held in (self._open, self._past):
                for key in [key for key in held if key[0] == symbol]:
                    del held[key]

    def _write(self, key: Key, gap: Gap, *, is_open: bool) -> GapRow:
        ended_at = None if is_open else max(gap.ended_at, gap.started_at)
        repaired, detail = "no", gap.detail
        if gap.is_unbroken and not is_open:
            repaired, detail = "yes", f"{gap.detail}; the sequence shows that nothing was missed"
        row = GapRow(self._venue, *key, gap.started_at, ended_at, gap.cause, repaired, 0, detail)
        self._add(row)
        return row
