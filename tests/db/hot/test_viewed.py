"""Which symbols are looked at, on a real Redis."""

from collections.abc import Iterator

import pytest
from redis import Redis

from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.connect import live_client
from db.hot.viewed import MOST, Viewed

NOW = 1_763_600_000_000


@pytest.fixture
def client(redis_client_url: str) -> Iterator[Redis]:
    made = live_client(redis_client_url)
    yield made
    made.close()


def test_the_newest_look_comes_first(client: Redis) -> None:
    """Of one venue; a second look is not a second entry."""
    viewed = Viewed(client)
    for n, (venue, symbol) in enumerate([("bybit", "A"), ("bybit", "B"), ("sim-bybit", "C"), ("bybit", "A")]):
        viewed.mark(venue, symbol, NOW + n)
    assert viewed.symbols("bybit") == ["A", "B"]
    assert viewed.symbols("sim-bybit") == ["C"]
    assert viewed.symbols("binance") == []
    assert 0 < client.ttl(keys.VIEWED) <= keys.VIEWED_TTL_S


def test_who_looks_no_more_is_forgotten(client: Redis) -> None:
    """After a minute, and when there are too many."""
    viewed = Viewed(client)
    viewed.mark("bybit", "OLD", NOW - 61_000)
    for n in range(MOST + 5):
        viewed.mark("bybit", f"S{n}", NOW + n)
    found = viewed.symbols("bybit")
    assert len(found) == MOST
    assert found[0] == f"S{MOST + 4}"
    assert "OLD" not in found


def test_a_key_of_another_type_is_replaced(client: Redis) -> None:
    """By the next look."""
    client.set(keys.VIEWED, "poison")
    viewed = Viewed(client)
    with pytest.raises(StoreUnavailable):
        viewed.symbols("bybit")
    viewed.mark("bybit", "A", NOW)
    assert viewed.symbols("bybit") == ["A"]


def test_a_server_that_is_gone_is_store_unavailable() -> None:
    """From both methods."""
    viewed = Viewed(live_client("redis://127.0.0.1:1"))
    with pytest.raises(StoreUnavailable):
        viewed.mark("bybit", "A", NOW)
    with pytest.raises(StoreUnavailable):
        viewed.symbols("bybit")
