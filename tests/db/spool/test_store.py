import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.rows import Batch
from db.spool.losses import Loss
from db.spool.records import encoded
from db.spool.store import OtherLayout, Store, is_damage
from tests.db.history.rows import T0, gap, kline
from tests.db.spool.batches import ticks_of

OpenStore = Callable[..., Store]


@pytest.fixture(params=["file", "memory"])
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenStore]:
    """Opens stores, in a file and in memory."""
    opened: list[Store] = []

    def make(max_bytes: int = 10_000_000) -> Store:
        path = tmp_path / "spool.db" if request.param == "file" else None
        opened.append(Store(path, max_bytes))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def kinds(store: Store) -> list[str]:
    return [f"{record.batch_id} {record.kind}" for _, record in store.walk()]


def test_records_are_given_in_the_order_they_came(open_store: OpenStore) -> None:
    """Until they are forgotten; numbers are never used again."""
    store = open_store()
    numbers = [store.append(encoded(ticks_of(n)))[0] for n in range(40)]
    assert [record.batch_id for _, record in store.walk()] == [f"b{n}" for n in range(40)]
    assert store.rows == 40 * 50
    store.delete(numbers)
    assert (store.rows, kinds(store)) == (0, [])
    assert store.append(encoded(ticks_of(40)))[0] == numbers[-1] + 1
    store.delete(numbers)
    assert kinds(store) == ["b40 ticks"]


def test_when_full_the_oldest_ticks_go_and_nothing_else(open_store: OpenStore) -> None:
    """What went is counted and summed up by instrument; candles and gaps stay, however many come."""
    store = open_store(1_000_000)
    store.append(encoded(Batch("first", klines=[kline()], gaps=[gap()])))
    for n in range(90):
        store.append(encoded(ticks_of(n, rows=400)))
    left = [int(name.split()[0][1:]) for name in kinds(store) if name.endswith("ticks")]
    assert left == list(range(90))[-len(left) :]
    assert kinds(store)[:2] == ["first klines", "first gaps"]
    gone = 90 - len(left)
    assert 0 < gone < 90
    assert (store.dropped, store.rows) == (gone * 400, len(left) * 400 + 2)
    assert store.bytes < 1_000_000
    losses = store.losses()
    assert set(losses) == {("bybit", f"S{n}USDT") for n in range(4)}
    assert losses["bybit", "S3USDT"] == Loss(T0 + 3, T0 + 1_000 * (gone - 1) + 399, gone * 100)


def test_what_is_just_being_written_is_not_dropped(open_store: OpenStore) -> None:
    """Else a row could be stored and told as lost."""
    store = open_store(1_000_000)
    first = store.append(encoded(ticks_of(0, rows=200)))
    store.pinned = frozenset(first)
    for n in range(1, 80):
        store.append(encoded(ticks_of(n, rows=400)))
    assert kinds(store)[0] == "b0 ticks"
    assert store.losses()["bybit", "S0USDT"].first_ts == T0 + 1_000


def test_losses_give_way_to_what_tells_of_them(open_store: OpenStore) -> None:
    """In one step: a crash loses neither."""
    store = open_store()
    store.add_losses({("bybit", "A"): Loss(5, 9, 3)})
    store.add_losses({("bybit", "A"): Loss(2, 7, 4), ("bybit", "B"): Loss(1, 1, 1)})
    assert store.losses() == {("bybit", "A"): Loss(2, 9, 7), ("bybit", "B"): Loss(1, 1, 1)}
    assert store.has_losses
    store.tell_losses(encoded(Batch("told", gaps=[gap()])))
    assert (store.losses(), store.has_losses, kinds(store)) == ({}, False, ["told gaps"])


def test_a_disk_that_is_full_keeps_all_or_nothing(open_store: OpenStore) -> None:
    """The failure is the disk's, not damage; when there is room again it goes on."""
    store = open_store()
    store.append(encoded(ticks_of(0)))
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full") as caught:
        store.append(encoded(Batch("gap", gaps=[gap()])) + encoded(ticks_of(1, rows=5_000)))
    assert not is_damage(caught.value)
    assert (kinds(store), store.rows) == (["b0 ticks"], 50)
    store._connection.execute("PRAGMA max_page_count = 1000000")
    store.append(encoded(ticks_of(1, rows=5_000)))
    assert kinds(store) == ["b0 ticks", "b1 ticks"]


def test_what_a_full_disk_cannot_forget_is_not_given_again(open_store: OpenStore) -> None:
    """It is forgotten with the next batch that is, when there is room."""
    store = open_store()
    for n in range(3):
        store.append(encoded(ticks_of(n)))
    store._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(sqlite3.OperationalError):
        store.delete([1, 2])
    assert (kinds(store), store.rows) == (["b2 ticks"], 50)
    store._connection.execute("PRAGMA query_only = OFF")
    store.delete([3])
    assert store._connection.execute("SELECT count(*) FROM records").fetchone() == (0,)


def test_a_file_goes_on_where_it_was_left(tmp_path: Path) -> None:
    """Rows, order and losses; the space of a large backlog is given back."""
    path = tmp_path / "spool.db"
    store = Store(path, 50_000_000)
    store.append(encoded(Batch("first", gaps=[gap()])))
    numbers = [store.append(encoded(ticks_of(n, rows=5_000)))[0] for n in range(40)]
    store.add_losses({("bybit", "A"): Loss(5, 9, 3)})
    store.close()
    again = Store(path, 50_000_000)
    assert (again.rows, again.has_losses) == (40 * 5_000 + 1, True)
    assert kinds(again)[:2] == ["first gaps", "b0 ticks"]
    assert path.stat().st_size > 8_000_000
    again.delete([*numbers, 1])
    again.close()
    assert path.stat().st_size < 100_000


def test_the_log_is_small_too(tmp_path: Path) -> None:
    """File and log together stay below the limit while rows come and are dropped."""
    path = tmp_path / "spool.db"
    store = Store(path, 1_000_000)
    for n in range(60):
        store.append(encoded(ticks_of(n, rows=300)))
        assert sum(part.stat().st_size for part in tmp_path.iterdir() if part.suffix != ".db-shm") < 1_100_000
    store.close()


def test_a_file_of_another_layout_is_named(tmp_path: Path) -> None:
    """A newer program's spool, or no spool at all."""
    path = tmp_path / "spool.db"
    Store(path, 1_000_000).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(OtherLayout, match="layout 7, 1 is known"):
        Store(path, 1_000_000)


def test_damage_is_told_from_a_disk_that_does_not_work(tmp_path: Path) -> None:
    """A file that is no database is at fault itself."""
    path = tmp_path / "spool.db"
    path.write_bytes(b"no database at all" * 1_000)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        Store(path, 1_000_000)
    assert is_damage(caught.value)
    with pytest.raises(sqlite3.OperationalError) as refused:
        Store(tmp_path / "nowhere" / "spool.db", 1_000_000)
    assert not is_damage(refused.value)
