"""What is deleted, and what is not overwritten, on a real Redis."""

from collections.abc import Iterator

import pytest
from redis import Redis

from db.errors import StoreUnavailable
from db.hot import keys
from db.hot.batch import MOST, Fence
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from tests.entries import entries

BOOK = "book:bybit:AUSDT"


@pytest.fixture
def client(redis_client_url: str) -> Iterator[Redis]:
    made = live_client(redis_client_url)
    yield made
    made.close()


def fill(client: Redis, venue: str, *symbols: str) -> None:
    """Every key of these."""
    for symbol in symbols:
        for key in keys.of_symbol(venue, symbol):
            if key.startswith("trades:"):
                client.xadd(key, {"price": 1})
            else:
                client.hset(key, "a", "1")
        client.hset(keys.market(venue), symbol, "{}")


def test_a_symbol_goes_whole_and_alone(client: Redis) -> None:
    """Its neighbours, and its namesake of another venue, stay."""
    fill(client, "bybit", "AUSDT", "BUSDT")
    fill(client, "sim-bybit", "AUSDT")
    HotWriter(client).delete_symbols("bybit", ["AUSDT", "NEVERUSDT"])
    assert list(client.scan_iter("*:bybit:AUSDT*")) == []
    assert client.hkeys("market:bybit") == [b"BUSDT"]
    assert client.exists(*keys.of_symbol("bybit", "BUSDT")) == len(keys.of_symbol("bybit", "BUSDT"))
    assert client.exists(*keys.of_symbol("sim-bybit", "AUSDT")) == len(keys.of_symbol("bybit", "AUSDT"))
    HotWriter(client).delete_symbols("bybit", [])


def test_a_venue_goes_whole_and_alone(client: Redis) -> None:
    """Its budget too; names that only look alike stay."""
    for venue in ("sim-bybit", "bybit"):
        fill(client, venue, "AUSDT")
        client.hset(keys.feed(venue), "state", "live")
        client.hset(keys.feed(venue, "w1"), "state", "live")
        client.hset(keys.rest(venue), "room", "1")
    left = {key for key in client.scan_iter() if b"sim-" not in key}
    HotWriter(client).delete_venue("sim-bybit")
    assert set(client.scan_iter()) == left
    assert len(left) == 19


def test_a_server_that_is_gone_is_store_unavailable() -> None:
    """Deleting says so."""
    with pytest.raises(StoreUnavailable):
        HotWriter(live_client("redis://127.0.0.1:1")).delete_symbols("bybit", ["AUSDT"])


def test_a_lower_epoch_overwrites_nothing(client: Redis) -> None:
    """One that is as high or higher does; the key's neighbours are written all the same."""
    writer = HotWriter(client)
    for epoch, price in ((5, "100"), (4, "90"), (5, "101"), (6, "102"), (5, "103")):
        writer.put(BOOK, {"best_bid_price": price, "epoch": epoch}, Fence(BOOK, epoch))
    writer.put("ticker:bybit:AUSDT", {"last_price": "1"})
    writer.put("ticker:bybit:BUSDT", {"last_price": "2"}, Fence("book:bybit:BUSDT", 1))
    assert writer.send() == (set(), {BOOK}, set())
    assert client.hgetall(BOOK) == {b"epoch": b"6", b"best_bid_price": b"102"}
    assert client.hget("ticker:bybit:AUSDT", "last_price") == b"1"
    assert client.hget("ticker:bybit:BUSDT", "last_price") == b"2"


def test_who_was_replaced_writes_nothing_of_the_instrument(client: Redis) -> None:
    """Once its successor has claimed it; a claim makes no book where there is none."""
    old, new, trades = HotWriter(client), HotWriter(client), keys.trades("bybit", "AUSDT")
    entry = {"trade_id": "1"}

    def write(writer: HotWriter, epoch: int) -> set[str]:
        fence = Fence(BOOK, epoch)
        writer.append_missing(trades, "trade_id", [entry], 200, fence)
        writer.append(trades, entry, 200, fence)
        writer.put(keys.market("bybit"), {"AUSDT": "{}"}, fence)
        writer.put_missing(BOOK, {"state": "live"}, fence)
        return writer.send().fenced

    new.claim(Fence(BOOK, 4))
    new.send()
    assert not client.exists(BOOK)
    assert write(old, 4) == set()
    new.claim(Fence(BOOK, 5))
    new.send()
    assert write(old, 4) == {trades, keys.market("bybit"), BOOK}
    assert client.xlen(trades) == 2
    assert client.hgetall(BOOK) == {b"state": b"live", b"epoch": b"5"}
    assert write(new, 5) == set()


