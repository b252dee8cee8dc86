"""Rows on their way to the database."""

import time
from pathlib import Path
from typing import Any

import pytest

from collector import writer as writing
from db.errors import BatchRefused, SchemaMismatch
from db.rows import TickerRow
from tests.collector.histories import CANDLE, GAP, GONE, FakeHistory, batch, make, opened, tick
from tests.db.history.rows import indicators, outcome, paper_step, paper_trade, signal
from tests.db.spool.batches import drained


def test_rows_are_written_in_order_and_counted(tmp_path: Path) -> None:
    """In batches of bounded size, all of them by the time it has stopped; the disk is not touched."""
    history = FakeHistory()
    writer, told = make(history, tmp_path, flush_interval_ms=1_000)
    for n in range(12_000):
        writer.add_tick(tick(n))
    writer.start()
    assert writer.stop(15.0)
    assert history.update_ids == list(range(12_000))
    assert max(b.size for b in history.batches) <= writing.MAX_BATCH
    assert (writer.rows_written, writer.queued, writer.rows_dropped) == (12_000, 0, 0)
    assert told.written == history.batches
    assert list(tmp_path.glob("*.db")) == []


def test_a_batch_that_failed_is_sent_again_as_it_was(tmp_path: Path) -> None:
    """Same name, same rows, before anything newer."""
    history = FakeHistory(GONE, GONE)
    writer, _ = make(history, tmp_path)
    writer.add_tick(tick(1))
    writer.start()
    assert history.written.wait(15)
    writer.add_tick(tick(2))
    assert writer.stop(15.0)
    assert history.failed == [history.batches[0]] * 2
    assert history.update_ids == [1, 2]
    assert writer.state == "up"


def test_rows_wait_on_disk_while_the_database_is_silent(tmp_path: Path) -> None:
    """Those in a write that does not end too: nothing is only in memory for long."""
    history = FakeHistory()
    history.may_go_on.clear()
    writer, _ = make(history, tmp_path)
    writer.start()
    for n in range(3):
        writer.add_tick(tick(n))
        deadline = time.monotonic() + 15
        while writer._spool.rows != n + 1 or writer.queued:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    history.may_go_on.set()
    assert writer.stop(15.0)
    assert sorted(history.update_ids) == [0, 1, 2]
    assert list(tmp_path.glob("*.db")) == []


def test_what_the_database_does_not_take_in_time_is_on_disk_at_the_end(tmp_path: Path) -> None:
    """That is a good end; the next start writes it."""
    writer, _ = make(FakeHistory(always=GONE), tmp_path)
    writer.add_tick(tick(1))
    writer.add_kline(CANDLE, is_news=True)
    writer.add_gap(GAP)
    writer.start()
    assert writer.stop(15.0)
    assert (writer.state, writer.queued) == ("down", 0)
    history = FakeHistory()
    again, _ = make(history, tmp_path)
    again.start()
    assert again.stop(15.0)
    (found,) = history.batches
    assert (found.ticks, found.klines, found.gaps) == ([tick(1)], [CANDLE], [GAP])


def test_without_a_disk_an_end_with_rows_left_is_no_good_end(tmp_path: Path) -> None:
    """Nor does it take long."""
    (tmp_path / "file").write_text("in the way")
    writer, _ = make(FakeHistory(always=GONE), tmp_path / "file" / "spool")
    writer.add_tick(tick(1))
    writer.start()
    assert not writer.stop(15.0)


def test_a_write_that_does_not_end_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """What is in it is on disk."""
    history = FakeHistory()
    history.may_go_on.clear()
    writer, _ = make(history, tmp_path)
    writer.add_tick(tick(1))
    writer.start()
    assert writer.stop(3.0)
    history.may_go_on.set()
    with opened(tmp_path) as spool:
        assert [row for b in drained(spool) for row in b.ticks] == [tick(1)]


