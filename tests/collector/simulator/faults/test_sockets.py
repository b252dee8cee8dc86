"""Sockets that are cut, refused, or not let in; REST that answers wrongly, late, or not at all."""

import http.client
import socket as sockets
import time
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.collector.simulator.exchange import Commanded, get, hear_until, say, socket
from tests.collector.simulator.faults.market import BYBIT, binance, bybit, market

pytestmark = pytest.mark.wire

BTC = "orderbook.50.BTCUSDT"
QUOTE = "btcusdt@bookTicker"


@pytest.fixture(scope="module")
def running() -> Iterator[Commanded]:
    with market() as found:
        yield found


@pytest.fixture
def exchange(running: Commanded) -> Iterator[Commanded]:
    yield running
    running.heal()


def end_of(client: ClientConnection) -> ConnectionClosed:
    """How a socket ended."""
    with pytest.raises(ConnectionClosed) as ended:
        while True:
            client.recv(timeout=5)
    return ended.value


@pytest.mark.parametrize("code", [1001, 1008])
def test_sockets_are_closed_with_a_code(exchange: Commanded, code: int) -> None:
    """Those of one venue, of now: the next socket lives."""
    with bybit(exchange, BTC) as client, binance(exchange, QUOTE) as other:
        exchange.inject("cut", venue="bybit", how=code)
        closed = end_of(client).rcvd
        assert closed is not None and closed.code == code
        assert other.recv(timeout=5)
    with bybit(exchange, BTC) as client:
        assert client.recv(timeout=5)


def test_a_socket_is_reset_in_the_middle_of_a_frame(exchange: Commanded) -> None:
    """A plain TCP client sees a beginning of a frame and then the reset."""
    with sockets.create_connection(("127.0.0.1", exchange.port), timeout=5) as link:
        request = f"GET /ws/{QUOTE} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        request += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        link.sendall(request.encode())
        data = link.recv(65536)
        exchange.inject("cut", how="rst")
        with pytest.raises(ConnectionResetError):
            while piece := link.recv(65536):
                data += piece
    frames = data.partition(b"\r\n\r\n")[2]
    while frames and len(frames) >= 4 + int.from_bytes(frames[2:4], "big"):
        frames = frames[4 + int.from_bytes(frames[2:4], "big") :]
    assert frames.startswith(b"\x81")


def test_sockets_are_cut_by_age_and_again_and_again(exchange: Commanded) -> None:
    """Each at its own age, or all in a rhythm."""
    number = exchange.inject("max_age", age=0.5)
    began = time.monotonic()
    with bybit(exchange, BTC) as client:
        assert end_of(client).rcvd
    assert time.monotonic() - began >= 0.4
    exchange.heal(number)
    number = exchange.inject("flap", period=0.2, venue="binance")
    for _ in range(2):
        with binance(exchange, QUOTE) as client:
            assert end_of(client).rcvd
    cut = exchange.heal(number)["withheld"]
    assert cut["/public/stream"]["messages"] >= 2


def test_bybit_asks_for_pings_of_its_own(exchange: Commanded) -> None:
    """Who sends them stays; who does not is cut, although data flows."""
    with bybit(exchange, BTC) as polite, bybit(exchange, BTC) as rude:
        exchange.inject("enforce_pings", within=1.0)
        with pytest.raises(ConnectionClosed):
            while rude.recv(timeout=5):
                say(polite, op="ping", req_id="beat")
        say(polite, op="ping", req_id="still here")
        assert hear_until(polite, lambda heard: heard[-1].get("req_id") == "still here")


def test_connections_are_refused_and_then_taken_again(exchange: Commanded) -> None:
    """The port is closed for sockets and REST; what is open stays so, unless it was to be cut too."""
    with bybit(exchange, BTC) as client:
        number = exchange.inject("refuse")
        with pytest.raises(ConnectionRefusedError), socket(exchange.port, BYBIT):
            pass
        assert client.recv(timeout=5)
        exchange.heal(number)
        again = exchange.inject("refuse", cut=True)
        assert end_of(client).rcvd is None
        exchange.heal(again)
    deadline = time.monotonic() + 5
    while True:
        try:
            assert get(exchange.port, "/fapi/v1/ping") == {}
            return
        except OSError:
            assert time.monotonic() < deadline


@pytest.mark.parametrize("status", [302, 403, 451, 502, 503])
def test_sockets_are_not_let_in(exchange: Commanded, status: int) -> None:
    """One venue answers the handshake with a page; the other lets everybody in."""
    exchange.inject("handshake", venue="binance", status=status, location="https://blocked.example/")
    wants = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    found, headers, body = ask(exchange, "/public/stream", wants)
    assert found == status and b"<html>" in body
    assert headers.get("Location") == ("https://blocked.example/" if status == 302 else None)
    with bybit(exchange, BTC) as client:
        assert client.recv(timeout=5)


def test_a_handshake_and_a_request_are_not_answered_until_they_are(exchange: Commanded) -> None:
    """They wait; when the fault is over, they are answered as always."""
    handshake = exchange.inject("handshake", venue="bybit", status=0)
    rest = exchange.inject("rest", venue="binance", status=0)
    with sockets.create_connection(("127.0.0.1", exchange.port), timeout=0.2) as link:
        link.sendall(b"GET /fapi/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            link.recv(100)
        with pytest.raises(TimeoutError), socket(exchange.port, BYBIT, open_timeout=0.2):
            pass
        exchange.heal(rest)
        link.settimeout(5)
        assert link.recv(100).startswith(b"HTTP/1.1 200")
    exchange.heal(handshake)
    with bybit(exchange, BTC) as client:
        assert client.recv(timeout=5)


def ask(
    exchange: Commanded, path: str, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a request, whatever they are."""
    link = http.client.HTTPConnection("127.0.0.1", exchange.port, timeout=5)
    link.request("GET", path, headers=headers or {})
    reply = link.getresponse()
    found = reply.status, dict(reply.getheaders()), reply.read()
    link.close()
    return found


def test_rest_refuses(exchange: Commanded) -> None:
    """After so many requests, with Retry-After, with a ban, with a page of HTML and status 200."""
    number = exchange.inject("rest", status=429, after=2, retry_after=7, venue="binance")
    seen = [ask(exchange, "/fapi/v1/ping") for _ in range(4)]
    assert [status for status, _, _ in seen] == [200, 200, 429, 429]
    assert seen[-1][1]["Retry-After"] == "7" and b'"code":-1003' in seen[-1][2]
    assert get(exchange.port, "/v5/market/time")["retCode"] == 0
    exchange.heal(number)
    number = exchange.inject("rest", status=418, retry_after=60, venue="binance")
    assert b"banned until 1" in ask(exchange, "/fapi/v1/ping")[2]
    exchange.heal(number)
    for status in (200, 403, 500, 503):
        number = exchange.inject("rest", status=status, path="/v5/market/kline")
        found, headers, body = ask(exchange, "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=1")
        assert found == status and headers["Content-Type"] == "text/html" and b"<html>" in body
        assert get(exchange.port, "/v5/market/time")["retCode"] == 0
        exchange.heal(number)
    counts = exchange.ask("/counts")
    assert counts["requests"]["/fapi/v1/ping"] >= 5
    assert [status for _, path, status in counts["newest_requests"] if path == "/fapi/v1/ping"][-1] == 418
