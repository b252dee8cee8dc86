import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from db.rows import Batch, TickRow
from db.spool import Spool, places
from db.spool import spool as spooling
from db.spool.losses import Loss
from db.spool.records import encoded
from tests.db.history.rows import T0, gap, kline, tick
from tests.db.spool.batches import drained, of_every_kind, rows_of, ticks_of
from tests.db.spool.conftest import Heard, OpenSpool

BATCHES = [ticks_of(n) for n in range(6)]


def filled(spool: Spool, count: int = 6) -> Spool:
    for batch in BATCHES[:count]:
        spool.append(batch)
    return spool


def crash(spool: Spool, directory: Path) -> Path:
    """A copy of a spool's files as a `kill -9` would leave them at this moment."""
    target = directory.with_name(f"{directory.name}-crashed")
    shutil.copytree(directory, target)
    spool.close()
    return target


def test_batches_come_back_as_they_were_in_order(open_spool: OpenSpool) -> None:
    """Name and rows of each kind; what is acknowledged does not come again."""
    spool = filled(open_spool())
    spool.append(of_every_kind())
    assert (spool.rows, spool.bytes > 0, spool.is_durable) == (6 * 50 + of_every_kind().size, True, True)
    first = spool.oldest(120)
    assert [kept.batch for kept in first] == BATCHES[:2]
    assert spool.oldest(120) == first
    spool.acknowledge(first)
    assert drained(spool) == [*BATCHES[2:], of_every_kind()]
    assert (spool.rows, spool.bytes, spool.oldest(10)) == (0, 0, [])


def test_a_batch_that_steps_aside_is_passed_over(open_spool: OpenSpool) -> None:
    """The next ones are given meanwhile; one batch is given however large it is."""
    spool = filled(open_spool())
    assert [kept.batch.batch_id for kept in spool.oldest(10)] == ["b0"]
    assert [kept.batch.batch_id for kept in spool.oldest(100, but={"b0", "b2"})] == ["b1", "b3"]


def test_the_next_start_finds_what_was_left(open_spool: OpenSpool, tmp_path: Path) -> None:
    """After an end and after a crash; what was acknowledged before is gone."""
    spool = filled(open_spool())
    spool.acknowledge(spool.oldest(50))
    after_crash = crash(spool, tmp_path)
    for directory in (tmp_path, after_crash):
        again = open_spool(directory)
        assert again.rows == 250
        assert drained(again) == BATCHES[1:]


def test_two_workers_have_files_of_their_own(open_spool: OpenSpool, tmp_path: Path) -> None:
    """Neither takes the other's; what the dead one left goes to whoever starts next."""
    one, other = filled(open_spool(), 2), open_spool()
    other.append(BATCHES[2])
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["spool-0.db", "spool-1.db"]
    assert drained(other) == [BATCHES[2]]
    other.append(BATCHES[3])
    idle = open_spool()
    assert idle.rows == 0
    idle.close()
    one.close()
    other.close()
    heir = open_spool()
    assert heir.rows == 150
    assert sorted(batch.batch_id for batch in drained(heir)) == ["b0", "b1", "b3"]
    heir.close()
    assert list(tmp_path.glob("*.db*")) == []


def damage(path: Path, batch: Batch) -> None:
    """Overwrite a part of a batch in a spool file or its log."""
    content = bytearray(path.read_bytes())
    (record,) = encoded(batch)
    at = content.index(record.body[100:200])
    content[at : at + 50] = bytes(50)
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["spool-0.db", "spool-0.db-wal"])
def test_of_a_damaged_file_what_is_whole_is_kept(
    open_spool: OpenSpool, heard: Heard, tmp_path: Path, name: str
) -> None:
    """It is set aside and told of, the hole is in the ledger's rows that wait, and the start goes on."""
    spool = filled(open_spool())
    directory = crash(spool, tmp_path) if name.endswith("-wal") else tmp_path
    spool.close()
    damage(directory / name, BATCHES[3])
    *found, ledger = drained(open_spool(directory))
    assert found == [*BATCHES[:3], *BATCHES[4:]]
    assert ledger.gaps == heard.gaps
    assert heard.names == ["spool_damaged"]
    assert "1 batches cannot be read" in heard.events[0][1]
    assert {(row.symbol, row.cause) for row in heard.gaps} == {(f"S{n}USDT", "crash") for n in range(4)}
    assert len(list(directory.glob("*.aside"))) == 1