def test_when_not_even_the_disk_takes_rows_the_oldest_ticks_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candles and gaps never; each loss is counted and told to the ledger."""
    monkeypatch.setattr(writing, "MAX_TICKS", 100)
    writer, told = make(FakeHistory(), tmp_path)
    writer.add_kline(CANDLE, is_news=False)
    writer.add_gap(GAP)
    for n in range(105):
        writer.add_tick(tick(n))
    assert (writer.rows_dropped, writer.queued) == (5, 102)
    monkeypatch.setattr("db.spool.spool.CALM_S", 0.0)
    writer.start()
    deadline = time.monotonic() + 15
    while len(told.gaps) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert writer.stop(15.0)
    assert told.gaps[0] == GAP
    assert told.gaps[1][:6] == ("bybit", "BTCUSDT", "book", tick(0).ts, tick(4).ts, "spool_full")


def test_live_rows_go_before_candles_of_the_past(tmp_path: Path) -> None:
    """And at the end the past is left, to be asked for again: it holds nothing up."""
    history = FakeHistory()
    writer, _ = make(history, tmp_path, flush_interval_ms=1_000)
    for _ in range(writing.MAX_PAST * 3):
        writer.add_kline(CANDLE, is_news=False)
    for n in range(writing.MAX_BATCH):
        writer.add_tick(tick(n))
    writer._spool.open(lambda _event, _detail: None, lambda _row: None)
    writer._tick(is_last=False)
    for _ in range(3):
        writer._sender.turn()
    assert [(len(b.ticks), len(b.klines)) for b in history.batches] == [
        (writing.MAX_BATCH, 0),
        (0, writing.MAX_PAST),
        (0, writing.MAX_PAST),
    ]
    assert writer.stop(5.0)
    assert writer.queued == 0


def test_while_the_database_is_away_the_past_waits_on_disk_too(tmp_path: Path) -> None:
    """There may be much of it: memory is not the place."""
    writer, _ = make(FakeHistory(always=GONE), tmp_path)
    writer._spool.open(lambda _event, _detail: None, lambda _row: None)
    writer._outbox.close()
    for _ in range(writing.MAX_PAST + 1):
        writer.add_kline(CANDLE, is_news=False)
    writer._tick(is_last=False)
    assert (writer.queued, writer._spool.rows) == (0, writing.MAX_PAST + 1)
    assert writer.stop(5.0)


def test_a_bad_row_costs_no_other(tmp_path: Path) -> None:
    """The batch is cut until the row stands alone; what comes after it is written."""
    history = FakeHistory()
    history.refuses = lambda b: BatchRefused("not a row") if tick(5) in b.ticks else None
    writer, _ = make(history, tmp_path)
    for n in range(10):
        writer.add_tick(tick(n))
    writer.add_gap(GAP)
    writer.start()
    assert writer.stop(15.0)
    assert sorted(history.update_ids) == [0, 1, 2, 3, 4, 6, 7, 8, 9]
    assert [gap for b in history.batches for gap in b.gaps] == [GAP]
    assert [letter.reason for b in history.batches for letter in b.dead_letters] == ["not a row"]


def test_gaps_wait_however_many_they_are_and_are_told_at_once(tmp_path: Path) -> None:
    """None is dropped while the database is away; what is said of one is cut to what is kept."""
    history = FakeHistory()
    writer, told = make(history, tmp_path)
    rows = [GAP._replace(started_at=n, detail="x" * 600) for n in range(3 * writing.MAX_BATCH)]
    for row in rows:
        writer.add_gap(row)
    assert (writer.rows_dropped, writer.queued) == (0, len(rows))
    kept = [row._replace(detail="x" * writing.MAX_DETAIL) for row in rows]
    assert told.gaps == kept
    writer.start()
    assert writer.stop(15.0)
    assert [gap for b in history.batches for gap in b.gaps] == kept


def test_signals_are_kept_and_told(tmp_path: Path) -> None:
    """With indicators, outcomes and steps of paper trading; what can wait has room while little waits."""
    history = FakeHistory()
    writer, told = make(history, tmp_path)
    assert writer.has_room
    rows = (indicators(), signal(), outcome(), paper_step(1, paper_trade()))
    adds: tuple[Any, ...] = (
        writer.add_indicators,
        writer.add_signal,
        writer.add_outcome,
        writer.add_paper_step,
    )
    for add, row in zip(adds, rows, strict=True):
        add(row)
    assert (told.signals, writer.queued) == ([rows[1]], 4)
    for n in range(4_000):
        writer.add_indicators(indicators(n))
    assert not writer.has_room
    writer.start()
    assert writer.stop(10.0)
    kept = [
        row for b in history.batches for row in (*b.indicators[:1], *b.signals, *b.outcomes, *b.paper_steps)
    ]
    assert [row for row in kept if row in rows] == list(rows)
    assert sum(len(b.indicators) for b in history.batches) == 4_001


def test_what_can_wait_has_no_room_while_much_waits_on_disk(tmp_path: Path) -> None:
    """A slow database's rows are soon on disk and in memory no more: that makes no room for others."""
    history = FakeHistory()
    history.may_go_on.clear()
    writer, _ = make(history, tmp_path)
    writer.start()
    for n in range(writing.ROOM):
        writer.add_indicators(indicators(n))
    deadline = time.monotonic() + 15
    while writer.queued:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert not writer.has_room
    history.may_go_on.set()
    while not writer.has_room:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert writer.stop(15.0)


