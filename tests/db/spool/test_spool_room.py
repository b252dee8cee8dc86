"""A spool whose disk or limit leaves no room, and rows that cannot be kept."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from db.rows import Batch, TickRow
from db.spool import places
from db.spool import spool as spooling
from db.spool.losses import Loss
from tests.db.history.rows import T0, gap, kline, tick
from tests.db.spool.batches import drained, rows_of, ticks_of
from tests.db.spool.conftest import Heard, OpenSpool
from tests.db.spool.spools import BATCHES, crash, filled


def test_a_disk_that_fills_up_sends_rows_to_memory_and_back(
    open_spool: OpenSpool, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost, and what is on disk is given first."""
    spool = filled(open_spool(), 2)
    sql = spool.oldest(1)[0].store._connection
    sql.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size for it
    large = ticks_of(7, rows=5_000)
    spool.append(large)
    assert (spool.rows, spool.is_durable, heard.names) == (5_100, False, ["spool_unwritable"])
    assert [kept.batch.batch_id for kept in spool.oldest(1)] == ["b0"]
    sql.execute("PRAGMA max_page_count = 1000000")
    spool.append(BATCHES[2])
    assert not spool.is_durable  # it is not tried at once again
    monkeypatch.setattr(places, "RETRY_S", 0.0)
    spool.append(BATCHES[3])
    assert (spool.is_durable, heard.names) == (True, ["spool_unwritable", "spool_writable"])
    assert sorted(batch.batch_id for batch in drained(spool)) == ["b0", "b1", "b2", "b3", "b7"]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from db.spool import Spool
from tests.db.spool.batches import drained, ticks_of
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
spool = Spool(Path(sys.argv[1]), 50)
spool.open(lambda event, detail: print(event, detail), print)
for n in range(30):
    spool.append(ticks_of(n, rows=1_000))
assert not spool.is_durable
names = sorted(int(batch.batch_id[1:]) for batch in drained(spool, 5_000))
assert names == list(range(30)), names
assert spool.rows == 0
"""


def test_a_disk_that_really_takes_no_more_costs_no_row(tmp_path: Path) -> None:
    """The system refuses to write: what it has and what memory has are both given back."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("spool_unwritable")


def test_a_directory_that_is_removed_is_made_again(
    open_spool: OpenSpool, heard: Heard, tmp_path: Path
) -> None:
    """With what was in it: SQLite still holds the file that has no name any more."""
    directory = tmp_path / "spool"
    spool = filled(open_spool(directory), 3)
    shutil.rmtree(directory)
    spool.append(BATCHES[3])
    assert heard.names == ["spool_removed"]
    spool.close()
    assert drained(open_spool(directory)) == BATCHES[:4]


def test_when_full_the_ledger_is_told_once_it_is_over(
    open_spool: OpenSpool, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row an instrument, from the first lost tick to the last; the newest ticks are there."""
    spool = open_spool(max_mb=1)
    spool.append(Batch("first", klines=[kline()], gaps=[gap()]))
    for n in range(100):
        spool.append(ticks_of(n, rows=500))
    assert (heard.names, heard.gaps) == (["spool_full"], [])
    spool.tell_losses()
    assert heard.gaps == []
    monkeypatch.setattr(spooling, "CALM_S", 0.0)
    spool.tell_losses()
    found = drained(spool)
    assert found[0] == Batch("first", klines=[kline()], gaps=[gap()])
    ticks = [row for batch in found for row in batch.ticks]
    assert len(ticks) == 100 * 500 - spool.dropped
    assert ticks == rows_of(*[ticks_of(n, rows=500) for n in range(100)])[-len(ticks) :]
    assert found[-1].gaps == heard.gaps
    assert [row.symbol for row in heard.gaps] == [f"S{n}USDT" for n in range(4)]
    assert {row.cause for row in heard.gaps} == {"spool_full"}
    first_left = min(row.ts for row in ticks)
    assert all(T0 <= row.started_at < (row.ended_at or 0) < first_left for row in heard.gaps)
    lost = [row for n in range(100) for row in ticks_of(n, rows=500).ticks][: spool.dropped]
    assert heard.gaps[0].started_at == lost[0].ts
    assert max(row.ended_at or 0 for row in heard.gaps) == lost[-1].ts


def test_losses_that_were_not_told_survive_a_crash(
    open_spool: OpenSpool, heard: Heard, tmp_path: Path
) -> None:
    """The next start tells them."""
    spool = open_spool()
    spool.add_losses({("bybit", "ETHUSDT"): Loss(T0, T0 + 5, 3)})
    open_spool(crash(spool, tmp_path)).tell_losses()
    (row,) = heard.gaps
    assert row[:6] == ("bybit", "ETHUSDT", "book", T0, T0 + 5, "spool_full")


def test_a_row_that_cannot_be_kept_is_kept_as_a_dead_letter(open_spool: OpenSpool) -> None:
    """The rest of its batch is kept as it is."""
    spool = open_spool()
    spool.append(Batch("b", ticks=[tick(0), tick(1)._replace(update_id=2**70), tick(2)]))
    (found,) = drained(spool)
    assert found.ticks == [tick(0), tick(2)]
    assert [(letter.kind, f'"update_id": {2**70}' in letter.body) for letter in found.dead_letters] == [
        ("ticks", True)
    ]


@pytest.mark.parametrize(
    "row",
    [tick()._replace(ts=None), tick()._replace(bid_price=10**30), tick()._replace(symbol=7)],  # type: ignore[arg-type]
)
def test_no_row_is_so_strange_that_it_stops_others(open_spool: OpenSpool, heard: Heard, row: TickRow) -> None:
    """Not even one that is not of its own type."""
    spool = open_spool()
    spool.append(Batch("b", ticks=[tick(0), row, tick(2)]))
    found = drained(spool)
    assert [each for batch in found for each in batch.ticks] == [tick(0), tick(2)]
    assert [letter.kind for batch in found for letter in batch.dead_letters] == ["ticks"]
    assert heard.names == []


def test_others_in_the_directory_count_against_the_limit(open_spool: OpenSpool, tmp_path: Path) -> None:
    """Down to an eighth, which is always ours."""
    (tmp_path / "spool-9.aside").write_bytes(bytes(3_000_000))
    spool = open_spool(max_mb=4)
    for n in range(60):
        spool.append(ticks_of(n, rows=1_000))
    assert 500_000 < spool.bytes < 1_000_000


def test_a_closed_spool_keeps_nothing_and_says_so(open_spool: OpenSpool) -> None:
    """None instead of a place; neither reading nor acknowledging fails."""
    spool = filled(open_spool(), 1)
    kept = spool.oldest(1)
    assert spool.close()
    assert spool.append(BATCHES[1]) is None
    spool.acknowledge(kept)
    assert (spool.oldest(1), spool.rows, spool.close()) == ([], 0, True)
