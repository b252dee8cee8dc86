"""The database as the collector uses it: what the writer writes to, and what a start remembers."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import numpy as np
import structlog

from collector.clock import CLOCK
from collector.history import Stored
from db.history.deadline import Deadline
from db.history.engine import SCOREBOARD_NAME, fleeting_engine, follow, writer_engine
from db.history.guard import shrink
from db.history.leases import LeaseTable
from db.history.packed import DAY_WIDTH, WIDTH
from db.history.packing import pack
from db.history.partitions import drop_expired, ensure_ahead
from db.history.reader import HistoryReader
from db.history.retention import expire, rules
from db.history.scoring import Scoring, scoring
from db.history.writer import HistoryWriter
from db.migrate import check_schema
from db.rows import Batch, GapRow, SignalRow, TickerRow
from db.settings import Settings, SettingsError, load_settings
from db.spool import Spool
from market.events import Kline
from market.indicators import Past
from market.indicators.day import Minutes
from market.instruments import Instrument
from market.intervals import INTERVAL_MS

log = structlog.get_logger()


WRITE_WITHIN_S = 10.0
"""A write that takes longer is given up, and its connection with it."""
SHARE_WITHIN_S = 3.0
"""The same for a round of the leases."""
TIDY_WITHIN_S = 75.0
"""The same for everything else: a partition is packed in less."""
START_WITHIN_S = 30.0
"""The same for what signals begin with: their past, and what an earlier run left."""
SCORE_WITHIN_S = 1_800.0
"""A turn at the scoreboard, most of which it rests."""


class StoredHistory:
    """Implements the sender's `History` and the assembly's `Memory` on Postgres and what the spool still has.

    It has three connections, one for the sender alone and one for the leases: nothing that reads or tidies
    makes those wait; a fourth while the scoreboard is computed, and one while signals take up their past.
    Connects when first used.
    """

    def __init__(self, settings: Settings, spool: Spool) -> None:
        self._url = settings.database_url
        self._spool = spool
        writing = writer_engine(
            self._url, connections=1, statement_timeout_ms=int(WRITE_WITHIN_S * 800), lock_timeout_ms=1_000
        )
        self._engine = writer_engine(self._url, connections=1)
        sharing = writer_engine(self._url, connections=1, statement_timeout_ms=1_500, lock_timeout_ms=1_000)
        self._scoring = writer_engine(self._url, connections=1, name=SCOREBOARD_NAME)
        starting = fleeting_engine(self._url, statement_timeout_ms=int(START_WITHIN_S * 800))
        for engine, seconds in (
            (writing, WRITE_WITHIN_S),
            (self._engine, TIDY_WITHIN_S),
            (sharing, SHARE_WITHIN_S),
            (self._scoring, SCORE_WITHIN_S),
            (starting, START_WITHIN_S),
        ):
            follow(engine, lambda: self._url)
            Deadline(engine, seconds)
        self._writing = writing
        self.leases = LeaseTable(sharing)
        self._writer = HistoryWriter(writing)
        self._reader = HistoryReader(self._engine)
        self._past_reader = HistoryReader(starting)
        self._starting = threading.Lock()
        """A small plan has no further connection for each venue's past."""
        # A recording is older than any retention the moment it is played.
        self._is_playing = not settings.max_event_age_days
        self._retention_days = 0 if self._is_playing else settings.tick_retention_days
        self._max_mb = settings.history_max_mb
        self._venues: set[str] = set()
        self._is_over = False
        """Whether the database is beyond its limit and has no ticks left to drop."""

    def check(self) -> None:
        """Raises SchemaMismatch or StoreUnavailable."""
        check_schema(self._writing)

    def aim(self) -> None:
        """Take the URL that the environment or `.env` gives now; the next connections follow it."""
        try:
            url = load_settings().database_url
        except SettingsError as error:
            log.warning("settings.unread", reason=str(error))
            return
        if url != self._url:
            log.info("postgres.moved")
            self._url = url

    def write(self, batch: Batch) -> int:
        """Write a batch; returns the number of rows that were new or changed.

        Raises StoreUnavailable, after WRITE_WITHIN_S too; SchemaMismatch and BatchRefused.
        """
        self._venues |= {row.venue for row in batch.ticks}
        written = self._writer.write(batch)
        if written.refused:
            first = written.refused[0]
            log.error("rows.refused", rows=len(written.refused), kind=first.kind, first=first.reason[:300])
        return written.rows

    def save_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Raises StoreUnavailable."""
        self._writer.save_instruments(instruments)

    def make_partitions(self) -> None:
        """Make partitions ahead. Raises StoreUnavailable."""
        ensure_ahead(self._engine, _now_ms(), sorted(self._venues))

    def expire(self) -> None:
        """Drop and delete what retention lets go. Raises StoreUnavailable."""
        for dropped in drop_expired(self._engine, _now_ms(), self._retention_days):
            log.info("partition.dropped", name=dropped.name, reason=dropped.reason)
        if self._is_playing:
            return
        for rule, rows in expire(self._engine, _now_ms(), rules(self._max_mb)):
            log.info("rows.expired", relation=rule.relation, rows=rows, days=rule.days)

    def shrink(self) -> list[str]:
        """Keep the database below its limit; what went for that, in words. Raises StoreUnavailable."""
        if not self._max_mb:
            return []
        guarded = shrink(self._engine, _now_ms(), self._max_mb)
        is_over = guarded.used_bytes > self._max_mb * 1_000_000 and not guarded.shortened
        if is_over and not self._is_over:
            log.warning("history.too_large", bytes=guarded.used_bytes, max_mb=self._max_mb)
        self._is_over = is_over
        return [shortened.detail for shortened in guarded.shortened]

    def pack(self) -> None:
        """Pack a finished partition. Raises StoreUnavailable."""
        if packed := pack(self._engine, _now_ms()):
            log.info("partition.packed", name=packed)

    def scoring(self) -> AbstractContextManager[Scoring | None]:
        """A turn at the scoreboard, on a connection that is there only meanwhile. See `scoring`."""
        return scoring(self._scoring)

    def tickers(self) -> list[TickerRow]:
        """Last known tickers of all venues. Raises StoreUnavailable."""
        return self._reader.tickers()

    def newest_klines(self, venue: str, symbols: Sequence[str], per_series: int) -> list[Kline]:
        """The newest closed candles of these symbols, of every interval. Raises StoreUnavailable."""
        instruments = [(venue, symbol) for symbol in symbols]
        found = self._reader.newest_klines(instruments, list(INTERVAL_MS), per_series)
        return [kline for _, klines in found for kline in klines]

    def past(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> dict[tuple[str, str], Past]:
        """(symbol, interval) -> the newest `most` closed candles, ascending. Raises StoreUnavailable."""
        with self._past() as reader:
            found = reader.packed_klines(venue, symbols, intervals, most)
        return {series: _unpacked(packed) for series, packed in found.items()}

    def minutes(self, venue: str, symbols: Sequence[str], since: int) -> dict[str, Minutes]:
        """Symbol -> its closed 1m candles from epoch ms `since` on. Raises StoreUnavailable."""
        with self._past() as reader:
            found = reader.packed_minutes(venue, symbols, since)
        return {symbol: _minutes(packed) for symbol, packed in found.items()}

    def owed_closes(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> dict[tuple[str, str], list[int]]:
        """See `TrackReader.owed_closes`. Raises StoreUnavailable."""
        with self._past() as reader:
            return reader.owed_closes(venue, symbols, intervals, most)

    def paper_states(self, venue: str) -> list[tuple[str, int, dict[str, Any]]]:
        """(symbol, step, state) of a venue's paper trading, after the last step of each rule.

        Raises StoreUnavailable.
        """
        with self._past() as reader:
            stored = reader.paper_states(venue)
        found = {(symbol, state["interval"], state["rule"]): (step, state) for symbol, step, state in stored}
        for batch in self._spool.waiting(["paper_steps"]):
            for row in batch.paper_steps:
                key = row[1:4]
                if row.venue == venue and (key not in found or row.step > found[key][0]):
                    found[key] = (row.step, json.loads(row.state))
        return [(key[0], *each) for key, each in found.items()]

    def recent_signals(self, venue: str, since: int) -> list[tuple[SignalRow, set[int]]]:
        """A venue's signals, and the horizons of each that are priced. Raises StoreUnavailable."""
        with self._past() as reader:
            found = {row[:5]: (row, done) for row, done in reader.recent_signals(venue, since)}
        for batch in self._spool.waiting(["signals", "outcomes"]):
            for row in batch.signals:
                if row.venue == venue and row.ts >= since:
                    found.setdefault(row[:5], (row, set()))
            for outcome in batch.outcomes:
                if outcome[:5] in found:
                    found[outcome[:5]][1].add(outcome.horizon_s)
        return list(found.values())

    @contextmanager
    def _past(self) -> Iterator[HistoryReader]:
        """Who reads the past: the connection of starts, or while a venue has it the one for all else."""
        if not self._starting.acquire(blocking=False):
            if not self._engine.pool.checkedout():  # type: ignore[attr-defined]
                yield self._reader
                return
            self._starting.acquire()
        try:
            yield self._past_reader
        finally:
            self._starting.release()

    def open_gaps(self, venue: str) -> list[GapRow]:
        """The gaps of a venue that last. Raises StoreUnavailable."""
        lasting = {row[:4]: row for row in self._reader.open_gaps(venue)}
        for row in self._spool.left(venue, 0)[0]:
            if row.ended_at is None:
                lasting.setdefault(row[:4], row)
            else:
                lasting.pop(row[:4], None)
        return list(lasting.values())

    def unrepaired_gaps(self, venue: str, since: int) -> list[GapRow]:
        """A venue's gaps of candles that began since then, are over, and of which no repair is known.

        Raises StoreUnavailable.
        """
        found = {row[:4]: row for row in self._reader.unrepaired_gaps(venue, since)}
        for row in self._spool.left(venue, 0)[0]:
            if row.repaired != "no":
                found.pop(row[:4], None)
            elif row.channel == "kline" and row.ended_at is not None and row.started_at >= since:
                found.setdefault(row[:4], row)
        return list(found.values())

    def last_seen(self, venue: str, before: int) -> dict[str, int]:
        """Symbol -> epoch ms of the last sign of it before that, by the venue's clock.

        Raises StoreUnavailable.
        """
        seen = self._reader.last_seen(venue, before)
        for symbol, ts in self._spool.left(venue, before)[1].items():
            seen[symbol] = max(ts, seen.get(symbol, 0))
        return seen

    def stored_klines(self, venue: str, since: Mapping[str, int]) -> dict[tuple[str, str], Stored]:
        """What is held, by (symbol, interval), from `since[interval]` on. Raises StoreUnavailable."""
        return {series: Stored(*held) for series, held in self._reader.held_klines(venue, since).items()}


def _now_ms() -> int:
    return CLOCK.now_ms()


def _unpacked(packed: bytes) -> Past:
    seconds, open_, high, low, close, volume, turnover, is_whole = (
        np.frombuffer(packed, dtype=">f8").reshape(-1, WIDTH).T.astype(np.float64)
    )
    times = np.rint(seconds * 1000).astype(np.int64)
    return Past(times, open_, high, low, close, volume, turnover, is_whole.astype(np.bool_))


def _minutes(packed: bytes) -> Minutes:
    seconds, turnover, volume, bought, is_whole = (
        np.frombuffer(packed, dtype=">f8").reshape(-1, DAY_WIDTH).T.astype(np.float64)
    )
    return Minutes(
        np.rint(seconds * 1000).astype(np.int64), turnover, volume, bought, is_whole.astype(np.bool_)
    )
