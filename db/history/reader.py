"""What the history holds: candles, ticks, tickers, instruments, sizes. Times are epoch ms both ways."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Select,
    and_,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)

from db.history import downsample, ledger, packed, runs
from db.history.columns import (
    KLINE,
    TICK,
    as_kline,
    as_tick,
    between,
    moment,
    moment_of_us,
    ms,
    of_instrument,
    of_series,
    us,
)
from db.history.engine import postgres_errors
from db.history.ledger import GapFilter, GapPage, GapPlace
from db.history.partitions import start_of
from db.history.record import RecordReader
from db.history.runs import SignalRun
from db.history.status import StatusReader
from db.rows import GapRow, TickerRow, TickRow
from db.schema import feed_events, instruments, kline_rows, tick_rows, tickers
from market.events import Kline
from market.instruments import Instrument

Series = tuple[str, str, str]
"""Venue, symbol, interval."""


class TickPlace(NamedTuple):
    """Where one page of ticks ends: epoch microseconds and update id of its last row."""

    us: int
    update_id: int


class TickPage(NamedTuple):
    """Some ticks, ascending, and where they end; None if there are no more."""

    rows: list[TickRow]
    end: TickPlace | None


class Held(NamedTuple):
    """The whole candles of one series in a span: how many, and the open times of the first and the last."""

    candles: int
    first_open_time: int
    last_open_time: int


class Sizes(NamedTuple):
    """How much is stored; rows are the database's own estimate.

    `first_partition`: first epoch ms of the oldest tick partition, None if there is none.
    """

    database_bytes: int
    tick_bytes: int
    tick_rows: int
    kline_rows: int
    tick_partitions: int
    first_partition: int | None


_K = kline_rows.c
_T = tick_rows.c
_TICK_ORDER = (_T.ts, _T.update_id)
_TICKER_TIMES = {"next_funding_time", "event_time", "recv_time"}


class HistoryReader(RecordReader, StatusReader):
    """Reads, on a reading engine. Every method raises StoreUnavailable; what is unknown is simply empty."""

    def klines(
        self,
        venue: str,
        symbol: str,
        interval: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Kline]:
        """Closed candles that open in [start, end), ascending: the first `limit`; without start the last."""
        chosen = [*of_series(venue, symbol, interval), *between(_K.open_time, start, end)]
        query = select(*KLINE).where(*chosen).limit(limit)
        query = query.order_by(_K.open_time.desc() if start is None else _K.open_time)
        with postgres_errors(), self._engine.connect() as connection:
            found = [as_kline(symbol, row) for row in connection.execute(query)]
        return found[::-1] if start is None else found

    def newest_klines(
        self, instruments: Sequence[tuple[str, str]], intervals: Sequence[str], limit: int
    ) -> Iterator[tuple[Series, list[Kline]]]:
        """The newest `limit` closed candles of each (venue, symbol) and interval, ascending.

        In one round trip. Everything is read when this returns, and becomes candles series by series: they
        take ten times as much memory. A series that holds nothing is left out.
        """
        from db.history.newest import newest_klines  # here: it brings numpy, which the web does without

        return newest_klines(self._engine, instruments, intervals, limit)

    def packed_klines(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> dict[tuple[str, str], bytes]:
        """(symbol, interval) -> the newest `most` closed candles, ascending, in one query.

        Each candle is `packed.WIDTH` doubles, big-endian.
        """
        with postgres_errors(), self._engine.connect() as connection:
            return packed.newest(connection, venue, symbols, intervals, most)

    def signal_runs(
        self, venues: Sequence[str], interval: str, most: int
    ) -> dict[tuple[str, str], SignalRun]:
        """(venue, symbol) -> the signal of the newest close and since when it holds, `most` closes back."""
        with postgres_errors(), self._engine.connect() as connection:
            return runs.newest(connection, venues, interval, most)

    def packed_minutes(self, venue: str, symbols: Sequence[str], since: int) -> dict[str, bytes]:
        """Symbol -> its closed 1m candles from epoch ms `since` on, ascending, in one query.

        Each is `packed.DAY_WIDTH` doubles, big-endian.
        """
        with postgres_errors(), self._engine.connect() as connection:
            return packed.minutes(connection, venue, symbols, since)

    def held_klines(self, venue: str, since: Mapping[str, int]) -> dict[tuple[str, str], Held]:
        """(symbol, interval) -> the whole candles held that open at or after `since[interval]`."""
        if not since:
            return {}
        spans = [and_(_K.interval == i, _K.open_time >= moment(start)) for i, start in since.items()]
        open_ms = ms(_K.open_time)
        query = (
            select(instruments.c.symbol, _K.interval, func.count(), func.min(open_ms), func.max(open_ms))
            .join(instruments, instruments.c.id == _K.instrument_id)
            .where(instruments.c.venue == venue, _K.complete, or_(*spans))
            .group_by(instruments.c.symbol, _K.interval)
        )
        with postgres_errors(), self._engine.connect() as connection:
            return {(row[0], row[1]): Held(*row[2:]) for row in connection.execute(query)}

    def ticks(
        self, venue: str, symbol: str, *, start: int | None = None, end: int | None = None, limit: int = 500
    ) -> list[TickRow]:
        """Changes of the top in [start, end), ascending: the first `limit`, without a start the last."""
        chosen = [*of_instrument(venue, symbol), *between(_T.ts, start, end)]
        query: Select[Any] = select(*TICK).where(*chosen).limit(limit)
        query = query.order_by(*((c.desc() for c in _TICK_ORDER) if start is None else _TICK_ORDER))
        with postgres_errors(), self._engine.connect() as connection:
            found = [as_tick(venue, symbol, row) for row in connection.execute(query)]
        return found[::-1] if start is None else found

    def tick_page(
        self, venue: str, symbol: str, since: int | TickPlace, *, end: int | None = None, limit: int = 500
    ) -> TickPage:
        """The first `limit` changes from epoch ms `since` on, or behind the end of a page; before `end`."""
        chosen = [*of_instrument(venue, symbol), *between(_T.ts, None, end)]
        if isinstance(since, TickPlace):
            ts = moment_of_us(since.us)
            # The second follows from the first; it alone tells which partitions need not be looked at.
            chosen += [tuple_(*_TICK_ORDER) > tuple_(literal(ts), literal(since.update_id)), _T.ts >= ts]
        else:
            chosen.append(_T.ts >= moment(since))
        query = select(us(_T.ts), *TICK).where(*chosen).order_by(*_TICK_ORDER).limit(limit + 1)
        with postgres_errors(), self._engine.connect() as connection:
            found = connection.execute(query).all()
        rows = [as_tick(venue, symbol, row[1:]) for row in found[:limit]]
        return TickPage(
            rows, TickPlace(found[limit - 1][0], rows[-1].update_id) if len(found) > limit else None
        )

    def ticks_downsampled(
        self, venue: str, symbol: str, *, start: int, end: int, max_points: int
    ) -> list[TickRow]:
        """Changes of the top in [start, end), ascending: all of them if they are at most `max_points`.

        Otherwise, of each of `max_points` / 2 equal parts of the time that they cover, those with the lowest
        and the highest mid (the first of equals): stored rows, no averages. Raises ValueError for
        `max_points` below 2.
        """
        with postgres_errors(), self._engine.connect() as connection:
            span = {"start": start, "end": end}
            return downsample.ticks(connection, venue, symbol, **span, max_points=max_points)

    def klines_downsampled(
        self, venue: str, symbol: str, interval: str, *, start: int, end: int, max_points: int
    ) -> list[Kline]:
        """Candles that open in [start, end), ascending: as they are if they are at most `max_points`.

        Otherwise joined by equal numbers of intervals. Each begins at a multiple of its length in UTC, save
        the first, which begins where the data does. First open, last close, highest high, lowest low, sums;
        `event_time` is the last ms inside.
        ``complete`` only if every part is there and whole. Raises ValueError for `max_points` below 1.
        """
        with postgres_errors(), self._engine.connect() as connection:
            span = {"start": start, "end": end}
            return downsample.klines(connection, venue, symbol, interval, **span, max_points=max_points)

    def tickers(self) -> list[TickerRow]:
        """The last known ticker of every instrument."""
        names = TickerRow.__struct_fields__
        columns = [ms(tickers.c[name]) if name in _TICKER_TIMES else tickers.c[name] for name in names]
        query = select(*columns).order_by(tickers.c.venue, tickers.c.symbol)
        with postgres_errors(), self._engine.connect() as connection:
            return [TickerRow(*row) for row in connection.execute(query)]

    def instruments(self) -> list[Instrument]:
        """Every instrument that was ever seen."""
        columns = [instruments.c[name] for name in Instrument.__struct_fields__]
        query = select(*columns).order_by(instruments.c.venue, instruments.c.symbol)
        with postgres_errors(), self._engine.connect() as connection:
            return [Instrument(*row) for row in connection.execute(query)]

    def last_feed_events(
        self, limit: int = 100, *, event: str | None = None
    ) -> list[tuple[int, str, str, str, str]]:
        """(ts, venue, worker, event, detail) of the newest, of that event if one is named, newest first."""
        c = feed_events.c
        query = select(ms(c.ts), c.venue, c.worker, c.event, c.detail).order_by(c.ts.desc()).limit(limit)
        if event is not None:
            query = query.where(c.event == event)
        with postgres_errors(), self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    def open_gaps(self, venue: str) -> list[GapRow]:
        """The gaps of a venue that last, ascending by start."""
        with postgres_errors(), self._engine.connect() as connection:
            return ledger.open_gaps(connection, venue)

    def unrepaired_gaps(self, venue: str, since: int) -> list[GapRow]:
        """A venue's gaps of candles that began since then, are over and not repaired, ascending by start."""
        with postgres_errors(), self._engine.connect() as connection:
            return ledger.unrepaired_gaps(connection, venue, since)

    def gaps(self, wanted: GapFilter, *, after: GapPlace | None = None, limit: int = 500) -> GapPage:
        """The first `limit` gaps wanted, behind the end of a page if given, ascending by start and id.

        Without a start and a page before it the last ones, and nothing after them.
        """
        with postgres_errors(), self._engine.connect() as connection:
            return ledger.page(connection, wanted, after, limit)

    def last_seen(self, venue: str, before: int) -> dict[str, int]:
        """Symbol -> epoch ms of the last sign of it before a time: of its ticker or of its newest tick."""
        with postgres_errors(), self._engine.connect() as connection:
            return ledger.last_seen(connection, venue, before)

    def behind_s(self) -> float:
        """Seconds since the last change that this server has taken from its primary; 0 on a primary."""
        with postgres_errors(), self._engine.connect() as connection:
            return float(connection.scalar(_BEHIND) or 0)

    def sizes(self) -> Sizes:
        """How much is stored, from the database's statistics: costs the same at any size."""
        with postgres_errors(), self._engine.connect() as connection:
            database, ticks, rows, klines, count, oldest = connection.execute(_SIZES).one()
        return Sizes(database, ticks, rows, klines, count, start_of(oldest) if oldest else None)


_BEHIND = text("""
SELECT CASE WHEN pg_is_in_recovery()
            THEN date_part('epoch', clock_timestamp() - pg_last_xact_replay_timestamp()) ELSE 0 END
""")
_SIZES = text("""
WITH leaves AS (
    SELECT p.relid, greatest(c.reltuples, 0)::bigint AS rows
    FROM pg_partition_tree('tick_rows') p JOIN pg_class c ON c.oid = p.relid WHERE p.isleaf
)
SELECT pg_database_size(current_database()),
       (SELECT coalesce(sum(pg_total_relation_size(relid)), 0)::bigint FROM leaves),
       (SELECT coalesce(sum(rows), 0)::bigint FROM leaves),
       (SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'kline_rows'::regclass),
       (SELECT count(*) FROM pg_inherits WHERE inhparent = 'tick_rows'::regclass),
       (SELECT min(inhrelid::regclass::text) FROM pg_inherits WHERE inhparent = 'tick_rows'::regclass)
""")
