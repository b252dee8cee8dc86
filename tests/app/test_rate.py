"""Requests to `/api` an address, with Redis, and while it is frozen or gone."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from app.factory import create_app
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings
from tests.app.test_factory import CALLBACK, request_of


def client_of(redis_url: str, rate: str = "3/minute") -> FlaskClient:
    made = settings(api_rate_limit=rate, redis_url=redis_url)
    found: FlaskClient = create_app(made, FakeReader(), FakeHistory(), FakeTime().clock).server.test_client()
    return found


def codes(client: FlaskClient, *paths: str, address: str = "192.0.2.1") -> list[int]:
    return [client.get(path, environ_base={"REMOTE_ADDR": address}).status_code for path in paths]


def test_an_address_has_so_many_requests(redis_client_url: str) -> None:
    """All paths of the API count together, in all processes; the refusal says when to come again."""
    client, sibling = client_of(redis_client_url), client_of(redis_client_url)
    assert codes(client, "/api/market", "/api/nothing") == [200, 404]
    assert codes(sibling, "/api/gaps") == [200]
    refused = client.get("/api/market", environ_base={"REMOTE_ADDR": "192.0.2.1"})
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (429, "too_many_requests")
    assert "3 per 1 minute" in refused.get_json()["error"]["message"]
    assert 1 <= int(refused.headers["Retry-After"]) <= 61
    assert codes(sibling, "/api/market") == [429]
    assert codes(client, "/api/market", address="192.0.2.2") == [200]


def test_its_keys_say_what_they_are_and_go(redis_client_url: str) -> None:
    """Whoever looks into Redis is not puzzled by them."""
    codes(client_of(redis_client_url), "/api/market")
    with redis.Redis.from_url(redis_client_url) as store:
        found: Any = store.keys()
        assert [key.startswith(b"rate:") for key in found] == [True]
        ttl: Any = store.ttl(found[0])
        assert 0 < ttl <= 60


def test_pages_and_streams_are_not_counted(redis_client_url: str) -> None:
    """A page that stays open asks once a second, and a stream has a limit of its own."""
    client = client_of(redis_client_url, "1/hour")
    for _ in range(3):
        assert client.post(CALLBACK, json=request_of(None)).status_code == 200
        assert client.get("/").status_code == client.get("/healthz").status_code == 200
        assert client.head("/api/stream").status_code == 200
    assert codes(client, "/api/market", "/api/market") == [200, 429]


def test_requests_that_meet_at_a_silent_redis_are_all_answered(frozen: str) -> None:
    """Whoever is under way when it falls silent is not refused, and nothing fails."""
    client = client_of(frozen, "100/minute")
    with ThreadPoolExecutor(12) as several:
        asked = [several.submit(codes, client.application.test_client(), "/api/market") for _ in range(24)]
    assert [each.result() for each in asked] == [[200]] * 24


def test_off_is_no_limit() -> None:
    """And Redis is not asked."""
    assert codes(client_of("redis://127.0.0.1:1", "off"), *["/api/market"] * 5) == [200] * 5


@pytest.fixture
def frozen() -> Iterator[str]:
    """A Redis that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("state", ["frozen", "gone"])
def test_without_redis_each_process_counts_for_itself(frozen: str, state: str) -> None:
    """Every request is answered in less than half a second, the first ones too."""
    client = client_of(frozen if state == "frozen" else "redis://127.0.0.1:1")
    found = []
    for _ in range(5):
        began = time.monotonic()
        found += codes(client, "/api/market")
        assert time.monotonic() - began < 0.5
    assert found == [200, 200, 200, 429, 429]
