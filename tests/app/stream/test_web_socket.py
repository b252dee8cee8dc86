"""The stream as messages of a WebSocket."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Request
from flask.testing import FlaskClient
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from app.factory import create_app
from app.stream.news import comment, frame, reset
from app.stream.web_socket import is_foreign, messages, read_handshake
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings
from tests.app.stream.served import Served, served
from tests.app.stream.test_served import tell

ASKED = {
    "HTTP_HOST": "here:8050", "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==", "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "REQUEST_METHOD": "GET",
}  # fmt: skip


def test_frames_become_messages() -> None:
    """Each event one, a comment a sign of life, `retry:` nothing."""
    piece = frame("gap", b'{"a":1.10}', "7-0") + comment() + reset("lost", "w") + b"retry: 2000\n\n"
    assert list(messages(piece)) == [
        b'{"event":"gap","id":"7-0","data":{"a":1.10}}', b"",
        b'{"event":"reset","id":null,"data":{"reason":"lost","message":"w"}}',
    ]  # fmt: skip
    assert list(messages(b"")) == []


def test_only_what_begins_a_websocket_is_one() -> None:
    """Its key, its version, its method."""
    assert read_handshake(Request(ASKED)) is not None
    for name, value in (
        ("HTTP_SEC_WEBSOCKET_KEY", "x"), ("HTTP_SEC_WEBSOCKET_VERSION", "8"), ("HTTP_UPGRADE", "h2c"),
        ("REQUEST_METHOD", "HEAD"), ("HTTP_HOST", "ü\u20ac"),
    ):  # fmt: skip
        found = read_handshake(Request(ASKED | {name: value}))
        assert (found is None) == (name != "HTTP_HOST")


def test_pages_of_others_are_foreign() -> None:
    """Programs name no origin."""
    assert not is_foreign(Request(ASKED))
    assert not is_foreign(Request(ASKED | {"HTTP_ORIGIN": "https://here:8050"}))
    assert is_foreign(Request(ASKED | {"HTTP_ORIGIN": "https://there"}))
    assert is_foreign(Request(ASKED | {"HTTP_ORIGIN": "null"}))


def test_anything_else_is_told_to_upgrade() -> None:
    """In the shape of all errors; what is no proper beginning of one is refused."""
    app = create_app(settings(), FakeReader(), FakeHistory(), FakeTime().clock)
    client: FlaskClient = app.server.test_client()
    response = client.get("/api/ws")
    assert (response.status_code, response.headers["Upgrade"]) == (426, "websocket")
    assert response.get_json()["error"]["code"] == "upgrade_required"
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    response = client.get("/api/ws", headers=upgrade)
    assert (response.status_code, response.get_json()["error"]["code"]) == (400, "bad_request")
    response = client.get("/api/ws?kinds=x", headers=upgrade)
    assert (response.status_code, response.get_json()["error"]["field"]) == (400, "kinds")


@pytest.fixture
def store(redis_client_url: str) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(redis_client_url) as client:
        yield client


@pytest.fixture
def web(redis_client_url: str, tmp_path: Path) -> Iterator[Served]:
    """One process, two streams an address."""
    with served(redis_client_url, tmp_path, WEB_CONCURRENCY="1", STREAMS_PER_ADDRESS="2") as found:
        yield found


def opened(web: Served, query: str, **options: Any) -> ClientConnection:
    found: ClientConnection = connect(f"ws://127.0.0.1:{web.port}/api/ws{query}", compression=None, **options)
    return found


def status_of(web: Served, **options: Any) -> int:
    """Of a WebSocket that is refused."""
    with pytest.raises(InvalidStatus) as refused, opened(web, "", **options):
        pass
    return refused.value.response.status_code


def test_a_websocket_tells_resumes_and_ends(web: Served, store: "redis.Redis") -> None:
    """Snapshot, events with ids, its limit, its end on SIGTERM."""
    seen = tell(store, "first")
    missed = tell(store, "second")
    with (
        opened(web, "?kinds=market") as market,
        opened(web, f"?kinds=signal&last_event_id={seen}") as signals,
    ):
        assert json.loads(market.recv(5))["event"] == "market"
        told = json.loads(signals.recv(5))
        assert (told["event"], told["id"], told["data"]["data"]) == ("signal", missed, {"rule": "second"})
        assert status_of(web) == 429
        assert status_of(web, origin="http://elsewhere") == 403
        signals.ping().wait(5)
        market.send("x" * 2000)
        with pytest.raises(ConnectionClosed, match="1009"):
            while True:
                market.recv(5)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                with opened(web, "?kinds=market") as again:
                    assert json.loads(again.recv(5))["event"] == "market"
                break
            except InvalidStatus:
                time.sleep(0.05)
        assert web.stop() < 10
        with pytest.raises(ConnectionClosed, match="1001"):
            while True:
                signals.recv(5)
    assert "Traceback" not in web.log
