"""Values that are fetched aside: a store that hangs or is gone holds up nobody who looks."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from app.ports import History
from db.errors import StoreUnavailable
from db.rows import TickerRow
from market.instruments import Instrument

OVERDUE_S = 3.0
"""A fetch that takes longer than this is trouble."""
LOOK_EVERY_S = 5.0
FIRST_WAIT_S = 0.3
"""Whoever needs a value that was never fetched waits for it until its fetch has taken this long."""

Value = TypeVar("Value")
Job = Callable[[], None]
log = structlog.get_logger()


def in_thread(job: Job) -> None:
    """Run the job aside."""
    threading.Thread(target=job, name="watch", daemon=True).start()


class Watched(Generic[Value]):
    """The newest value of `fetch`, fetched anew when somebody looks and it is older than `every_s`.

    One fetch is under way at a time. `fetch` may raise StoreUnavailable; the value before then stays.
    """

    def __init__(
        self,
        fetch: Callable[[], Value],
        monotonic: Callable[[], float],
        spawn: Callable[[Job], None],
        *,
        every_s: float = LOOK_EVERY_S,
        is_whole: Callable[[Value], bool] = lambda _: True,
    ) -> None:
        """A value that is not whole yet, and a failure, are followed by another fetch sooner."""
        self._fetch = fetch
        self._every_s = every_s
        self._is_whole = is_whole
        self._wait_s = min(every_s, LOOK_EVERY_S)
        self._monotonic = monotonic
        self._spawn = spawn
        self._lock = threading.Lock()
        self._fetched = threading.Event()
        self._began_at = float("-inf")
        self._is_under_way = False
        self._failed = False
        self._value: Value | None = None

    def look(self, wait_s: float = 0.0) -> Value | None:
        """The value, or None if there never was one, not even when the fetch had taken `wait_s`."""
        with self._lock:
            now = self._monotonic()
            is_due = not self._is_under_way and now - self._began_at >= self._wait_s
            if is_due:
                self._is_under_way, self._began_at = True, now
        if is_due:
            self._spawn(self._run)
        if not self._fetched.is_set() and (left := self._began_at + wait_s - now) > 0:
            self._fetched.wait(left)
        return self._value

    @property
    def is_silent(self) -> bool:
        """Whether the last fetch failed, or has not come back for too long."""
        overdue = self._is_under_way and self._monotonic() - self._began_at > OVERDUE_S
        return self._failed or overdue

    def _run(self) -> None:
        try:
            value = self._value = self._fetch()
            self._failed = False
            self._wait_s = self._every_s if self._is_whole(value) else min(self._every_s, 2 * self._wait_s)
        except StoreUnavailable as error:
            if not self._failed:  # once, not with every look
                log.warning("postgres.unavailable", error=str(error))
            self._failed = True
            self._wait_s = min(self._every_s, LOOK_EVERY_S)
        finally:
            self._is_under_way = False
            self._fetched.set()


class HistoryWatch:
    """Whether Postgres answers the web, and what it last knew of every instrument."""

    def __init__(
        self,
        history: History,
        monotonic: Callable[[], float],
        spawn: Callable[[Job], None] = in_thread,
    ) -> None:
        self._instruments = Watched(history.instruments, monotonic, spawn)
        self._tickers = Watched(history.tickers, monotonic, spawn)

    @property
    def is_silent(self) -> bool:
        """Whether Postgres does not answer; asks it every few seconds."""
        self._instruments.look()
        return self._instruments.is_silent

    def last_known(self) -> tuple[list[TickerRow], list[Instrument]]:
        """The last known ticker of each instrument, and the instruments; empty where Postgres is silent."""
        self._instruments.look()  # both are under way before one is waited for
        tickers = self._tickers.look(FIRST_WAIT_S)
        instruments = self._instruments.look(FIRST_WAIT_S)
        return tickers or [], instruments or []
