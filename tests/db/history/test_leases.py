"""Leases on a real Postgres."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from db.history.leases import Decision, Lease, LeaseTable, Peer, Sign

A, B = Sign("a", "here", 1), Sign("b", "there", 2, "worker.1")
BTC, ETH = ("bybit", "BTCUSDT"), ("bybit", "ETHUSDT")


@pytest.fixture
def table(engine: Engine) -> LeaseTable:
    """The leases of an empty database."""
    return LeaseTable(engine)


def test_an_epoch_rises_with_each_owner(table: LeaseTable) -> None:
    """And a round that takes nothing changes none."""
    [first] = table.round(A, lambda *_: Decision([BTC]))
    assert first.owner == "a" and first.epoch > 1_700_000_000_000
    [second] = table.round(B, lambda *_: Decision([BTC]))
    assert second.owner == "b" and second.epoch > first.epoch
    assert table.round(A, lambda *_: Decision()) == [second]


def test_everybody_is_seen(table: LeaseTable) -> None:
    """With what each said of itself, and how long ago."""
    table.round(B, lambda *_: Decision(), is_leaving=True)
    seen: list[Peer] = []

    def look(peers: Sequence[Peer], _leases: Sequence[Lease]) -> Decision:
        seen.extend(peers)
        return Decision()

    table.round(A, look)
    other = next(peer for peer in seen if peer.id == "b")
    assert (other.host, other.pid, other.place, other.is_leaving) == ("there", 2, "worker.1", True)
    assert other.age_s >= 0 and other.started_at > 1_700_000_000_000


def test_only_the_owner_gives_back(table: LeaseTable, engine: Engine) -> None:
    """And who leaves leaves nothing."""
    table.round(A, lambda *_: Decision([BTC, ETH]))
    table.round(B, lambda *_: Decision((), [BTC]))
    assert len(table.round(A, lambda *_: Decision((), [ETH]))) == 1
    table.leave(A)
    assert table.round(B, lambda *_: Decision()) == []
    with engine.connect() as connection:
        assert list(connection.scalars(text("SELECT id FROM workers"))) == ["b"]


def test_no_two_decide_on_the_same_view(database_url: str) -> None:
    """Ten at once that each take what is free: each instrument has one owner, who took it once."""
    from db.history.engine import writer_engine

    names = [("bybit", f"C{number}USDT") for number in range(20)]

    def one(number: int) -> int:
        engine = writer_engine(database_url, connections=1)
        taken: list[tuple[str, str]] = []

        def decide(_peers: Sequence[Peer], leases: Sequence[Lease]) -> Decision:
            held = {lease.name for lease in leases}
            taken.extend([name for name in names if name not in held][:2])
            return Decision(taken)

        LeaseTable(engine).round(Sign(str(number), "here", number), decide)
        engine.dispose()
        return len(taken)

    with ThreadPoolExecutor(5) as threads:
        assert list(threads.map(one, range(10))) == [2] * 10
