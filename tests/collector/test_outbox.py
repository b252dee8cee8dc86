import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import outbox as outboxes
from collector.outbox import Outbox
from db.rows import Batch
from db.spool import Kept, Spool
from tests.collector.histories import batch, opened
from tests.db.spool.batches import drained

FIRST, SECOND = batch("b1", 1, 2), batch("b2", 3)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with opened(tmp_path) as made:
        yield made


@pytest.fixture
def outbox(spool: Spool) -> Outbox:
    return Outbox(spool)


def test_batches_are_given_in_order_and_forgotten_when_done(outbox: Outbox, spool: Spool) -> None:
    """A database that keeps up costs the disk nothing."""
    outbox.put(FIRST)
    outbox.put(SECOND)
    assert outbox.wake.is_set()
    assert (outbox.rows, outbox.names) == (3, {"b1", "b2"})
    for expected in (FIRST, SECOND):
        outgoing = outbox.take()
        assert outgoing is not None
        assert outgoing.batch is expected
        outbox.done(outgoing)
    assert (outbox.take(), outbox.rows, outbox.names, spool.rows) == (None, 0, set(), 0)


def test_what_waits_longer_than_a_flush_interval_is_on_disk_too(outbox: Outbox, spool: Spool) -> None:
    """Also the one at work; committed after all, it is forgotten there."""
    outbox.put(FIRST)
    outbox.put(SECOND)
    at_work = outbox.take()
    assert at_work is not None
    outbox.keep_older(60.0)
    assert spool.rows == 0
    outbox.keep_older(0.0)
    outbox.keep_older(0.0)
    assert (spool.rows, outbox.rows, outbox.kept_rows, outbox.names) == (3, 0, 3, {"b1", "b2"})
    outbox.done(at_work)
    assert drained(spool) == [SECOND]


def test_what_is_no_longer_fresh_goes_on_from_the_spool(
    outbox: Outbox, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves memory, and its turn before those that wait there."""
    monkeypatch.setattr(outboxes, "FRESH_S", 0.0)
    outbox.put(FIRST)
    outbox.keep_older(0.0)
    assert (outbox.take(), outbox.names) == (None, set())
    assert drained(spool) == [FIRST]


def test_what_failed_goes_on_from_the_spool(outbox: Outbox, spool: Spool) -> None:
    """Once, whether it was there already or not."""
    outbox.put(FIRST)
    outbox.put(SECOND)
    failed = outbox.take()
    assert failed is not None
    outbox.failed(failed)
    outbox.keep_older(0.0)
    assert outbox.names == {"b2"}
    failed = outbox.take()
    assert failed is not None
    outbox.failed(failed)
    assert (outbox.rows, outbox.names) == (0, set())
    assert drained(spool) == [FIRST, SECOND]


def test_closed_it_sends_everything_to_the_spool(outbox: Outbox, spool: Spool) -> None:
    """What was in memory and what comes, until it is opened again."""
    outbox.put(FIRST)
    outbox.close()
    outbox.wake.clear()
    outbox.put(SECOND)
    assert (outbox.take(), outbox.rows, outbox.is_open, outbox.wake.is_set()) == (None, 0, False, False)
    assert drained(spool) == [FIRST, SECOND]
    outbox.open()
    outbox.put(FIRST)
    assert (outbox.rows, spool.rows) == (2, 0)


class SlowSpool(Spool):
    """Keeps batches when it is told to."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, 10)
        self.asked, self.may_go_on = threading.Event(), threading.Event()

    def append(self, batch: Batch) -> Kept | None:
        self.asked.set()
        assert self.may_go_on.wait(10)
        return super().append(batch)


def test_a_disk_that_stands_still_does_not_hold_up_the_sender(tmp_path: Path) -> None:
    """It takes and finishes batches meanwhile; what the disk took too late is forgotten there again."""
    spool = SlowSpool(tmp_path)
    spool.open(lambda _event, _detail: None, lambda _row: None)
    outbox = Outbox(spool)
    outbox.put(FIRST)
    outbox.put(SECOND)
    at_work = outbox.take()
    assert at_work is not None
    keeper = threading.Thread(target=outbox.keep_older, args=(0.0,))
    keeper.start()
    assert spool.asked.wait(10)
    outbox.done(at_work)
    assert outbox.rows == 1
    spool.may_go_on.set()
    keeper.join(10)
    assert drained(spool) == [SECOND]
    spool.close()
