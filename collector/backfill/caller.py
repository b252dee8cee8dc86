"""The threads of a venue that wait for REST: they do the jobs, the most urgent first, and obey the venue.

A job that the venue puts off is kept and comes again in its place; one that it refuses is told so. One thread
does any job, a second only what cannot wait, so that an answer that does not come holds up no book.
"""

import random
import threading
import time
from collections.abc import Callable, Container, Hashable, Iterable

import structlog

from collector.backfill.answers import RestUnavailable
from collector.backfill.budget import Budget
from collector.backfill.client import TIMEOUT_S, RestClient
from collector.backfill.jobs import AUDIT, GAP, SCREEN, Job, Jobs
from collector.venues import Request, RestError

log = structlog.get_logger()

LOOK_EVERY_S = 3.0
"""How often the order of waiting jobs is thought over."""
BUSY_S = 0.1
"""How often it is looked whether the past may go on."""
FIRST_PAUSE_S = 0.5
PAUSE_S = {SCREEN: 5.0, AUDIT: 30.0}
"""By thread (the least urgent job it does): its longest pause while the venue cannot be reached."""
JOB_PAUSE_S = 60.0
"""The longest pause of a job that fails while others do not."""
PATIENCE_S = 2.0
"""How long `fetch` waits for the budget."""


