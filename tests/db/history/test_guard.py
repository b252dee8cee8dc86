"""HISTORY_MAX_MB: what goes, in which order, and what never goes."""

import pytest
from sqlalchemy import Engine, text

from db.errors import StoreBusy
from db.history import partitions
from db.history.guard import shrink
from db.history.partitions import SPAN_MS
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter
from tests.db.history.rows import T0, batch, gap, kline, tick

NOON = T0 - T0 % SPAN_MS
EVENING = NOON + SPAN_MS
QUIET = NOON + 2 * SPAN_MS - 1
"""Long after the end of the partition before."""


def _fill(
    writer: HistoryWriter, start: int, rows: int, *, length_ms: int = 3_600_000, first: int = 0
) -> None:
    """So many ticks, evenly in so much time."""
    for begin in range(0, rows, 10_000):
        numbers = range(begin, min(rows, begin + 10_000))
        writer.write(batch([tick(first + n, ts=start + n * length_ms // rows) for n in numbers]))


def _mb(engine: Engine) -> int:
    """MB of the whole database, rounded down."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0) // 1_000_000


def _ticks(engine: Engine) -> tuple[int, int]:
    """How many, and how long after noon the first is, in ms."""
    with engine.connect() as connection:
        count, first = connection.execute(text("SELECT count(*), min(ts) FROM tick_rows")).one()
    return count, int(first.timestamp() * 1000) - NOON


def test_a_database_within_its_limit_is_left_alone(writer: HistoryWriter, engine: Engine) -> None:
    """Nothing goes, and without a limit nothing ever."""
    _fill(writer, NOON, 100)
    assert shrink(engine, QUIET, 1_000).shortened == []
    assert shrink(engine, QUIET, 0).shortened == []
    assert shrink(engine, QUIET, 1_000).used_bytes // 1_000_000 == _mb(engine)


def test_the_oldest_partitions_go_first_and_no_more_than_needed(
    writer: HistoryWriter, engine: Engine
) -> None:
    """One large old one is enough, and it is said what went and why."""
    _fill(writer, NOON, 20_000)
    for n in range(1, 4):
        _fill(writer, NOON + n * SPAN_MS, 10)
    (gone,) = shrink(engine, NOON + 4 * SPAN_MS, _mb(engine) - 1).shortened
    assert gone.until == EVENING
    assert gone.detail.startswith("ticks before 2026-09-21 16:00:00 UTC are dropped: the database uses")
    assert len(partitions.starts(engine)) == 3


def test_partitions_made_ahead_stay(writer: HistoryWriter, engine: Engine) -> None:
    """However small the limit: there is nothing in them, and they will be needed."""
    partitions.ensure_ahead(engine, EVENING, ["bybit"])
    _fill(writer, NOON, 100)
    shrink(engine, EVENING + SPAN_MS // 2, 1)
    assert partitions.starts(engine) == [EVENING + n * SPAN_MS for n in range(3)]


def test_what_ended_a_moment_ago_stays_while_the_limit_is_near(writer: HistoryWriter, engine: Engine) -> None:
    """The last ten minutes are looked at. Far beyond the limit it goes all the same."""
    _fill(writer, NOON, 20_000)
    _fill(writer, EVENING, 8)
    limit = _mb(engine)
    soon = EVENING + 60_000
    assert shrink(engine, soon, limit).shortened == []
    assert shrink(engine, soon, limit // 2).shortened[0].until == EVENING
    assert NOON not in partitions.starts(engine)


def test_a_partition_too_large_by_itself_loses_its_oldest_quarter(
    writer: HistoryWriter, engine: Engine
) -> None:
    """Of the time it covers, in every venue's part; what is free in the files counts as free."""
    _fill(writer, NOON, 20_000)
    writer.write(batch([tick(n, venue="binance", ts=NOON + n * 36_000) for n in range(100)]))
    limit = _mb(engine)
    guarded = shrink(engine, NOON + 3_600_000, limit)
    (gone,) = guarded.shortened
    assert gone.until == NOON + 900_000
    assert _ticks(engine) == (15_075, 900_000)
    assert _mb(engine) == limit, "files do not shrink"
    assert guarded.used_bytes < limit * 1_000_000
    assert shrink(engine, NOON + 3_600_000, limit).shortened == [], "and no more goes than was needed"


def test_the_files_do_not_grow_while_rows_come_and_go(writer: HistoryWriter, engine: Engine) -> None:
    """Twelve times as many rows as there is room for: the limit holds, and the newest are there."""
    _fill(writer, NOON, 20_000)
    limit, quarter = _mb(engine), 900_000
    for n in range(12):
        start = NOON + 4 * quarter + n * quarter
        _fill(writer, start, 5_000, length_ms=quarter, first=100_000 * (n + 1))
        shrink(engine, start + quarter, limit)
    count, first = _ticks(engine)
    assert _mb(engine) <= limit * 1.1
    assert 10_000 <= count <= 20_000
    assert first >= 10 * quarter


def test_nothing_but_ticks_goes(writer: HistoryWriter, engine: Engine, reader: HistoryReader) -> None:
    """Candles of every interval, gaps and events stay where the limit is smaller than an empty database."""
    rows = [kline(n) for n in range(50)] + [kline(interval="1h", open_time=NOON)]
    writer.write(batch([tick(n) for n in range(50)], rows, gaps=[gap()]))
    for _ in range(20):
        shrink(engine, T0 + 1_000, 1)
    assert len(reader.klines("bybit", "ETHUSDT", "1m")) == 50
    assert len(reader.klines("bybit", "ETHUSDT", "1h")) == 1
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM gaps")) == 1


def test_one_worker_deletes_at_a_time(writer: HistoryWriter, engine: Engine) -> None:
    """Who comes while another is at it does nothing."""
    _fill(writer, NOON, 100)
    with engine.connect() as other:
        other.execute(text("SELECT pg_advisory_lock(7113304)"))
        assert shrink(engine, NOON + 3_600_000, 1).shortened == []
        other.execute(text("SELECT pg_advisory_unlock_all()"))
    assert len(shrink(engine, NOON + 3_600_000, 1).shortened) == 1


def test_a_partition_that_is_read_is_tried_again_later(writer: HistoryWriter, engine: Engine) -> None:
    """Nobody waits behind the guard for long."""
    _fill(writer, NOON, 100)
    _fill(writer, EVENING, 100)
    with engine.connect() as reading:
        reading.execute(text("SELECT count(*) FROM tick_rows"))
        with pytest.raises(StoreBusy):
            shrink(engine, QUIET, 1)
    assert NOON in partitions.starts(engine)
    shrink(engine, QUIET, 1)
    assert NOON not in partitions.starts(engine)
