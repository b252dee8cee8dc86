"""How the history itself is doing, as it is read."""

import pytest
from sqlalchemy import Engine

from db.history.partitions import SPAN_MS, ensure, slot_of
from db.history.reader import HistoryReader
from db.history.status import Cells, EventCell, GapCell
from db.history.writer import HistoryWriter
from db.migrate import required_version
from db.rows import FeedEventRow
from tests.db.history.rows import MINUTE, T0, batch, gap, tick

QUARTER = 15 * MINUTE
DAY = Cells(T0 - T0 % QUARTER, QUARTER, 4)
"""An hour, in fact; it begins 13:20 minutes before T0."""


def test_an_empty_history_has_versions_and_nothing_else(reader: HistoryReader) -> None:
    """No tick, no incident, no cell."""
    assert reader.schema_version() == required_version()
    assert int(reader.server_version().partition(".")[0]) >= 16
    assert (reader.oldest_tick(), reader.incidents()) == (None, [])
    assert (reader.gap_cells(DAY), reader.event_cells(DAY)) == ([], [])


def test_the_oldest_tick_is_found_behind_empty_partitions(
    engine: Engine, reader: HistoryReader, writer: HistoryWriter
) -> None:
    """Of all instruments, in the first partition that holds one."""
    ensure(engine, [slot_of(T0 - SPAN_MS, "bybit")])
    ticks = [tick(n, symbol=symbol) for n in (7, 5, 9) for symbol in ("ETHUSDT", "BTCUSDT")]
    writer.write(batch([*ticks, tick(ts=T0 + SPAN_MS)]))
    assert reader.oldest_tick() == T0 + 5


def test_gaps_are_counted_in_every_cell_they_touch(reader: HistoryReader, writer: HistoryWriter) -> None:
    """By channel; the worst repair and every cause is told, and the whole span beside its parts."""
    long = gap(0, ended_at=T0 + 20 * MINUTE, cause="disconnect", repaired="yes")
    rows = [long, gap(1, symbol="BTCUSDT", cause="sequence"), gap(2, channel="trade", ended_at=None)]
    writer.write(batch(gaps=rows))
    assert reader.gap_cells(DAY) == [
        GapCell("bybit", "book", 0, 2, 2, 0, 1, "no", ["disconnect", "sequence"]),
        GapCell("bybit", "book", 1, 1, 1, 0, 1, "yes", ["disconnect"]),
        GapCell("bybit", "book", 2, 1, 1, 0, 1, "yes", ["disconnect"]),
        GapCell("bybit", "book", None, 2, 2, 0, 1, "no", ["disconnect", "sequence"]),
        *(GapCell("bybit", "trade", cell, 1, 1, 1, 0, "no", ["silent"]) for cell in (1, 2, 3)),
        GapCell("bybit", "trade", None, 1, 1, 1, 0, "no", ["silent"]),
    ]  # fmt: skip


def test_gaps_that_began_before_the_span_are_in_it(reader: HistoryReader, writer: HistoryWriter) -> None:
    """As far as they reach into it; what ended before is not."""
    early = gap(-600, ended_at=DAY.start + MINUTE)
    lasting = gap(-700, channel="kline", ended_at=None)
    writer.write(batch([tick()], gaps=[early, lasting, gap(-500)]))
    cells = [(c.channel, c.cell) for c in reader.gap_cells(DAY) if c.cell is not None]
    assert cells == [("book", 0), ("kline", 0), ("kline", 1), ("kline", 2), ("kline", 3)]


def test_events_are_counted_by_cell(reader: HistoryReader, writer: HistoryWriter) -> None:
    """Those of feeds, inside the span."""
    times = (DAY.start - 1, DAY.start, T0, T0 + 1, DAY.end)
    events = [FeedEventRow(ts, "bybit", "w", "resync", str(ts)) for ts in times]
    writer.write(batch(feed_events=[*events, FeedEventRow(T0, "", "w", "history_shortened", "")]))
    first = (T0 - DAY.start) // QUARTER
    assert first == 0
    assert reader.event_cells(DAY) == [EventCell("bybit", "resync", 0, 3)]


def test_gaps_that_overlap_are_one_incident(reader: HistoryReader, writer: HistoryWriter) -> None:
    """Of one venue and cause; what does not overlap is another, the newest first."""
    lost = [
        gap(0, symbol=symbol, channel=channel, started_at=T0 + n * 3000, ended_at=T0 + 20_000 + n,
            cause="disconnect", repaired=repaired, rows_recovered=n)
        for n, (symbol, channel, repaired) in enumerate(
            [("BTCUSDT", "book", "yes"), ("BTCUSDT", "trade", "partly"), ("ETHUSDT", "book", "no")]
        )
    ]  # fmt: skip
    writer.write(batch(gaps=[*lost, gap(0, cause="sequence"), gap(5, cause="disconnect", ended_at=None)]))
    newest, *others = reader.incidents()
    assert newest[:4] == ("bybit", "disconnect", T0 + 5 * MINUTE, None)
    assert (newest.gaps, newest.open) == (1, 1)
    assert {incident.cause for incident in others} == {"sequence", "disconnect"}
    whole = next(incident for incident in others if incident.cause == "disconnect")
    assert whole == (
        "bybit", "disconnect", T0, T0 + 20_002, ["book", "trade"], 2, "BTCUSDT", 3, 0, 1, 1, 3, "",
    )  # fmt: skip


@pytest.mark.parametrize("limit", [1, 2])
def test_incidents_are_limited(reader: HistoryReader, writer: HistoryWriter, limit: int) -> None:
    """The newest ones."""
    writer.write(batch(gaps=[gap(n) for n in range(4)]))
    found = [incident.started_at for incident in reader.incidents(limit)]
    assert found == [T0 + n * MINUTE for n in (3, 2, 1, 0)][:limit]
