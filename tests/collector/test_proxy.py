"""Which hosts are reached through a proxy."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import websocket

from collector.backfill import RestClient, RestUnavailable
from collector.connection.opening import Socket
from collector.connection.reasons import explain
from collector.proxy import proxy_for
from collector.venues import venue_for

PROXY = "http://user:pw@proxy.example:3128"


@pytest.mark.parametrize("url", ["wss://stream.bybit.com/v5/public/linear", "https://fapi.binance.com"])
def test_venues_are_reached_through_the_proxy(url: str) -> None:
    """Unless NO_PROXY names them."""
    assert proxy_for(url, PROXY, "") == PROXY
    assert proxy_for(url, PROXY, ".bybit.com, fapi.binance.com") == ""
    assert proxy_for(url, "", "") == ""


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1", "http://localhost:1", "https://127.0.0.1:1", "wss://localhost"]
)
def test_loopback_never_is(url: str) -> None:
    """Whatever is set."""
    assert proxy_for(url, PROXY, "") == ""


@contextmanager
def proxy_that_says(reply: bytes) -> Iterator[str]:
    """Host and port of one that answers two requests so."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for _ in range(2):
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65_536)
                    connection.sendall(reply)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        thread.join()


def words_of(proxy: str) -> list[str]:
    """What REST and the WebSocket say of it."""
    rest = RestClient("https://venue.invalid", venue_for("bybit").rest, proxy=proxy)
    with pytest.raises(RestUnavailable) as refused:
        rest.get(rest.rest.time_request())
    rest.close()
    ws = Socket()
    with pytest.raises((OSError, websocket.WebSocketException)) as failed:
        ws.open("wss://venue.invalid/x", urlsplit(proxy))
    ws.shutdown()  # type: ignore[no-untyped-call]
    return [str(refused.value), explain(failed.value, ws.handshake_response, proxy)[1]]


@pytest.mark.wire
@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("127.0.0.1:1", "the proxy 127.0.0.1:1 does not answer (connection refused)"),
        ("proxy.invalid:3128", "the proxy's name proxy.invalid cannot be resolved"),
    ],
)
def test_a_proxy_that_is_not_there_is_named(proxy: str, words: str) -> None:
    """It is not the venue that does not answer; the password is nobody's business."""
    assert words_of(f"http://user:hunter2@{proxy}") == [words, words]


@pytest.mark.wire
@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("403 Forbidden", "does not let us through (status 403)"),
        ("407 Who", "wants another name and password than HTTPS_PROXY has (status 407)"),
    ],
)
def test_a_proxy_that_refuses_is_named(status: str, words: str) -> None:
    """With what it means."""
    with proxy_that_says(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()) as proxy:
        assert words_of(f"http://user:hunter2@{proxy}") == [f"the proxy {proxy} {words}"] * 2
