"""`/api/stream` as a request sees it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.factory import create_app
from app.stream.routes import EXTENSION, MOST_STREAMS, Streams
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings
from tests.app.stream.sse import parse


@pytest.fixture
def server() -> Iterator[Flask]:
    made = create_app(settings(streams_per_address=2), FakeReader(), FakeHistory(), FakeTime().clock).server
    yield made
    streams: Streams = made.extensions[EXTENSION]
    streams.live_under(lambda: False, None)  # the hub's thread ends what a test left open


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    return server.test_client()


def opened(client: FlaskClient, query: str = "", **headers: str) -> TestResponse:
    return client.get(f"/api/stream{query}", headers=headers)


def test_a_stream_is_what_browsers_and_proxies_expect(client: FlaskClient) -> None:
    """Its type, nothing kept or held back, a first byte at once, when to come back; then the snapshot."""
    with opened(client, "?kinds=market") as response:
        assert response.status_code == 200
        assert response.mimetype == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Accel-Buffering"] == "no"
        assert "Content-Encoding" not in response.headers
        pieces = response.iter_encoded()
        first = next(pieces).decode()
        assert first.startswith(": tickdeck\n\nretry: ")
        assert parse(next(pieces).decode())[0][0].event == "market"


def test_an_address_may_open_so_many(client: FlaskClient) -> None:
    """The next one is told when to try again; a closed one leaves its place."""
    first, second = opened(client), opened(client)
    refused = opened(client)
    assert (refused.status_code, refused.get_json()["error"]["code"]) == (429, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    assert client.head("/api/stream").status_code == 200  # takes no place
    assert client.get("/api/stream", environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 200
    first.close()
    with opened(client) as third:
        assert third.status_code == 200
    second.close()


@pytest.mark.parametrize(
    ("query", "header", "status", "field"),
    [
        ("?kinds=weather", "", 400, "kinds"),
        ("?venues=nasdaq", "", 404, "venues"),
        ("?symbols=BTCUSDT,NOPE", "", 404, "symbols"),
        ("", "x", 400, "Last-Event-ID"),
    ],
)
def test_what_there_is_not_is_refused(
    client: FlaskClient, query: str, header: str, status: int, field: str
) -> None:
    """By its name, before a place is taken."""
    for _ in range(3):
        response = opened(client, query, **{"Last-Event-ID": header})
        assert (response.status_code, response.get_json()["error"]["field"]) == (status, field)


def test_a_process_that_ends_opens_none(client: FlaskClient, server: Flask) -> None:
    """Another one will, in a moment."""
    server.extensions[EXTENSION].live_under(lambda: False, None)
    response = opened(client)
    assert (response.status_code, response.get_json()["error"]["code"]) == (503, "unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_a_full_process_opens_none(
    client: FlaskClient, server: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages keep their connections."""
    hub = server.extensions[EXTENSION].hub
    monkeypatch.setattr(hub, "_open", [object()] * MOST_STREAMS)
    assert opened(client).status_code == 503
    monkeypatch.undo()