def test_only_a_new_candle_is_news(tmp_path: Path) -> None:
    """History that REST filled in is written and not announced."""
    writer, told = make(FakeHistory(), tmp_path)
    writer.add_kline(CANDLE, is_news=False)
    writer.add_kline(CANDLE, is_news=True)
    assert (told.news, writer.queued) == ([CANDLE], 2)


def test_tickers_go_with_a_batch_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    """What changed since the last time."""
    changes = [[TickerRow("bybit", "A", 1.0)], [TickerRow("bybit", "A", 2.0)]]
    history = FakeHistory()
    writer, _ = make(history, tmp_path, unsaved_tickers=lambda: changes.pop(0))
    writer.start()
    assert history.written.wait(15)
    assert writer.stop(15.0)
    assert [row.last_price for b in history.batches for row in b.tickers] == [1.0, 2.0]


def test_a_wrong_schema_is_waited_for(tmp_path: Path) -> None:
    """Nothing is written before the schema is right."""
    history = FakeHistory()
    history.check_answers.append(SchemaMismatch("older"))
    writer, _ = make(history, tmp_path)
    writer.add_tick(tick(1))
    writer.start()
    assert history.written.wait(15)
    assert writer.stop(15.0)
    assert (history.checked, history.failed, history.update_ids) == (2, [], [1])


def test_what_the_spool_has_to_say_is_a_feed_event(tmp_path: Path) -> None:
    """Written like all others, of no venue."""
    (tmp_path / "spool-0.db").write_bytes(b"no spool at all" * 999)
    history = FakeHistory()
    writer, _ = make(history, tmp_path)
    writer.start()
    assert history.written.wait(15)
    assert writer.stop(15.0)
    (event,) = [event for b in history.batches for event in b.feed_events]
    assert (event.venue, event.worker, event.event) == ("", "w", "spool_damaged")


def test_the_spool_of_an_earlier_run_goes_to_the_database(tmp_path: Path) -> None:
    """Without a word from anybody."""
    with opened(tmp_path) as spool:
        spool.append(batch("old", 1, 2))
    history = FakeHistory()
    writer, _ = make(history, tmp_path)
    writer.start()
    assert history.written.wait(15)
    assert writer.stop(15.0)
    assert history.batches == [batch("old", 1, 2)]


def test_what_happens_to_a_feed_is_kept_and_told(tmp_path: Path) -> None:
    """Cut to what is kept."""
    history = FakeHistory()
    writer, told = make(history, tmp_path)
    writer.record("bybit", "rest", "x" * 600)
    writer.start()
    assert writer.stop(15.0)
    assert [row for b in history.batches for row in b.feed_events] == told.feed_events
    assert [(row.venue, row.worker, row.event, len(row.detail)) for row in told.feed_events] == [
        ("bybit", "w", "rest", writing.MAX_DETAIL)
    ]
