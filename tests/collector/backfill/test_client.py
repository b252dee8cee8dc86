"""REST against servers on loopback that answer as they are told, or not at all."""

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from collector.backfill import RestClient, RestUnavailable
from collector.venues import Request, RestError, venue_for
from tests.collector.backfill.server import Server

pytestmark = pytest.mark.wire

ASK = Request("/fapi/v1/time", {"a": 1}, 1)


@contextmanager
def raw_server(reply: bytes, *, then_trickle: bool = False) -> Iterator[str]:
    """A socket that answers one request with bytes as they are; perhaps with a body that never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(reply)
                try:
                    while then_trickle:
                        connection.sendall(b" ")
                        stopping.wait(0.005)
                except OSError:
                    return

        stopping = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stopping.set()
        thread.join()


def test_the_body_of_an_answer(server: Server, client: RestClient) -> None:
    """Packed or not; the request is counted."""
    server.say(200, b'{"serverTime":5}')
    assert client.get(ASK) == b'{"serverTime":5}'
    server.say(200, gzip.compress(b'{"serverTime":6}'), Content_Encoding="gzip")
    assert client.get(ASK) == b'{"serverTime":6}'
    assert server.asked == ["/fapi/v1/time?a=1"] * 2
    assert client.calls == 2


def test_symbols_that_are_not_ascii_are_encoded(server: Server, client: RestClient) -> None:
    """Binance lists some."""
    client.get(Request("/fapi/v1/klines", {"symbol": "币安人生USDT"}, 1))
    assert server.asked == ["/fapi/v1/klines?symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT"]


def test_the_used_weight_is_passed_on(server: Server, client: RestClient) -> None:
    """From answers of any status, if it is a number."""
    told: list[int] = []
    client.on_used = told.append
    server.say(200, b"{}", X_MBX_USED_WEIGHT_1M="17")
    client.get(ASK)
    server.say(429, b"", X_MBX_USED_WEIGHT_1M="2401")
    with pytest.raises(RestUnavailable):
        client.get(ASK)
    server.say(200, b"{}", X_MBX_USED_WEIGHT_1M="many")
    client.get(ASK)
    assert told == [17, 2401]


def test_redirects_are_not_followed_and_cookies_not_kept(server: Server, client: RestClient) -> None:
    """Status and Location are in the reason."""
    server.say(302, b"", Location=f"{server.url}/elsewhere", Set_Cookie="a=b")
    with pytest.raises(RestUnavailable, match=r"status 302.*/elsewhere"):
        client.get(ASK)
    assert len(server.asked) == 1
    assert not client._session.cookies


def test_a_path_that_is_not_there_is_not_asked_for_again(server: Server, client: RestClient) -> None:
    """Another try would not help."""
    server.say(404, b"<html>")
    with pytest.raises(RestError):
        client.get(ASK)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", "connection refused"),
        ("http://name.invalid", "cannot be resolved"),
    ],
)
def test_nobody_there(url: str, words: str) -> None:
    """Is worth another try, soon, and concerns nobody else."""
    with pytest.raises(RestUnavailable, match=words) as refused:
        RestClient(url, venue_for("bybit").rest).get(ASK)
    assert not refused.value.is_for_all


REPLIES = {
    "no HTTP": b"\x00\xff\x00\xff",
    "nothing": b"",
    "cut off": b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"serverTime":1',
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "bad packing": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_broken_reply_is_worth_another_try(reply: bytes) -> None:
    """Never another exception."""
    with raw_server(reply) as url, pytest.raises(RestUnavailable) as refused:
        RestClient(url, venue_for("binance").rest).get(ASK)
    assert not refused.value.is_for_all


def test_a_reply_that_trickles_for_ever_is_given_up() -> None:
    """However steadily it comes."""
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n{"
    with raw_server(endless, then_trickle=True) as url, pytest.raises(RestUnavailable, match="not end"):
        RestClient(url, venue_for("binance").rest, whole_s=0.05).get(ASK)


def test_a_server_that_says_nothing_times_out() -> None:
    """It accepts and is silent."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RestUnavailable, match="timed out"):
            RestClient(url, venue_for("binance").rest).get(ASK, timeout_s=(1.0, 0.05))


def test_what_does_not_speak_tls() -> None:
    """Never falls back to plain text; the words say TLS."""
    with raw_server(b"HTTP/1.1 200 OK\r\n\r\n{}") as url, pytest.raises(RestUnavailable, match="TLS failed"):
        RestClient(url.replace("http:", "https:"), venue_for("binance").rest).get(ASK)
