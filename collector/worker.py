"""One collector process: the stores, the venues, and the threads between them."""

import os
import socket
import threading
import time
from collections.abc import Callable

import structlog

from collector.announcer import Announcer
from collector.assembly import Address, VenueRun
from collector.clock import CLOCK
from collector.feeds import Feeds
from collector.housekeeper import Housekeeper
from collector.leases import Leases
from collector.leases.machine import machine_name
from collector.publisher import Publisher
from collector.signals.scoreboard import Scoreboard
from collector.status import Status
from collector.stores import StoredHistory
from collector.writer import Writer
from db.errors import StoreUnavailable
from db.history.leases import Sign
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from db.rows import Batch, TickerRow
from db.settings import Settings
from db.spool import Spool
from market import VERSION

log = structlog.get_logger()

KEEP_EVERY_S = 0.02
FLUSH_TIMEOUT_S = 5.0
STOP_WITHIN_S = 8.0
CONFIRM_WITHIN_S = 3.0
MEASURED_ROWS = 200


class Worker:
    """Everything that runs in one collector. `start` and `stop` return when it is done."""

    def __init__(self, settings: Settings, on_hopeless: Callable[[str], None], *, number: int = 0) -> None:
        """`on_hopeless` hears why going on is of no use; called from another thread, perhaps often.

        `number`: which of COLLECTOR_PROCESSES this is.
        """
        self._settings = settings
        self._host = socket.gethostname()
        self._id = f"{settings.dyno or self._host}-{os.getpid()}"
        self._started_at = CLOCK.now_ms()
        self._spool = Spool(settings.spool_dir, settings.spool_max_mb)
        self._history = StoredHistory(settings, self._spool)
        self._hot = live_client(settings.redis_url)
        announcer = Announcer()
        self._writer = Writer(
            self._history,
            self._spool,
            worker_id=self._id,
            flush_interval_ms=settings.flush_interval_ms,
            unsaved_tickers=self._unsaved_tickers,
            on_news=announcer.candle,
            on_gap=announcer.gap,
            on_signal=announcer.signal,
            on_feed_event=announcer.feed,
            on_written=self._note_commit,
            on_hopeless=on_hopeless,
        )
        place = (
            f"{settings.dyno}.{number}" if settings.dyno else ""
        )  # a newer dyno of a name takes all it had
        me = Sign(self._id, machine_name(self._host), os.getpid(), place)
        self._leases = Leases(self._history.leases, me)
        self._feeds = Feeds(settings, self._make_venue, self._forget)
        hot_writer = HotWriter(live_client(settings.redis_url))
        self._publisher = Publisher(
            hot_writer,
            lambda: self._feeds.all,
            Status(hot_writer, self._id, self._fields, lambda: self._leases.others),
            announcer,
            confirm=lambda: self._leases.confirm(CONFIRM_WITHIN_S),
            interval_ms=settings.publish_interval_ms,
            intervals=settings.intervals,
        )
        self._scoreboard = Scoreboard(self._history.scoring, settings.taker_bps)
        self._stopping = threading.Event()
        self._housekeeper = Housekeeper(self._history, self._writer.record)
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def start(self) -> None:
        """Start every thread."""
        log.info("collector.start", worker=self._id, version=VERSION, feeds=self._settings.feeds)
        self._leases.start()
        self._feeds.start()
        self._writer.start()
        self._publisher.start()
        self._keeper.start()
        self._housekeeper.start()
        self._scoreboard.start()

    def stop(self) -> bool:
        """Let others take over, close the sockets, write and publish what is at hand.

        False if rows are left in memory.
        """
        log.info("collector.stop", worker=self._id)
        end = time.monotonic() + STOP_WITHIN_S
        self._leases.hand_over()
        self._stopping.set()
        self._scoreboard.stop()
        self._housekeeper.stop()
        self._keeper.join(timeout=1.0)
        self._feeds.stop()
        is_kept = self._writer.stop(min(FLUSH_TIMEOUT_S, max(1.0, end - time.monotonic())))
        self._publisher.stop()
        self._leases.stop()
        written, left = self._writer.rows_written, self._writer.queued
        log.info("collector.stopped", rows_written=written, rows_left=left)
        return is_kept

    def _keep(self) -> None:
        while not self._stopping.wait(KEEP_EVERY_S):
            try:
                self._feeds.keep(time.monotonic())
            except Exception:
                log.exception("keeper.failed")

    def _make_venue(self, address: Address) -> VenueRun:
        return VenueRun(address, self._settings, self._writer, self._history, self._hot, self._leases)

    def _forget(self, venue: str) -> None:
        try:
            HotWriter(self._hot).delete_venue(venue)
        except StoreUnavailable as error:
            log.warning("redis.down", reason=str(error))

    def _unsaved_tickers(self) -> list[TickerRow]:
        return [row for run in self._feeds.running for row in run.pipeline.unsaved()]

    def _note_commit(self, batch: Batch) -> None:
        """Measure how long ticks were on their way into Postgres; some of a large batch tell for all."""
        now = CLOCK.now_ms()
        lags = {run.name: run.pipeline.statistics.postgres_lags for run in self._feeds.running}
        for row in batch.ticks[:: 1 + len(batch.ticks) // MEASURED_ROWS]:
            if row.venue in lags:
                lags[row.venue].add(now - row.recv_ts)

    def _fields(self) -> dict[str, str | int]:
        return {
            "host": self._host,
            "pid": os.getpid(),
            "started_at": self._started_at,
            "heartbeat_at": CLOCK.now_ms(),
            "version": VERSION,
            "symbols": sum(len(run.pipeline.states) for run in self._feeds.running),
            "queue_rows": self._writer.queued,
            "spool_rows": self._spool.rows,
            "spool_bytes": self._spool.bytes,
            "rows_written": self._writer.rows_written,
            "rows_dropped": self._writer.rows_dropped,
            "db_state": self._writer.state,
        }
