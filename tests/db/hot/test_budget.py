"""The REST budget that all workers share, on a real Redis."""

import time
from collections.abc import Iterator
from typing import cast

import pytest
from redis import Redis

from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.budget import SharedBudget, Wait
from db.hot.connect import live_client

HOUR_S = 3600.0


@pytest.fixture
def client(redis_client_url: str) -> Iterator[Redis]:
    made = live_client(redis_client_url)
    yield made
    made.close()


def budget(
    client: Redis, venue: str = "binance", *, limit: float = 1e9, window_s: float = HOUR_S, burst: float = 90
) -> SharedBudget:
    """One worker's; it fills so slowly that nothing comes back during a test."""
    return SharedBudget(client, venue, limit=limit, window_s=window_s, per_s=0.01, burst=burst)


def test_two_workers_spend_one_budget(client: Redis) -> None:
    """Each venue has its own; what is missing says when it will be there."""
    one, other = budget(client), budget(client)
    assert one.take(50, is_urgent=True) == other.take(30, is_urgent=True) == Wait(0)
    assert 0 < one.take(20, is_urgent=True).ms <= 1_000_000
    assert one.take(10, is_urgent=True).ms == 0
    assert budget(client, "bybit").take(90, is_urgent=True).ms == 0


def test_a_third_is_kept_for_what_is_urgent(client: Redis) -> None:
    """Other jobs wait while there is still something for a book."""
    found = budget(client)
    assert found.take(60, is_urgent=False).ms == 0
    assert found.take(1, is_urgent=False).ms > 0
    assert found.take(30, is_urgent=True).ms == 0


def test_weight_comes_back_with_time(client: Redis) -> None:
    """By Redis's own clock."""
    found = SharedBudget(client, "binance", limit=1e9, window_s=HOUR_S, per_s=1000, burst=100)
    assert found.take(100, is_urgent=True).ms == 0
    deadline = time.monotonic() + 5
    while found.take(50, is_urgent=True).ms:
        assert time.monotonic() < deadline
    assert found.take(100, is_urgent=True).ms <= 101


def test_more_than_there_can_ever_be_takes_all(client: Redis) -> None:
    """Instead of waiting for ever."""
    found = budget(client)
    assert found.take(1000, is_urgent=True).ms == 0
    assert found.take(1, is_urgent=True).ms > 0


def test_the_venues_own_count_is_obeyed(client: Redis) -> None:
    """Where others use the address too: the urgent get nearly all of the window, the rest two thirds."""
    found = budget(client, limit=1000, burst=10_000)
    found.note(600)
    assert found.take(60, is_urgent=False).ms == 0
    assert 0 < found.take(20, is_urgent=False).ms <= HOUR_S * 1000
    found.note(100)  # an older answer, that came later
    assert found.take(20, is_urgent=False).ms > 0
    assert found.take(280, is_urgent=True).ms == 0
    assert found.take(20, is_urgent=True).ms > 0


def test_a_count_ends_with_its_window(client: Redis) -> None:
    """The next one begins at 0."""
    found = budget(client, limit=1000, window_s=0.05, burst=10_000)
    found.note(2000)
    deadline = time.monotonic() + 5
    while found.take(1, is_urgent=False).ms:
        assert time.monotonic() < deadline


def test_what_one_worker_is_forbidden_none_may(client: Redis) -> None:
    """With the reason; the longer of two bans counts, and Redis keeps it as long as it lasts."""
    one, other = budget(client), budget(client)
    one.close(600_000, "status 418")
    other.close(5_000, "status 429")
    wait = other.take(1, is_urgent=True)
    assert 590_000 < wait.ms <= 600_000
    assert wait.reason == "status 418"
    assert client.pttl(keys.rest("binance")) >= 600_000
    assert client.hget(keys.rest("binance"), "reason") == b"status 418"


def test_a_ban_ends_by_itself(client: Redis) -> None:
    """And the reason with it."""
    found = budget(client)
    found.close(20, "status 429")
    deadline = time.monotonic() + 5
    while found.take(1, is_urgent=True).ms:
        assert time.monotonic() < deadline
    assert client.hget(keys.rest("binance"), "reason") == b""


def test_the_key_reads_well_and_expires(client: Redis) -> None:
    """Plain decimal text, every field present."""
    budget(client).take(5, is_urgent=False)
    stored = cast(dict[bytes, bytes], client.hgetall("rest:binance"))
    found = {name.decode(): value.decode() for name, value in stored.items()}
    assert set(found) == set(keys.REST_FIELDS)
    assert (found["room"], found["room_later"], found["window_used"]) == ("85.000", "55.000", "5")
    assert 0 < client.pttl("rest:binance") <= 9_000_000


def test_a_key_of_another_type_is_replaced(client: Redis) -> None:
    """Somebody's mistake does not cost the budget."""
    client.set(keys.rest("binance"), "poison")
    assert budget(client).take(1, is_urgent=True).ms == 0
    assert client.type(keys.rest("binance")) == b"hash"


def test_a_server_that_is_gone_is_store_unavailable() -> None:
    """From every method."""
    found = budget(live_client("redis://127.0.0.1:1"))
    for call in (lambda: found.take(1, is_urgent=True), lambda: found.note(1), lambda: found.close(1, "x")):
        with pytest.raises(StoreUnavailable):
            call()
