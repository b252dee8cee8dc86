"""Spans of open times, and the state of one series of candles whose missing ones are asked of REST. Pure."""

from bisect import insort
from collections.abc import Container, Iterable, Iterator

from collector.backfill.jobs import GAP, HISTORY

JOIN = 100
"""Candles between two wanted ones that are rather asked for again than left out of one request."""
SETTLE_MS = 2_000
"""How long after its end a candle of REST may not be there, or not be final."""
GIVEN_UP_MS = 60_000
"""How long after its end a candle that is not there is asked for again."""
MOST = 1_500
"""Candles that are wanted of one series: the newest."""

Span = tuple[int, int]
"""Open times [start, end), epoch ms, whole steps."""


class Spans:
    """Disjoint spans, ascending."""

    def __init__(self, step: int) -> None:
        self._step = step
        self._spans: list[Span] = []

    def __bool__(self) -> bool:
        return bool(self._spans)

    def __iter__(self) -> Iterator[Span]:
        return iter(list(self._spans))

    @property
    def count(self) -> int:
        """How many candles they hold."""
        return sum(end - start for start, end in self._spans) // self._step

    def count_in(self, start: int, end: int) -> int:
        """How many of the candles that open in [start, end) they hold."""
        return sum(max(0, min(b, end) - max(a, start)) for a, b in self._spans) // self._step

    def add(self, start: int, end: int) -> None:
        """Hold the candles that open in [start, end) too."""
        if start >= end:
            return
        apart = [span for span in self._spans if span[1] < start or span[0] > end]
        touched = [span for span in self._spans if not (span[1] < start or span[0] > end)]
        insort(apart, (min([start, *(s for s, _ in touched)]), max([end, *(e for _, e in touched)])))
        self._spans = apart

    def remove(self, start: int, end: int) -> None:
        """Hold the candles that open in [start, end) no longer."""
        if start >= end:
            return
        kept: list[Span] = []
        for held_start, held_end in self._spans:
            pieces = ((held_start, min(held_end, start)), (max(held_start, end), held_end))
            kept += [piece for piece in pieces if piece[0] < piece[1]]
        self._spans = kept

    def cut(self, most: int) -> list[Span]:
        """Keep the newest `most` candles; returns the others."""
        cut: list[Span] = []
        surplus = self.count - most
        for start, end in list(self._spans):
            if surplus <= 0:
                break
            cut.append((start, min(end, start + surplus * self._step)))
            surplus -= (cut[-1][1] - start) // self._step
            self.remove(*cut[-1])
        return cut


class Wants:
    """One series: the candles that are asked for, that came, and that are not to be had. Not thread-safe."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.missing = Spans(step)
        self._urgent = Spans(step)
        """What of it goes before the past, and does not take that along: it would come all at once."""
        self.had = Spans(step)
        """What came; the newest."""
        self.absent = Spans(step)

    @property
    def urgency(self) -> int:
        """Of the next request."""
        return GAP if self._urgent else HISTORY

    def ask(self, spans: Iterable[Span], urgency: int) -> None:
        """Ask for these candles, but for those that are not to be had, and for the newest only."""
        for start, end in spans:
            new = Spans(self.step)
            new.add(start, end)
            for span in self.absent:
                new.remove(*span)
            for span in new:
                self.missing.add(*span)
                if urgency <= GAP:
                    self._urgent.add(*span)
        for span in self.missing.cut(MOST):
            self._urgent.remove(*span)
            self.absent.add(*span)

    def keep_missing(self, start: int, end: int, missing: Iterable[Span]) -> None:
        """Of the candles that open in [start, end) only these are still missing."""
        here = start
        for span in missing:
            self._remove(here, span[0])
            here = span[1]
        self._remove(here, end)

    def next_request(self, now: int, limit: int) -> Span | None:
        """The first span to ask for, of at most `limit` candles settled at `now`; near ones are joined."""
        settled = now - SETTLE_MS
        settled -= settled % self.step
        due = [(start, min(end, settled)) for start, end in self._urgent or self.missing if start < settled]
        if not due:
            return None
        start, end = due[0]
        most = start + limit * self.step
        for following, following_end in due[1:]:
            if following - end > JOIN * self.step or following >= most:
                break
            end = following_end
        return start, min(end, most)

    def due_in(self, now: int) -> int | None:
        """Milliseconds until `next_request` has one; None if nothing is missing."""
        first = next(iter(self._urgent or self.missing), None)
        return None if first is None else max(0, first[0] + self.step + SETTLE_MS - now)

    def take(self, asked: Span, open_times: Container[int], now: int) -> bool:
        """Take what an answer at `now` to the request for `asked` held; whether any of it was missing."""
        found = False
        for time in [t for span in self.missing for t in range(*self._inside(span, asked), self.step)]:
            if time in open_times:
                found = True
                self._remove(time, time + self.step)
                self.had.add(time, time + self.step)
            elif time + self.step + GIVEN_UP_MS <= now:
                self.refuse(time, time + self.step)
        self.had.cut(MOST)
        return found

    def refuse(self, start: int, end: int) -> None:
        """What is missing of the candles that open in [start, end) is not to be had."""
        for span in self.missing:
            self.absent.add(*self._inside(span, (start, end)))
        self._remove(start, end)

    def forget_absent(self) -> None:
        """What was not to be had may be asked for again."""
        self.absent = Spans(self.step)

    def _remove(self, start: int, end: int) -> None:
        self.missing.remove(start, end)
        self._urgent.remove(start, end)

    @staticmethod
    def _inside(span: Span, other: Span) -> Span:
        return max(span[0], other[0]), min(span[1], other[1])
