"""What is to be asked of a venue, and in which order."""

import itertools
from collections.abc import Callable, Container, Hashable, Iterable
from dataclasses import dataclass

from collector.venues import Request

SNAPSHOT, SCREEN, GAP, HISTORY, AUDIT = range(5)
"""Urgency: a book that waits, a symbol that is looked at, a hole, the past at a start, a comparison."""


@dataclass(slots=True, eq=False)
class Job:
    """One request. Of two with the same `key` the newer replaces the older one, in its place.

    `make` gives the request when it is due, None if it is no longer needed. `on_body` takes the answer (and
    may raise RestError), `on_refused` hears that there will be none. Both run in a thread of REST.
    """

    key: Hashable
    symbol: str
    urgency: int
    make: Callable[[], Request | None]
    on_body: Callable[[bytes], None]
    on_refused: Callable[[], None]
    not_before: float = 0.0
    """Monotonic seconds."""
    rank: int = 0
    """Its urgency when it was taken: a symbol on screen goes before others."""
    number: int = 0
    tries: int = 0


class Jobs:
    """Jobs that wait. Not thread-safe. There are at most some thousands, so none is kept sorted."""

    def __init__(self) -> None:
        self._jobs: dict[Hashable, Job] = {}
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._jobs)

    def put(self, job: Job) -> None:
        """Add a job, or replace the one with its key: the more urgent and earlier of both counts."""
        held = self._jobs.get(job.key)
        if held is None:
            job.number = next(self._numbers)
        else:
            job.number, job.tries = held.number, held.tries
            job.urgency = min(job.urgency, held.urgency)
            job.not_before = min(job.not_before, held.not_before)
        self._jobs[job.key] = job

    def put_back(self, job: Job) -> None:
        """A job that was taken and not done goes to its old place, unless it was replaced meanwhile."""
        self._jobs.setdefault(job.key, job)

    def take(
        self, now: float, least: int, screen: Container[str], failed: Container[Hashable] = ()
    ) -> Job | None:
        """The most urgent job that is due, down to urgency `least`; `failed`, by key, only if no other is.

        `screen`: symbols that are looked at.
        """
        due: list[Job] = []
        for job in self._jobs.values():
            job.rank = _rank(job, screen)
            if job.not_before <= now and job.rank <= least:
                due.append(job)
        found = min(due, key=lambda job: (job.key in failed, job.rank, job.number), default=None)
        if found is not None:
            del self._jobs[found.key]
        return found

    def due_in(self, now: float, least: int, screen: Container[str]) -> float | None:
        """Seconds until a job that `take` would give is due; None without one."""
        waits = (max(0.0, j.not_before - now) for j in self._jobs.values() if _rank(j, screen) <= least)
        return min(waits, default=None)

    def drop(self, symbols: Iterable[str]) -> list[Job]:
        """Remove the jobs of symbols that are no longer followed; returns them."""
        gone = set(symbols)
        found = [job for job in self._jobs.values() if job.symbol in gone]
        for job in found:
            del self._jobs[job.key]
        return found


def _rank(job: Job, screen: Container[str]) -> int:
    return SCREEN if job.urgency in (GAP, HISTORY) and job.symbol in screen else job.urgency
