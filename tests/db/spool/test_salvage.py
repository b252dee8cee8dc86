import random
import shutil
from pathlib import Path

import pytest

from db.rows import Batch, GapRow
from db.spool.losses import Loss
from db.spool.records import decoded, encoded
from db.spool.salvage import has_damaged_log, log_of, salvage
from db.spool.store import Store
from tests.db.history.rows import T0, gap
from tests.db.spool.batches import ticks_of

COUNT = 40
PAGE = 4096


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A spool of 40 batches: `closed`, and as a crash leaves it, most of it in SQLite's log: `crashed`."""
    directory = tmp_path_factory.mktemp("spools")
    store = Store(directory / "open.db", 10_000_000)
    for n in range(COUNT):
        store.append(encoded(ticks_of(n)))
    store.add_losses({("bybit", "S0USDT"): Loss(T0 - 9, T0 - 5, 3)})
    crashed = directory / "crashed.db"
    shutil.copyfile(store.path or "", crashed)
    shutil.copyfile(log_of(directory / "open.db"), log_of(crashed))
    store.close()
    return {"closed": directory / "open.db", "crashed": crashed}


@pytest.fixture
def closed(files: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copyfile(files["closed"], tmp_path / "closed.db"))


@pytest.fixture
def crashed(files: dict[str, Path], tmp_path: Path) -> Path:
    path = Path(shutil.copyfile(files["crashed"], tmp_path / "crashed.db"))
    shutil.copyfile(log_of(files["crashed"]), log_of(path))
    return path


def kept(path: Path) -> list[int]:
    """Numbers of the batches that are found whole, each row of them."""
    found = [decoded(record) for record in salvage(path).records]
    numbers = [int(batch.batch_id[1:]) for batch in found]
    assert found == [ticks_of(n) for n in numbers]
    return numbers


def test_of_a_whole_file_all_is_kept(closed: Path, crashed: Path) -> None:
    """Losses that were not told yet as well; the file stays as it is."""
    before = closed.read_bytes()
    for path in (closed, crashed):
        found = salvage(path)
        assert (len(found.records), found.lost, found.gaps) == (COUNT, 0, [])
        assert found.losses == {("bybit", "S0USDT"): Loss(T0 - 9, T0 - 5, 3)}
    assert closed.read_bytes() == before


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9, 0.999])
def test_of_a_file_that_was_cut_off_the_first_part_is_kept(closed: Path, part: float) -> None:
    """All that was before the cut, give or take the page it goes through."""
    content = closed.read_bytes()
    closed.write_bytes(content[: int(len(content) * part)])
    numbers = kept(closed)
    assert numbers == list(range(len(numbers)))
    assert COUNT * part - 4 <= len(numbers) < COUNT


def test_of_a_log_that_was_cut_off_the_first_part_is_kept(crashed: Path) -> None:
    """Whole transactions."""
    log = log_of(crashed).read_bytes()
    log_of(crashed).write_bytes(log[: len(log) // 2])
    numbers = kept(crashed)
    assert numbers == list(range(len(numbers)))
    assert 10 < len(numbers) < COUNT


@pytest.mark.parametrize("seed", range(12))
def test_a_flipped_byte_costs_one_batch_at_most(closed: Path, crashed: Path, seed: int) -> None:
    """In the file or in its log, beyond the pages that lead to all others."""
    rng = random.Random(seed)
    for path, least in ((closed, 6 * PAGE), (log_of(crashed), 60 * PAGE)):
        content = bytearray(path.read_bytes())
        content[rng.randrange(least, len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
    for path in (closed, crashed):
        assert len(kept(path)) >= COUNT - 1


@pytest.mark.parametrize("length", [1, 16, 100, PAGE])
def test_a_file_whose_beginning_is_gone_is_read_all_the_same(closed: Path, length: int) -> None:
    """The first page says nothing but where the tables begin, and that is known."""
    content = closed.read_bytes()
    closed.write_bytes(b"\xa5" * length + content[length:])
    assert kept(closed) == list(range(COUNT))


def test_what_lies_between_whole_batches_is_in_the_ledger(closed: Path) -> None:
    """Whose ticks it was cannot be read: each instrument beside the hole has a gap."""
    content = bytearray(closed.read_bytes())
    (record,) = encoded(ticks_of(20))
    at = content.index(record.body[200:300])
    content[at : at + 100] = bytes(100)
    closed.write_bytes(content)
    found = salvage(closed)
    assert (len(found.records), found.lost) == (COUNT - 1, 1)
    started, ended = T0 + 19_000 + 49, T0 + 21_000
    detail = "a spooled batch could not be read"
    assert found.gaps == [
        GapRow("bybit", f"S{n}USDT", "book", started, ended, "crash", "no", 0, detail) for n in range(4)
    ]


def test_of_a_file_that_is_none_nothing_is_kept(tmp_path: Path) -> None:
    """Noise, an empty file, text: no error, no row."""
    path = tmp_path / "spool-0.db"
    for content in (random.Random(1).randbytes(50_000), b"", b"hello" * 3_000):
        path.write_bytes(content)
        assert salvage(path) == ([], {}, 0, [])


def test_a_damaged_log_is_noticed_though_sqlite_says_nothing(crashed: Path) -> None:
    """It would leave out what follows without a word."""
    assert not has_damaged_log(crashed)
    log = bytearray(log_of(crashed).read_bytes())
    log[len(log) // 2] ^= 0x10
    log_of(crashed).write_bytes(log)
    assert has_damaged_log(crashed)
    store = Store(crashed, 10_000_000)
    assert store.rows < COUNT * 50
    store.close()


def test_other_kinds_are_kept_like_ticks(tmp_path: Path) -> None:
    """They have no times by which a gap could be told."""
    store = Store(tmp_path / "spool-0.db", 10_000_000)
    store.append(encoded(Batch("g", gaps=[gap()])))
    store.close()
    found = salvage(tmp_path / "spool-0.db")
    assert [decoded(record).gaps for record in found.records] == [[gap()]]
