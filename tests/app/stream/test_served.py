"""Streams as gunicorn serves them: over processes, to readers that leave, are slow, or come back."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.app.fakes import NOW, row
from tests.app.stream.served import Client, Served, served

pytestmark = pytest.mark.wire

SIGNALS = "/api/stream?kinds=signal"


@pytest.fixture
def store(redis_client_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_client_url) as client:
        yield client


@pytest.fixture
def web(redis_client_url: str, tmp_path: Path) -> Iterator[Served]:
    """Two processes, three streams an address."""
    with served(redis_client_url, tmp_path, WEB_CONCURRENCY="2", STREAMS_PER_ADDRESS="3") as found:
        yield found


def tell(store: "redis.Redis", data: str, kind: str = "signal") -> str:
    fields: dict[Any, Any] = {
        "kind": kind, "time": NOW, "venue": "bybit", "symbol": "BTCUSDT", "data": f'{{"rule":"{data}"}}',
    }  # fmt: skip
    entry_id: Any = store.xadd("events", fields)
    return entry_id.decode()  # type: ignore[no-any-return]


def settle(client: Client) -> None:
    """Wait until it has a first comment of the hub: it is followed from then on."""
    client.read_until("\r\n: \n\n")


def test_streams_tell_resume_and_end(web: Served, store: "redis.Redis") -> None:
    """A snapshot and changes, events with their ids; after SIGTERM the chunked reply ends as it should."""
    store.hset("market:bybit", mapping={"BTCUSDT": row("bybit", "BTCUSDT", last_price=5.0)})
    first = tell(store, "first")
    with Client(web.port, "/api/stream?venues=bybit&symbols=BTCUSDT") as client:
        client.read_until("event: market")
        client.read_until('"last_price":5.0')
        store.hset("market:bybit", mapping={"BTCUSDT": row("bybit", "BTCUSDT", last_price=6.5)})
        client.read_until("event: change")
        client.read_until('"last_price":6.5')
        second = tell(store, "second")
        assert client.told('"second"}}\n\n')[-1].id == second
        with Client(web.port, SIGNALS, {"Last-Event-ID": first}) as back:
            (missed,) = back.told('"second"}}\n\n')
            assert (missed.event, missed.id) == ("signal", second)
            with Client(web.port, SIGNALS, {"Last-Event-ID": "5-0"}) as old:
                (reset,) = old.told("from now")
                assert (reset.event, reset.id, reset.data["reason"]) == ("reset", None, "too_old")
                assert web.stop() < 10
                for each in (client, back, old):
                    assert each.read_all().endswith(": the server ends\n\n\r\n0\r\n\r\n")
    assert "Traceback" not in web.log
    assert "graceful timeout" not in web.log


def test_processes_count_the_streams_of_an_address_together(web: Served) -> None:
    """Three, whoever serves them; one whose reader left is free within seconds, though nothing is told."""
    clients = [Client(web.port, SIGNALS) for _ in range(3)]
    assert [client.status for client in clients] == [200] * 3
    for _ in range(4):
        with Client(web.port, SIGNALS, {"Connection": "close"}) as refused:
            assert refused.status == 429
            assert "retry-after" in refused.read_all().lower()
    clients[0].socket.close()
    deadline = time.monotonic() + 5
    status = 0
    while status != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
        clients[0].socket.close()
        clients[0] = Client(web.port, SIGNALS)
        status = clients[0].status
    assert status == 200
    for client in clients:
        client.socket.close()


def test_a_reader_that_does_not_read_is_dropped(
    redis_client_url: str, store: "redis.Redis", tmp_path: Path
) -> None:
    """It has no place any more, is cut off, and nobody else waits for it."""
    with (
        served(redis_client_url, tmp_path, WEB_CONCURRENCY="1", REFRESH_MS="100") as web,
        Client(web.port, SIGNALS, receive_buffer=4096) as slow,
        Client(web.port, SIGNALS) as good,
    ):
        settle(good)
        assert slow.status == 200
        deadline = time.monotonic() + 30
        number = 0
        while "stream.dropped" not in web.log and time.monotonic() < deadline:
            number += 1
            tell(store, f"{number}.{'x' * 60_000}")
            good.read_until(f'"{number}.xxx')
        assert "too slow" in web.log
        tell(store, "after")
        good.read_until('"after"')
        assert web.stop() < 15
        assert "Traceback" not in web.log
