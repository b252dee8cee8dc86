import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector import drain as draining
from collector.drain import Drain
from collector.pace import Pace
from db.errors import BatchRefused, StoreBusy, StoreUnavailable
from db.rows import Batch
from db.spool import Spool
from tests.collector.histories import CANDLE, GAP, FakeHistory, batch, opened, tick


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with opened(tmp_path) as made:
        yield made


def drain_to(history: FakeHistory, spool: Spool, rows_at_once: int = 100) -> Drain:
    pace = Pace()
    pace.rows = rows_at_once

    def write(batch: Batch) -> None:
        history.write(batch)

    return Drain(spool, write, pace)


def finish(drain: Drain) -> int:
    """Step until nothing waits; the number of steps."""
    steps = 0
    while drain.step(()):
        steps += 1
    return steps


def test_small_batches_go_together_and_large_ones_in_pieces(spool: Spool) -> None:
    """In order, each row once; acknowledged when all of a batch is written."""
    history = FakeHistory()
    for n in range(8):
        spool.append(batch(f"b{n}", *range(n * 20, n * 20 + 20)))
    spool.append(batch("large", *range(160, 400)))
    drain = drain_to(history, spool)
    assert drain.step(())
    assert spool.rows == 160 + 240 - 100
    assert finish(drain) == 4
    assert history.update_ids == list(range(400))
    assert [b.size for b in history.batches] == [100, 60, 100, 100, 40]
    assert (spool.rows, drain.step(())) == (0, False)


def test_what_is_sent_from_memory_is_left_alone(spool: Spool) -> None:
    """Those batches are only kept for the case of a crash."""
    history = FakeHistory()
    for name in ("b1", "b2"):
        spool.append(batch(name, 1))
    drain = drain_to(history, spool)
    assert drain.step({"b1"})
    assert [b.batch_id for b in history.batches] == ["b2"]
    assert not drain.step({"b1"})


def test_a_piece_that_failed_is_tried_again_as_it_was(spool: Spool) -> None:
    """And what was written before it is not."""
    history = FakeHistory(None, StoreUnavailable("gone"), StoreUnavailable("gone"))
    spool.append(batch("large", *range(250)))
    drain = drain_to(history, spool)
    assert drain.step(())
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            drain.step(())
    assert spool.rows == 250
    finish(drain)
    assert history.failed == [history.batches[1]] * 2
    assert history.update_ids == list(range(250))


def test_a_batch_that_another_holds_steps_aside(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ones behind it go first; after a while it is tried again."""
    history = FakeHistory(StoreBusy("locked"))
    for n in range(3):
        spool.append(batch(f"b{n}", n))
    drain = drain_to(history, spool, rows_at_once=1)
    finish(drain)
    assert (history.update_ids, spool.rows) == ([1, 2], 1)
    monkeypatch.setattr(draining, "ASIDE_S", 0.0)
    drain._aside = {"b0": 0.0}
    finish(drain)
    assert (history.update_ids, spool.rows) == ([1, 2, 0], 0)


def test_one_bad_row_costs_no_other(spool: Spool) -> None:
    """It becomes a dead letter with its reason; batches merged with it are untouched."""
    history = FakeHistory()
    bad = tick(37)
    history.refuses = lambda b: BatchRefused("no such thing") if bad in b.ticks else None
    for n in range(5):
        spool.append(batch(f"b{n}", *range(n * 20, n * 20 + 20)))
    drain = drain_to(history, spool)
    finish(drain)
    assert sorted(history.update_ids) == [n for n in range(100) if n != 37]
    (letter,) = [letter for b in history.batches for letter in b.dead_letters]
    assert (letter.kind, letter.reason) == ("ticks", "no such thing")
    assert json.loads(letter.body) == bad._asdict()
    assert (spool.rows, drain.rows_dropped) == (0, 0)


def test_every_kind_of_row_can_be_a_dead_letter(spool: Spool) -> None:
    """Whatever else the batch holds is kept."""
    history = FakeHistory()
    history.refuses = lambda b: BatchRefused("no") if b.klines or b.gaps else None
    spool.append(Batch("b", ticks=[tick(1)], klines=[CANDLE], gaps=[GAP]))
    finish(drain_to(history, spool))
    assert history.update_ids == [1]
    letters = [letter for b in history.batches for letter in b.dead_letters]
    assert sorted(letter.kind for letter in letters) == ["gaps", "klines"]
    assert json.loads(letters[0].body)["kline"]["symbol"] == "BTCUSDT"


def test_a_dead_letter_that_is_refused_itself_is_counted(spool: Spool) -> None:
    """Nothing waits for it for ever."""
    history = FakeHistory()
    history.refuses = lambda b: BatchRefused("no") if b.size == len(b.ticks) + len(b.dead_letters) else None
    spool.append(batch("b", 1, 2))
    drain = drain_to(history, spool)
    finish(drain)
    assert (history.batches, spool.rows, drain.rows_dropped) == ([], 0, 2)


def test_a_crash_between_the_pieces_writes_them_again(tmp_path: Path) -> None:
    """Which changes nothing: the batch is acknowledged as a whole."""
    with opened(tmp_path) as spool:
        spool.append(batch("large", *range(250)))
        drain_to(FakeHistory(), spool).step(())
    with opened(tmp_path) as again:
        history = FakeHistory()
        finish(drain_to(history, again))
        assert history.update_ids == list(range(250))
