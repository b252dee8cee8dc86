import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from db.errors import StoreBusy
from db.history import leases, packing, partitions
from db.history.engine import writer_engine
from db.history.packing import pack
from db.history.partitions import SPAN_MS, Slot
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter
from tests.db.history.rows import T0, batch, tick

NOON = T0 - T0 % SPAN_MS
DAY_MS = 86_400_000


def _names(engine: Engine) -> list[str]:
    query = text(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'tick_rows'::regclass ORDER BY 1"
    )
    with engine.connect() as connection:
        return list(connection.scalars(query))


def test_a_partition_is_four_hours_of_utc() -> None:
    """14:13 belongs to noon, and a name tells where its partition begins."""
    assert datetime.fromtimestamp(NOON / 1000, UTC).isoformat() == "2026-09-21T12:00:00+00:00"
    assert partitions.slot_of(T0, "bybit") == Slot(NOON, "bybit")
    assert partitions.start_of("tick_rows_20260921_12_sim_bybit") == NOON


def test_a_name_that_is_no_partition_is_refused() -> None:
    """start_of does not guess."""
    with pytest.raises(ValueError, match="tick_rows"):
        partitions.start_of("instruments")


def test_the_next_two_are_made_ahead(engine: Engine) -> None:
    """The current and the next two, for each venue; again is nothing new."""
    for _ in range(2):
        slots = partitions.ensure_ahead(engine, T0, ["bybit", "sim-bybit"])
        assert len(slots) == 6
    assert _names(engine) == ["tick_rows_20260921_12", "tick_rows_20260921_16", "tick_rows_20260921_20"]


def test_workers_that_make_the_same_partitions_do_not_collide(engine: Engine) -> None:
    """Two at once make each once."""
    slots = [Slot(NOON + n * SPAN_MS, v) for n in range(6) for v in ("binance", "bybit")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: partitions.ensure(engine, slots), range(2)))
    assert len(_names(engine)) == 6


def test_old_dates_get_their_partition_on_demand(
    writer: HistoryWriter, engine: Engine, reader: HistoryReader
) -> None:
    """Ticks of a recording from 2021, and the last and first ms of two partitions, are stored."""
    rows = [tick(0, ts=1_612_137_600_000), tick(1, ts=NOON - 1), tick(2, ts=NOON)]
    assert writer.write(batch(rows)).ticks == 3
    assert _names(engine) == ["tick_rows_20210201_00", "tick_rows_20260921_08", "tick_rows_20260921_12"]
    assert reader.ticks("bybit", "ETHUSDT") == rows


def test_making_one_waits_for_no_other_lock_for_long(engine: Engine, database_url: str) -> None:
    """Whoever comes meanwhile waits behind it; the leases of workers do not wait for it at all."""
    held = writer_engine(database_url, name="holder")
    with held.connect() as holder:
        holder.execute(text("LOCK TABLE tick_rows IN SHARE UPDATE EXCLUSIVE MODE"))
        began = time.monotonic()
        with pytest.raises(StoreBusy):
            partitions.ensure(engine, [Slot(NOON + 900 * SPAN_MS, "bybit")])
        assert time.monotonic() - began < 3  # of the 5 s that other statements wait
    held.dispose()
    assert len({partitions._LOCK, leases._LOCK, packing._LOCK}) == 3


def test_retention_drops_what_ended_long_enough_ago(writer: HistoryWriter, engine: Engine) -> None:
    """A partition goes when its end is past; 0 days keep everything."""
    now = NOON + SPAN_MS + 7 * DAY_MS
    writer.write(batch([tick(0, ts=NOON), tick(1, ts=NOON + SPAN_MS), tick(2, ts=now)]))
    assert partitions.drop_expired(engine, now, 0) == []
    assert partitions.drop_expired(engine, now - 1, 7) == []
    (dropped,) = partitions.drop_expired(engine, now, 7)
    assert (dropped.name, dropped.start) == ("tick_rows_20260921_12", NOON)
    assert "7 days" in dropped.reason
    assert len(_names(engine)) == 2


def test_a_partition_that_is_read_is_not_waited_for(writer: HistoryWriter, engine: Engine) -> None:
    """It stays, and nobody queues behind the one who wants to drop it; later it goes."""
    writer.write(batch([tick(0, ts=NOON)]))
    with engine.connect() as reading:
        reading.execute(text("SELECT count(*) FROM tick_rows"))
        with pytest.raises(StoreBusy):
            partitions.drop_expired(engine, NOON + 9 * DAY_MS, 7)
    assert len(partitions.drop_expired(engine, NOON + 9 * DAY_MS, 7)) == 1


def test_of_two_workers_one_drops(writer: HistoryWriter, engine: Engine) -> None:
    """The other finds it gone."""
    writer.write(batch([tick(0, ts=NOON)]))
    first = partitions.drop(engine, NOON, "old")
    assert first is not None and first.reason == "old"
    assert partitions.drop(engine, NOON, "old") is None


def test_packing_shrinks_a_finished_partition_once(
    writer: HistoryWriter, engine: Engine, reader: HistoryReader
) -> None:
    """A quarter of an hour after its end the index is built anew, smaller; rows and their key stay."""
    for start in range(0, 6_000, 100):
        symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
        writer.write(batch([tick(n, symbol=s) for n in range(start, start + 100) for s in symbols]))
    before = reader.sizes().tick_bytes
    end = NOON + SPAN_MS
    assert pack(engine, end) is None
    assert pack(engine, end + 900_000) == "tick_rows_20260921_12_bybit"
    assert pack(engine, end + 900_000) is None
    assert reader.sizes().tick_bytes < before * 0.9
    assert writer.write(batch([tick(0), tick(6_000)])).ticks == 1
