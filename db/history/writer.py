"""Batches into Postgres, one transaction each. A batch written again, or by two workers, changes nothing."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec
import psycopg2
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from db.errors import BatchRefused, SchemaMismatch, StoreBusy, StoreUnavailable
from db.history import partitions, signal_rows, staging, statements
from db.history.engine import first_line, postgres_errors, sqlstate
from db.history.screening import screened
from db.rows import Batch, DeadLetterRow, KlineRow, TickerRow
from market.instruments import Instrument, unknown_instrument
from market.kline_series import RANK


class Written(NamedTuple):
    """What a batch changed: rows new or changed of each kind, and the rows that were refused.

    `klines` holds the `revisions`: stored candles whose numbers the venue corrected. A gap counts in `gaps`
    as often as the batch changed it. `refused` are the batch's dead letters.
    """

    ticks: int
    klines: int
    revisions: int
    tickers: int
    feed_events: int
    gaps: int
    refused: tuple[DeadLetterRow, ...]
    indicators: int = 0
    signals: int = 0
    outcomes: int = 0
    paper_trades: int = 0

    @property
    def rows(self) -> int:
        """Rows new or changed, of every kind but the refused ones."""
        judged = self.indicators + self.signals + self.outcomes + self.paper_trades
        return self.ticks + self.klines + self.tickers + self.feed_events + self.gaps + judged


class HistoryWriter:
    """Writes batches. For one thread at a time; the rest of the work may go on beside it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._slots: set[partitions.Slot] = set()
        self._names: set[tuple[str, str]] = set()

    def write(self, batch: Batch) -> Written:
        """Write a batch in one transaction; where that fails, nothing of it is stored.

        Rows that no table would take become dead letters. Raises StoreUnavailable, with its kinds, when
        another try may help; BatchRefused when the database refuses rows; SchemaMismatch when it has other
        tables than this code knows.
        """
        good = _one_per_key(screened(batch))
        with self._lock, _write_errors(self._engine):
            try:
                return self._try(good)
            except (IntegrityError, psycopg2.IntegrityError) as error:
                if _names_a_constraint(error):
                    raise
                # A partition or an instrument that we remember is gone: somebody emptied the database.
                self._slots.clear()
                self._names.clear()
                return self._try(good)

    def save_instruments(self, instruments: Sequence[Instrument]) -> None:
        """Keep what a venue says of its instruments; what it does not say stays. Raises StoreUnavailable."""
        if not instruments:
            return
        rows = [
            statements.instrument_values(i) for i in sorted(instruments, key=lambda i: (i.venue, i.symbol))
        ]
        with postgres_errors(), self._engine.begin() as connection:
            connection.execute(statements.INSTRUMENT, rows)

    def _try(self, batch: Batch) -> Written:
        self._prepare(batch)
        with self._engine.connect() as connection:
            try:
                staging.make_tables(connection)
                with connection.begin():
                    return _write(connection, batch)
            finally:
                # COPY runs beside SQLAlchemy, so the pool does not notice by itself that the server is gone.
                driver = connection.connection.driver_connection if not connection.invalidated else None
                if driver is not None and driver.closed:
                    connection.invalidate()

    def _prepare(self, batch: Batch) -> None:
        """Partitions and instruments that this batch is the first to need."""
        slots = {partitions.slot_of(row.ts, row.venue) for row in batch.ticks} - self._slots
        if slots:
            partitions.ensure(self._engine, slots)
            self._slots |= slots
        names = _names_of(batch) - self._names
        if names:
            rows = [statements.instrument_values(unknown_instrument(*name)) for name in sorted(names)]
            with self._engine.begin() as connection:
                connection.execute(statements.NEW_INSTRUMENT, rows)
            self._names |= names