def test_damage_that_comes_while_it_runs_is_lived_with(
    open_spool: OpenSpool, heard: Heard, tmp_path: Path
) -> None:
    """Found when a batch is read: the others are given, and new ones kept."""
    spool = filled(open_spool())
    store = spool.oldest(1)[0].store
    store._connection.execute("UPDATE records SET body = x'00' WHERE batch_id = 'b2'")
    found = drained(spool) or drained(spool)
    assert rows_of(*[batch for batch in found if batch.ticks]) == rows_of(*BATCHES[:2], *BATCHES[3:])
    assert heard.names == ["spool_damaged"]
    spool.append(BATCHES[2])
    assert drained(spool) == [BATCHES[2]]
    assert len(list(tmp_path.glob("*.aside"))) == 1


@pytest.mark.parametrize("content", [b"", b"\x00" * 9_000, b"no spool " * 900])
def test_a_file_that_is_none_is_no_reason_to_stop(
    open_spool: OpenSpool, tmp_path: Path, content: bytes
) -> None:
    """Something else by its name is set aside."""
    (tmp_path / "spool-0.db").write_bytes(content)
    spool = filled(open_spool(), 2)
    assert drained(spool) == BATCHES[:2]
    assert bool(list(tmp_path.glob("*.aside"))) == bool(content)


def test_a_spool_of_another_version_is_set_aside_whole(
    open_spool: OpenSpool, heard: Heard, tmp_path: Path
) -> None:
    """As it is: the program that wrote it can still read it."""
    filled(open_spool()).close()
    connection = sqlite3.connect(tmp_path / "spool-0.db")
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    before = (tmp_path / "spool-0.db").read_bytes()
    assert open_spool().rows == 0
    (aside,) = tmp_path.glob("*.aside")
    assert aside.read_bytes() == before
    assert "layout 2" in heard.events[0][1]


def test_what_is_set_aside_does_not_fill_the_disk(open_spool: OpenSpool, tmp_path: Path) -> None:
    """The newest stays; older ones go when together they are a quarter of the limit."""
    for n in range(4):
        (tmp_path / "spool-0.db").write_bytes(bytes([n + 1]) * 200_000)
        open_spool(max_mb=1).close()
    asides = sorted(tmp_path.glob("*.aside"))
    assert [path.read_bytes()[0] for path in asides] == [4]


def test_without_a_directory_rows_wait_in_memory(
    open_spool: OpenSpool, heard: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so, and goes on; once the directory can be made they are on disk."""
    monkeypatch.setattr(places, "RETRY_S", 0.0)
    directory = tmp_path / "file" / "spool"
    directory.parent.write_text("in the way")
    spool = filled(open_spool(directory), 3)
    assert (spool.rows, spool.is_durable, heard.names) == (150, False, ["spool_unwritable"])
    spool.acknowledge(spool.oldest(50))
    directory.parent.unlink()
    spool.append(BATCHES[3])
    assert (spool.rows, spool.is_durable) == (150, True)
    assert heard.names == ["spool_unwritable", "spool_writable"]
    assert sorted(batch.batch_id for batch in drained(spool)) == ["b1", "b2", "b3"]


def test_what_is_left_in_memory_at_the_end_is_said(open_spool: OpenSpool, tmp_path: Path) -> None:
    """Whoever ends may not say that all is well."""
    (tmp_path / "file").write_text("in the way")
    spool = filled(open_spool(tmp_path / "file" / "spool"), 1)
    assert not spool.close()
    assert filled(open_spool(tmp_path / "good"), 1).close()


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
