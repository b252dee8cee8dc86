"""Sends batches to Postgres, in a thread of its own: fresh ones and those from the spool in turns."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from collector.drain import Drain
from collector.outbox import Outbox
from collector.pace import Pace
from db.errors import AccessRefused, BatchRefused, SchemaMismatch, StoreBusy, StoreUnavailable
from db.rows import Batch
from db.spool import Spool
from market.instruments import Instrument

log = structlog.get_logger()

RETRY_FIRST_S = 0.25
RETRY_MOST_S = 5.0
IDLE_S = 1.0
HOPELESS_S = 180.0
"""A name or password that was wrong for this long does not become right by waiting: the platform may know."""


class History(Protocol):
    """The database, as far as the sender needs it. Every call may raise StoreUnavailable."""

    def check(self) -> None:
        """Whether the schema is the one needed. Raises SchemaMismatch."""

    def write(self, batch: Batch) -> int:
        """Write a batch in one transaction; returns the number of rows that were new.

        Raises BatchRefused and SchemaMismatch too. It ends: with an error if the database is silent.
        """

    def save_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Keep what the venues say of their instruments."""

    def aim(self) -> None:
        """Look again where the database is and who we are there."""


class Sender:
    """Takes batches from the outbox and the spool. `state`: starting, up, behind, down, refused or schema."""

    def __init__(
        self,
        history: History,
        outbox: Outbox,
        spool: Spool,
        *,
        past: Callable[[], Batch | None],
        on_written: Callable[[Batch], None],
        on_hopeless: Callable[[str], None],
    ) -> None:
        """`past()` gives rows that may wait for all others, a batch at a time.

        `on_written` hears of each fresh batch once it is committed, `on_hopeless` why there is no use in
        trying on.
        """
        self.state = "starting"
        self.rows_written = 0
        self._history = history
        self._outbox = outbox
        self._spool = spool
        self._past = past
        self._on_written = on_written
        self._on_hopeless = on_hopeless
        self._pace = Pace()
        self._drain = Drain(spool, self._write, self._pace)
        self._instruments: deque[Sequence[Instrument]] = deque()
        self._is_checked = False
        self._retry_at, self._retry_s = 0.0, RETRY_FIRST_S
        self._refused_since: float | None = None
        self._end_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def save_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Keep what a venue says of its instruments."""
        self._instruments.append(instruments)
        self._outbox.wake.set()

    @property
    def pace(self) -> int:
        """How many rows to write at once."""
        return self._pace.rows

    @property
    def rows_dropped(self) -> int:
        """Rows that not even the table for refused rows took."""
        return self._drain.rows_dropped

    def finish(self, timeout_s: float) -> None:
        """Send what waits and end; what the database does not take in time stays where it is."""
        self._end_at = time.monotonic() + timeout_s
        self._outbox.wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            self._outbox.wake.clear()
            end_at = self._end_at
            pause = self.turn()
            if end_at is not None and (pause > 0 or time.monotonic() >= end_at):
                return
            if pause > 0:
                self._outbox.wake.wait(pause)

    def turn(self) -> float:
        """Send a fresh batch and a piece of what waits; seconds until there may be more to do."""
        if (wait := self._retry_at - time.monotonic()) > 0:
            return wait
        try:
            did_something = self._send()
        except (StoreUnavailable, SchemaMismatch) as error:
            return self._stumble(error)
        except Exception:
            log.exception("sender.failed")
            return self._pause()
        self._go_on()
        return 0.0 if did_something else IDLE_S

    def _send(self) -> bool:
        if not self._is_checked:
            self._history.check()
            self._is_checked = True
        while self._instruments:
            self._save_instruments(self._instruments[0])
            self._instruments.popleft()
        did_fresh = self._send_fresh()
        did_wait = self._drain.step(self._outbox.names)
        self._spool.tell_losses()
        return did_fresh or did_wait or self._send_past()

    def _save_instruments(self, instruments: Sequence[Instrument]) -> None:
        """All at once; where that cannot be, one by one: it costs only those that cannot be stored."""
        try:
            self._history.save_instruments(instruments)
        except (ValueError, BatchRefused) as error:
            if len(instruments) > 1:
                for one in instruments:
                    self._save_instruments([one])
            else:
                log.error("instrument.refused", symbol=instruments[0].symbol[:40], reason=str(error)[:200])

    def _send_fresh(self) -> bool:
        outgoing = self._outbox.take()
        if outgoing is None:
            return False
        try:
            self._write(outgoing.batch)
        except (StoreBusy, BatchRefused) as error:  # others may fare better: this one goes on from the spool
            log.warning("batch.waits", rows=outgoing.batch.size, reason=str(error))
            self._outbox.failed(outgoing)
        except (StoreUnavailable, SchemaMismatch):
            self._outbox.failed(outgoing)
            raise
        else:
            self._outbox.done(outgoing)
            self._on_written(outgoing.batch)
        return True

    def _send_past(self) -> bool:
        batch = self._past()
        if batch is None:
            return False
        try:
            self._write(batch)
        except (StoreBusy, BatchRefused):
            self._spool.append(batch)
        except (StoreUnavailable, SchemaMismatch):
            self._spool.append(batch)
            raise
        return True

    def _write(self, batch: Batch) -> None:
        began = time.monotonic()
        try:
            self.rows_written += self._history.write(batch)
        except StoreBusy:
            self._pace.slow_down()
            raise
        except (StoreUnavailable, SchemaMismatch, BatchRefused):
            raise
        except Exception as error:
            log.exception("batch.failed", rows=batch.size)
            raise BatchRefused(repr(error)) from error
        self._pace.note(batch.size, time.monotonic() - began)

    def _stumble(self, error: StoreUnavailable | SchemaMismatch) -> float:
        """The database takes nothing now: the spool keeps everything. Seconds until the next try."""
        is_refused = isinstance(error, AccessRefused)
        word = "schema" if isinstance(error, SchemaMismatch) else "refused" if is_refused else "down"
        if word != self.state:
            log.warning(f"postgres.{word}", reason=str(error))
        self.state = word
        self._is_checked = False
        self._outbox.close()
        now = time.monotonic()
        if not is_refused:
            self._refused_since = None
            return self._pause()
        self._history.aim()
        self._refused_since = self._refused_since or now
        if now - self._refused_since >= HOPELESS_S:
            self._on_hopeless(str(error))
        return self._pause()

    def _pause(self) -> float:
        pause, self._retry_s = self._retry_s, min(RETRY_MOST_S, self._retry_s * 2)
        self._retry_at = time.monotonic() + pause
        return pause

    def _go_on(self) -> None:
        self._retry_at, self._retry_s, self._refused_since = 0.0, RETRY_FIRST_S, None
        if self.state not in ("up", "behind"):
            log.info("postgres.up")
        self.state = "behind" if self._spool.rows > self._outbox.kept_rows else "up"
        self._outbox.open()
