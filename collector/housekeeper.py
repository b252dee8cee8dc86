"""Partitions, retention and the size guard: a thread that no data waits for."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from db.errors import StoreUnavailable

log = structlog.get_logger()

GUARD_EVERY_S = 5.0
"""At 5,000 rows a second the database grows by 4 MB meanwhile."""
TIDY_EVERY_S = 60.0
SHORTENED = "history_shortened"
"""The feed event that says which ticks went for HISTORY_MAX_MB."""


class House(Protocol):
    """What there is to keep. Every call may raise StoreUnavailable."""

    def make_partitions(self) -> None:
        """Make what will be written to soon."""

    def expire(self) -> None:
        """Let go what is old."""

    def shrink(self) -> list[str]:
        """Keep the database below its limit; what went for that, in words."""

    def pack(self) -> None:
        """Give back the room that a finished partition wastes."""


class Housekeeper:
    """Does each job when it is due. `start` and `stop` return at once."""

    def __init__(self, house: House, record: Callable[[str, str, str], object]) -> None:
        """`record(venue, event, detail)` keeps what people should know."""
        self._house = house
        self._record = record
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end after the job at hand."""
        self._stopping.set()

    def _run(self) -> None:
        tidied_at = time.monotonic()
        while not self._stopping.wait(GUARD_EVERY_S):
            self._try(self._shrink)
            if time.monotonic() - tidied_at >= TIDY_EVERY_S:
                for job in (self._house.make_partitions, self._house.expire, self._house.pack):
                    self._try(job)
                tidied_at = time.monotonic()

    def _shrink(self) -> None:
        for detail in self._house.shrink():
            self._record("", SHORTENED, detail)

    def _try(self, job: Callable[[], None]) -> None:
        if self._stopping.is_set():
            return
        try:
            job()
        except StoreUnavailable as error:
            log.warning("tidying.failed", job=job.__name__.strip("_"), reason=str(error))
        except Exception:
            log.exception("tidying.failed", job=job.__name__.strip("_"))