def test_many_commands_go_in_several_scripts(client: Redis) -> None:
    """Each failure is told of its own key."""
    writer = HotWriter(client)
    for n in range(2 * MOST + 1):
        client.set(f"wrong:{n}", "") if n in (0, MOST - 1, MOST, 2 * MOST) else None
        writer.put(f"wrong:{n}", {"n": n, "price": "0.5"})
    assert writer.send().deleted == {f"wrong:{n}" for n in (0, MOST - 1, MOST, 2 * MOST)}
    assert client.hget(f"wrong:{MOST + 1}", "n") == str(MOST + 1).encode()


def test_a_key_of_the_wrong_type_is_deleted(client: Redis) -> None:
    """To be written anew; also where a script meets it."""
    writer = HotWriter(client)
    client.set("book:bybit:AUSDT", "no hash")
    writer.put(BOOK, {"best_bid_price": "100"}, Fence(BOOK, 5))
    writer.append_missing("trades:bybit:AUSDT", "trade_id", [{"trade_id": "1"}], 200)
    assert writer.send() == ({"book:bybit:AUSDT"}, set(), set())
    client.set("trades:bybit:AUSDT", "no stream")
    writer.append_missing("trades:bybit:AUSDT", "trade_id", [{"trade_id": "1"}], 200)
    assert writer.send() == ({"trades:bybit:AUSDT"}, set(), set())
    assert not client.exists("book:bybit:AUSDT", "trades:bybit:AUSDT")


def test_keys_that_were_to_live_longer_and_are_gone_are_told(client: Redis) -> None:
    """Whatever else is sent with them."""
    writer = HotWriter(client)
    writer.expire("worker:w", 15)
    writer.put("worker:w", {"pid": "1"})
    writer.expire("worker:w", 15)
    writer.expire("book:bybit:AUSDT", 120)
    assert writer.send() == (set(), set(), {"worker:w", "book:bybit:AUSDT"})
    writer.expire("worker:w", 15)
    assert writer.send() == (set(), set(), set())


def test_of_a_whole_list_only_what_is_missing_is_appended(client: Redis) -> None:
    """In order; what is there stays, and entries that somebody else wrote are no obstacle."""
    writer = HotWriter(client)
    key = "trades:bybit:AUSDT"
    rows = [{"price": str(n), "trade_id": f"t{n}", "note": "price"} for n in range(5)]

    def held() -> list[tuple[bytes, bytes]]:
        return [(fields[b"trade_id"], fields[b"price"]) for fields in entries(client, key)]

    for count in (2, 5, 5):
        writer.append_missing(key, "trade_id", rows[:count], 200)
        writer.send()
        assert held() == [(f"t{n}".encode(), str(n).encode()) for n in range(count)]
    client.delete(key)
    client.xadd(key, {"other": "t0"})
    writer.append_missing(key, "trade_id", rows, 200)
    writer.send()
    assert client.xlen(key) == 6


def test_a_list_whose_newest_came_first_is_put_in_order(client: Redis) -> None:
    """As after Redis lost all and took new entries first; what it has beyond the list stays."""
    writer = HotWriter(client)
    key = "trades:bybit:AUSDT"
    rows = [{"price": str(n), "trade_id": f"t{n}"} for n in range(6)]
    client.xadd(key, {"price": "9", "trade_id": "older"})
    for fields in rows[4:]:
        writer.append(key, fields, 200)
    writer.append_missing(key, "trade_id", rows, 200)
    writer.send()
    held = [fields[b"trade_id"].decode() for fields in entries(client, key)]
    assert held == ["older", *(f"t{n}" for n in range(6))]
