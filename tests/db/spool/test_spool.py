import sqlite3
from pathlib import Path

import pytest

from db.rows import Batch
from db.spool import places
from db.spool.records import encoded
from tests.db.spool.batches import drained, of_every_kind, rows_of
from tests.db.spool.conftest import Heard, OpenSpool
from tests.db.spool.spools import BATCHES, crash, filled


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
