"""Reading from a replica while it is of use, from the primary otherwise; who failed is left for a while."""

import threading
import time
from collections.abc import Callable
from typing import Any, cast

import structlog
from sqlalchemy.exc import TimeoutError as PoolTimeout

from db.breaker import Breaker
from db.errors import StoreBusy, StoreUnavailable
from db.history.engine import reader_engine, sqlstate
from db.history.reader import HistoryReader

log = structlog.get_logger()

SLOW_MS = 2_500
"""A replica that takes longer is too slow: the primary may take as long again as any statement."""
LATE_S = 30.0
"""One that is further behind is not asked while the primary answers."""
LOOK_EVERY_S = 10.0
SCOUT_S = 10.0
"""Longer than any question takes, also one to a server that is silent."""
AWAY_S = 30.0
"""One that failed is tried again after this."""
_STATEMENT = "42"
"""Class of errors that are a statement's own: without our tables, say."""


class _ReplicaFirst:
    """Has every method of a HistoryReader. Each is one question, so another server may answer it as well."""

    def __init__(
        self,
        replica: HistoryReader,
        primary: HistoryReader,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._replica = replica
        self._primary = primary
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._away_until = float("-inf")
        self._looked_at = float("-inf")
        self._why = ""
        """Why the replica is not asked; empty while it is."""
        self._is_late = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*values: Any, **named: Any) -> Any:
            return self._ask(lambda reader: getattr(reader, name)(*values, **named))

        return ask

    def _ask(self, question: Callable[[HistoryReader], Any]) -> Any:
        if self._is_wanted():
            try:
                if self._is_to_look():
                    self._look()
                if not self._is_late:
                    answer = question(self._replica)
                    self._return()
                    return answer
            except StoreUnavailable as error:
                self._leave(str(error))
        try:
            return question(self._primary)
        except StoreUnavailable:
            if not self._is_late:
                raise
            return question(self._replica)  # behind, because the primary is gone: better than nothing

    def _is_wanted(self) -> bool:
        """Whether the replica may be asked; where it was away, one caller tries it and others go on."""
        with self._lock:
            now = self._monotonic()
            if now < self._away_until:
                return False
            if self._why:
                self._away_until = now + AWAY_S
            return True

    def _is_to_look(self) -> bool:
        with self._lock:
            now = self._monotonic()
            is_due = bool(self._why) or now - self._looked_at >= LOOK_EVERY_S
            if is_due:
                self._looked_at = now
            return is_due

    def _look(self) -> None:
        behind = self._replica.behind_s()
        self._is_late = behind > LATE_S
        if self._is_late:
            self._leave(f"it is {behind:.0f} s behind")

    def _leave(self, why: str) -> None:
        with self._lock:
            is_news, self._why = not self._why, why
            self._away_until = self._monotonic() + AWAY_S
        if is_news:
            log.warning("replica.left", reason=why)

    def _return(self) -> None:
        if self._why:
            with self._lock:
                self._why, self._away_until = "", float("-inf")
            log.info("replica.back")


def replica_first(
    replica: HistoryReader, primary: HistoryReader, monotonic: Callable[[], float] = time.monotonic
) -> HistoryReader:
    """A reader that asks the replica, and for a while the primary where that is down, slow or far behind."""
    return cast(HistoryReader, _ReplicaFirst(replica, primary, monotonic))


class _Remembering:
    """Has every method of a HistoryReader. After a failure one caller tries it again, others are refused."""

    def __init__(self, reader: HistoryReader, breaker: Breaker) -> None:
        self._reader = reader
        self._breaker = breaker

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(*values: Any, **named: Any) -> Any:
            if self._breaker.refuses():
                raise StoreUnavailable("Postgres: it failed a moment ago and is not asked now")
            try:
                answer = getattr(self._reader, name)(*values, **named)
            except StoreUnavailable as error:
                self._note(error)
                raise
            self._breaker.worked()
            return answer

        return ask

    def _note(self, error: StoreUnavailable) -> None:
        if isinstance(error, StoreBusy) or sqlstate(error.__cause__)[:2] == _STATEMENT:
            self._breaker.worked()  # it answers, if not this
        elif self._breaker.is_open or not isinstance(error.__cause__, PoolTimeout):
            self._breaker.failed()


def remembering(reader: HistoryReader, breaker: Breaker) -> HistoryReader:
    """A reader for whose server nobody waits who comes a moment after a failure."""
    return cast(HistoryReader, _Remembering(reader, breaker))


def history_reader(database_url: str, read_url: str = "") -> HistoryReader:
    """The web's reader, of a replica where there is one. Connects when first used."""
    primary = remembering(HistoryReader(reader_engine(database_url)), Breaker(scout_s=SCOUT_S))
    if not read_url:
        return primary
    replica = HistoryReader(reader_engine(read_url, statement_timeout_ms=SLOW_MS, connect_timeout_s=2))
    return replica_first(replica, primary)
