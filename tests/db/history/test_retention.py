"""What is deleted when it is old, and what never is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, text

from db.history.engine import writer_engine
from db.history.reader import HistoryReader
from db.history.retention import Rule, expire, rules
from db.history.writer import HistoryWriter
from db.rows import Batch, DeadLetterRow, FeedEventRow
from tests.db.history.rows import MINUTE, OPEN, T0, batch, gap, kline

DAY_MS = 86_400_000
MINUTES = [rule for rule in rules(0) if rule.relation == "kline_rows"]


@pytest.fixture
def other(database_url: str) -> Iterator[Connection]:
    """Another worker's connection."""
    made = writer_engine(database_url)
    with made.connect() as connection:
        yield connection
    made.dispose()


def _said(engine: Engine, now: int, chosen: list[Rule], **options: int) -> dict[str, int]:
    return {rule.relation: rows for rule, rows in expire(engine, now, chosen, **options)}


def test_minutes_go_when_they_are_old_and_nothing_longer(
    writer: HistoryWriter, engine: Engine, reader: HistoryReader
) -> None:
    """1m candles of every instrument; those of 5m and up stay for ever, however old."""
    minutes = [kline(n, symbol=s) for n in range(4) for s in ("ETHUSDT", "BTCUSDT")]
    longer = [kline(interval=i, open_time=OPEN - OPEN % 86_400_000) for i in ("5m", "15m", "1h", "4h", "1d")]
    writer.write(batch(klines=minutes + longer))
    assert _said(engine, OPEN + 31 * DAY_MS, rules(0)) == {}
    assert _said(engine, OPEN + 31 * DAY_MS + 2 * MINUTE, rules(0)) == {"kline_rows": 4}
    assert [k.open_time for k in reader.klines("bybit", "BTCUSDT", "1m")] == [
        OPEN + n * MINUTE for n in (2, 3)
    ]
    assert _said(engine, OPEN + 10_000 * DAY_MS, rules(0)) == {"kline_rows": 4}
    for interval in ("5m", "15m", "1h", "4h", "1d"):
        assert len(reader.klines("bybit", "ETHUSDT", interval)) == 1


def test_a_small_database_keeps_minutes_for_a_week(writer: HistoryWriter, engine: Engine) -> None:
    """Where HISTORY_MAX_MB leaves little room."""
    writer.write(batch(klines=[kline()]))
    assert _said(engine, OPEN + 8 * DAY_MS, rules(5_000)) == {}
    assert _said(engine, OPEN + 8 * DAY_MS, rules(700)) == {"kline_rows": 1}


def test_events_letters_and_ended_gaps_go(
    writer: HistoryWriter, engine: Engine, reader: HistoryReader
) -> None:
    """A gap that lasts stays, however long it does."""
    lasting = gap(1, ended_at=None)
    letters = [
        DeadLetterRow(T0, "ticks", "overflow", "[1]"),
        DeadLetterRow(T0 + DAY_MS, "ticks", "no", "[2]"),
    ]
    writer.write(
        Batch(
            "b",
            feed_events=[
                FeedEventRow(T0, "bybit", "w", "connected", ""),
                FeedEventRow(T0 + DAY_MS, "", "w", "x", ""),
            ],
            gaps=[gap(), lasting],
            dead_letters=letters,
        )
    )
    assert _said(engine, T0 + 30 * DAY_MS + 1, rules(0)) == {"feed_events": 1, "dead_letters": 1}
    assert [event[3] for event in reader.last_feed_events()] == ["x"]
    assert _said(engine, T0 + 366 * DAY_MS, rules(0)) == {"gap_rows": 1, "feed_events": 1, "dead_letters": 1}
    assert reader.open_gaps("bybit") == [lasting]


def test_rows_go_a_few_at_a_time(writer: HistoryWriter, engine: Engine, reader: HistoryReader) -> None:
    """As many steps as it takes, but only while there is time; what is left goes with the next call."""
    writer.write(batch(klines=[kline(n) for n in range(250)]))
    now = OPEN + 31 * DAY_MS + 240 * MINUTE
    assert _said(engine, now, MINUTES, within_s=0, batch=100) == {}
    assert _said(engine, now, MINUTES, batch=100) == {"kline_rows": 240}
    assert len(reader.klines("bybit", "ETHUSDT", "1m")) == 10


def test_relations_that_do_not_exist_are_passed_over(engine: Engine) -> None:
    """A table of a later version is no reason to fail."""
    assert expire(engine, T0, [Rule("rows_of_tomorrow", "ts", 1)]) == []


def test_one_worker_deletes_at_a_time(writer: HistoryWriter, engine: Engine, other: Connection) -> None:
    """Who comes meanwhile does nothing, and waits for nobody."""
    writer.write(batch(klines=[kline()]))
    with other.begin():
        other.execute(text("SELECT pg_advisory_xact_lock(7113306)"))
        assert expire(engine, OPEN + 99 * DAY_MS, MINUTES) == []
    assert len(expire(engine, OPEN + 99 * DAY_MS, MINUTES)) == 1


def test_what_is_locked_is_passed_over(writer: HistoryWriter, engine: Engine, other: Connection) -> None:
    """The next call finds it again; the other tables are swept."""
    writer.write(batch(klines=[kline()], feed_events=[FeedEventRow(T0, "bybit", "w", "connected", "")]))
    with other.begin():
        other.execute(text("LOCK TABLE kline_rows IN ACCESS EXCLUSIVE MODE"))
        assert _said(engine, OPEN + 99 * DAY_MS, rules(0)) == {"feed_events": 1}
    assert _said(engine, OPEN + 99 * DAY_MS, rules(0)) == {"kline_rows": 1}


def test_rows_are_written_while_others_are_deleted(writer: HistoryWriter, engine: Engine) -> None:
    """Neither waits for the other, and each old row goes once."""
    writer.write(batch(klines=[kline(n) for n in range(2_000)]))
    now = OPEN + 31 * DAY_MS + 2_000 * MINUTE
    with ThreadPoolExecutor(1) as pool:
        deleted = pool.submit(expire, engine, now, MINUTES, batch=100)
        written = [writer.write(batch(klines=[kline(50_000 + n)])).klines for n in range(50)]
        assert sum(rows for _, rows in deleted.result()) == 2_000
    assert written == [1] * 50