def _names_a_constraint(error: Exception) -> bool:
    """Whether a row breaks a rule that has a name; a partition that is missing has none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    diagnostics = getattr(cause, "diag", None)
    return bool(diagnostics and diagnostics.constraint_name)


@contextmanager
def _write_errors(engine: Engine) -> Iterator[None]:
    """Tell apart what went wrong. After most failures the connection is given up.

    It may lead to a server that is read-only now, or is gone.
    """
    try:
        with postgres_errors():
            yield
    except StoreBusy:
        raise
    except StoreUnavailable as error:
        engine.dispose()
        code = sqlstate(error.__cause__)
        if code.startswith(_OF_THE_ROWS):
            raise BatchRefused(str(error)) from error
        if code in _OF_THE_SCHEMA:
            raise SchemaMismatch(f"the tables are not as needed: {error}") from error
        raise
    except (DBAPIError, psycopg2.Error) as error:  # what postgres_errors lets pass: refused rows
        raise BatchRefused(first_line(error)) from error


_OF_THE_ROWS = ("0A", "21", "38", "39", "44", "54", "P0")
"""Classes of errors that come from what is written, beside refused data and broken constraints: too large,
twice in one statement, or refused by a trigger or a view.
"""
_OF_THE_SCHEMA = {"42P01", "42703", "42883", "42704", "3F000"}
"""No such table, column, function, type or schema."""


def _write(connection: Connection, batch: Batch) -> Written:
    ticks = klines = revisions = tickers = feed_events = gaps = 0
    if batch.ticks:
        staging.copy(connection, "staged_ticks", staging.tick_lines(batch.ticks))
        ticks = connection.execute(statements.TICKS).rowcount
    if batch.klines:
        staging.copy(connection, "staged_klines", staging.kline_lines(batch.klines))
        klines, revisions = connection.execute(statements.KLINES).one()
    if batch.tickers:
        staging.copy(connection, "staged_tickers", staging.ticker_lines(batch.tickers))
        tickers = connection.execute(statements.TICKERS).rowcount
    if batch.feed_events:
        staging.copy(connection, "staged_feed_events", staging.feed_event_lines(batch.feed_events))
        feed_events = connection.execute(statements.FEED_EVENTS).rowcount
    if batch.gaps:
        lines, turns = staging.gap_lines(batch.gaps)
        staging.copy(connection, "staged_gaps", lines)
        gaps = sum(connection.execute(statements.GAPS, {"turn": turn}).rowcount for turn in range(turns))
    if batch.dead_letters:
        connection.execute(statements.DEAD_LETTERS, [row._asdict() for row in batch.dead_letters])
    judged = signal_rows.write(connection, batch)
    return Written(ticks, klines, revisions, tickers, feed_events, gaps, tuple(batch.dead_letters), *judged)


def _names_of(batch: Batch) -> set[tuple[str, str]]:
    return (
        {row[:2] for row in batch.ticks}
        | {(row.venue, row.kline.symbol) for row in batch.klines}
        | {(row.venue, row.symbol) for row in batch.tickers}
        | {row[:2] for row in batch.gaps}
        | {row[:2] for rows in (batch.indicators, batch.signals, batch.outcomes) for row in rows}
        | {row[:2] for row in batch.paper_steps}
    )


def _one_per_key(batch: Batch) -> Batch:
    """The batch with one candle and one ticker per key: one statement must not change a row twice."""
    if len(batch.klines) < 2 and len(batch.tickers) < 2:
        return batch
    klines, tickers = _merge_klines(batch.klines), _merge_tickers(batch.tickers)
    return msgspec.structs.replace(batch, klines=klines, tickers=tickers)


def _merge_klines(rows: Iterable[KlineRow]) -> list[KlineRow]:
    """One row per candle, chosen as the database would."""
    best: dict[tuple[str, str, str, int], KlineRow] = {}
    for row in rows:
        key = (row.venue, row.kline.symbol, row.kline.interval, row.kline.open_time)
        held = best.get(key)
        if held is None or _rank(row) > _rank(held):
            best[key] = row
    return list(best.values())


def _rank(row: KlineRow) -> tuple[bool, int, int]:
    kline = row.kline
    is_stream = kline.source == "stream"
    return kline.complete, RANK[kline.source], kline.trades is not None if is_stream else kline.recv_time


def _merge_tickers(rows: Iterable[TickerRow]) -> list[TickerRow]:
    """The newest row of each instrument."""
    newest: dict[tuple[str, str], TickerRow] = {}
    for row in sorted(rows, key=lambda r: r.recv_time or 0):
        newest[row.venue, row.symbol] = row
    return list(newest.values())