class Caller:
    """Calls of one venue. Thread-safe."""

    def __init__(
        self,
        client: RestClient,
        name: str,
        budget: Budget,
        *,
        screen: Callable[[], Container[str]],
        record: Callable[[str, str, str], None],
        is_full: Callable[[], bool] = lambda: False,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        """`screen()` names the symbols that are looked at; `record` as in Feed.

        While `is_full()`, what was asked for waits to be stored, and the past is not asked for.
        `first_pause_s`: what the pauses after failures grow from.
        """
        self.trouble = ""
        """Why the venue gives no answers, in words; "" while it does."""
        self.weight = 0
        """Weight of all requests that were sent."""
        self._client = client
        self._name = name
        self._budget = budget
        self._screen = screen
        self._record = record
        self._is_full = is_full
        self._first_pause_s = first_pause_s
        self._jobs = Jobs()
        self._wake = threading.Condition()
        self._is_stopping = False
        self._failures = 0
        self._failed: set[Hashable] = set()
        """Jobs, by key, that failed since the last answer: another may be answered, so it goes first."""
        self._pauses = dict.fromkeys(PAUSE_S, 0.0)
        client.on_used = budget.note
        self._threads = [
            threading.Thread(target=self._run, args=(least,), name=f"rest-{name}-{word}", daemon=True)
            for least, word in ((SCREEN, "urgent"), (AUDIT, "any"))
        ]

    def start(self) -> None:
        """Begin to work; returns at once."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End after the jobs at hand, without waiting for them."""
        with self._wake:
            self._is_stopping = True
            self._wake.notify_all()
        self._client.close()

    def join(self, deadline: float) -> None:
        """Wait for the threads until `deadline`, monotonic."""
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        with self._wake:
            return len(self._jobs)

    def submit(self, job: Job) -> None:
        """Do a job when its turn comes; returns at once."""
        with self._wake:
            self._jobs.put(job)
            self._wake.notify_all()

    def forget(self, symbols: Iterable[str]) -> None:
        """Drop the jobs of these symbols; they are told that there will be no answer."""
        with self._wake:
            dropped = self._jobs.drop(symbols)
        for job in dropped:
            job.on_refused()

    def fetch(self, request: Request, *, timeout_s: tuple[float, float] = TIMEOUT_S) -> bytes:
        """An answer, waited for in the caller's thread.

        Raises RestUnavailable, also at once while the venue wants to be left alone, or RestError.
        """
        deadline = time.monotonic() + PATIENCE_S
        while (wait := self._budget.take(request.weight, is_urgent=True)).ms:
            self._say(wait.reason)
            if wait.reason or time.monotonic() + wait.ms / 1000 > deadline:
                raise RestUnavailable(wait.reason or "the venue's budget is spent", wait.ms / 1000)
            time.sleep(wait.ms / 1000)
        try:
            body = self._send(request, timeout_s)
        except RestUnavailable as error:
            self._on_unavailable(error)
            raise
        self._on_answer()
        return body

    def _run(self, least: int) -> None:
        while (job := self._next(least)) is not None:
            try:
                self._do(job, least)
            except Exception:
                log.exception("rest.failed", venue=self._name)

    def _next(self, least: int) -> Job | None:
        """The next job, waited for; None at the end."""
        while True:
            screen = self._screen() if len(self._jobs) > 1 else ()
            is_full = least > GAP and self._is_full()
            due_to = GAP if is_full else least
            with self._wake:
                if self._is_stopping:
                    return None
                now = time.monotonic()
                pause = self._pauses[least] - now
                job = self._jobs.take(now, due_to, screen, self._failed) if pause <= 0 else None
                if job is not None:
                    return job
                if not self._jobs:
                    self._wake.wait()
                    continue
                due = self._jobs.due_in(now, due_to, screen)
                look_s = BUSY_S if is_full else LOOK_EVERY_S
                self._wake.wait(look_s if due is None else min(look_s, max(due, pause)))

    def _do(self, job: Job, least: int) -> None:
        try:
            request = job.make()
        except Exception:
            log.exception("rest.failed", venue=self._name)
            job.on_refused()
            return
        if request is None:
            return
        wait = self._budget.take(request.weight, is_urgent=job.rank <= SCREEN)
        if wait.ms:
            self._say(wait.reason)
            with self._wake:
                self._jobs.put_back(job)
                self._pauses[least] = time.monotonic() + min(wait.ms / 1000, LOOK_EVERY_S)
            return
        try:
            body = self._send(request, TIMEOUT_S)
        except RestUnavailable as error:
            self._put_off(job, error, least)
            return
        except RestError as error:
            self._refuse(job, error)
        else:
            try:
                job.on_body(body)
            except RestError as error:
                self._refuse(job, error)
            except Exception:
                log.exception("rest.failed", venue=self._name)
                job.on_refused()
        self._on_answer()

    def _send(self, request: Request, timeout_s: tuple[float, float]) -> bytes:
        with self._wake:
            self.weight += request.weight
        return self._client.get(request, timeout_s=timeout_s)

    def _refuse(self, job: Job, error: RestError) -> None:
        log.warning("rest.refused", venue=self._name, symbol=job.symbol, reason=str(error)[:300])
        job.on_refused()

    def _put_off(self, job: Job, error: RestUnavailable, least: int) -> None:
        """Keep a job for later: where the venue answers others, it waits longer each time."""
        self._on_unavailable(error)
        with self._wake:
            now = time.monotonic()
            job.tries += 1
            if not error.is_for_all:
                self._failed.add(job.key)
                pause = min(PAUSE_S[least], self._first_pause_s * 2 ** min(self._failures, 10))
                self._pauses[least] = now + random.uniform(0, pause)
                if self._failures == 1:
                    pause = min(JOB_PAUSE_S, self._first_pause_s * 2 ** min(job.tries + 1, 10))
                    job.not_before = now + random.uniform(pause / 2, pause)
            self._jobs.put_back(job)

    def _on_unavailable(self, error: RestUnavailable) -> None:
        with self._wake:
            self._failures += 1
        log.warning(
            "rest.unavailable", venue=self._name, reason=str(error)[:300], retry_s=round(error.retry_s)
        )
        if error.is_for_all:
            self._budget.close(error.retry_s, str(error))
        self._say(str(error))

    def _on_answer(self) -> None:
        with self._wake:
            self._failures = 0
            self._failed.clear()
            self.trouble = ""
            if any(self._pauses.values()):
                self._pauses = dict.fromkeys(PAUSE_S, 0.0)
                self._wake.notify_all()

    def _say(self, reason: str) -> None:
        """Keep for people what is wrong, once."""
        if reason and reason != self.trouble:
            self.trouble = reason
            self._record(self._name, "rest", reason)
