from pathlib import Path

from db.rows import Batch
from db.spool.records import encoded
from db.spool.store import Store
from db.spool.wal import mended
from tests.db.spool.batches import ticks_of

FRAME = 24 + 4096


def log_of_batches(path: Path, count: int) -> bytes:
    """SQLite's log after so many batches were kept and none brought into the file."""
    store = Store(path, 10_000_000)
    for n in range(count):
        store.append(encoded(ticks_of(n)))
    log = path.with_name(path.name + "-wal").read_bytes()
    store.close()
    return log


def test_a_whole_log_is_as_sqlite_wrote_it(tmp_path: Path) -> None:
    """To the last byte: the sums are SQLite's own."""
    log = log_of_batches(tmp_path / "a.db", 5)
    assert mended(log) == log


def test_what_is_left_over_from_earlier_is_left_out(tmp_path: Path) -> None:
    """A log that began anew ends where its own frames end, with what belongs to a transaction."""
    log = log_of_batches(tmp_path / "a.db", 300)
    found = mended(log)
    assert log.startswith(found)
    assert 0 < len(found) < len(log)


def test_a_half_written_transaction_is_left_out(tmp_path: Path) -> None:
    """As SQLite itself does."""
    log = log_of_batches(tmp_path / "a.db", 5)
    assert mended(log[: -FRAME // 2]) == mended(log[:-FRAME]) == log[: len(mended(log[:-FRAME]))]
    assert mended(log[:100]) == mended(b"") == b""


def test_sums_are_made_to_fit_what_is_there(tmp_path: Path) -> None:
    """A flipped byte in a page stays; every frame behind it is good again."""
    log = log_of_batches(tmp_path / "a.db", 5)
    flipped = bytearray(log)
    at = 32 + 3 * FRAME + 24 + 2_000
    flipped[at] ^= 0xFF
    found = mended(bytes(flipped))
    assert not bytes(flipped).startswith(found)
    assert (len(found), found[at]) == (len(log), flipped[at])
    assert mended(found) == found


def test_a_damaged_header_is_made_anew(tmp_path: Path) -> None:
    """From what the frames say."""
    log = log_of_batches(tmp_path / "a.db", 5)
    assert mended(b"\x00" * 12 + log[12:16] + b"\x00" * 16 + log[32:]) == log


def test_an_empty_batch_has_no_record() -> None:
    """So the log has nothing to tell of it."""
    assert encoded(Batch("empty")) == []
