"""What is tried against the web, and what comes back: a row each, sent byte by byte to a real gunicorn.

`pytest tests/app/test_attacks.py --collect-only` lists the table: the name of a row ends with the answer.
"""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.app.stream.served import Client, Served, served

pytestmark = pytest.mark.wire

CALLBACK = "/_dash-update-component"
SILENCE_S = 40.0
"""Longer than anybody may hold a connection."""
DRIP_S = 0.5
CLOSED = "closed"
SQL = "x' OR 1=1; DROP TABLE kline_rows; --"
DEEP = 30_000
MARKET: dict[str, Any] = {
    "output": "live-market.data",
    "outputs": {"id": "live-market", "property": "data"},
    "inputs": [{"id": "refresh-tick", "property": "data", "value": {"tick": 1}}],
    "changedPropIds": ["refresh-tick.data"],
}


class Attack(NamedTuple):
    """Bytes, and the status and code of the error that comes back; `drip` is sent after them, bit by bit."""

    name: str
    sent: bytes
    answer: str
    drip: bytes = b""


def get(target: str, *lines: str, method: str = "GET", connection: str = "close") -> bytes:
    return "\r\n".join(
        (f"{method} {target} HTTP/1.1", "Host: here", *lines, f"Connection: {connection}", "", "")
    ).encode()


def post(body: bytes | dict[str, Any], *lines: str, length: int | None = None) -> bytes:
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = len(body) if length is None else length
    return (
        get(CALLBACK, "Content-Type: application/json", f"Content-Length: {told}", *lines, method="POST")
        + body
    )


def series(**values: str) -> bytes:
    given = {"venue": "bybit", "symbol": "BTCUSDT", "interval": "1m"} | values
    return get("/api/klines?" + "&".join(f"{name}={quote(value)}" for name, value in given.items()))


def valued(text: str) -> bytes:
    """The callback of the Market page with this value, given as JSON."""
    return json.dumps(MARKET).replace('{"tick": 1}', text).encode()


INJECTED = [
    Attack("SQL as a symbol", series(symbol=SQL), "404 not_found"),
    Attack("SQL as a venue", series(venue=SQL), "404 not_found"),
    Attack("SQL as an interval", series(interval=SQL), "400 bad_value"),
    Attack("SQL as a limit", series(limit=SQL), "400 bad_value"),
    Attack("SQL as a time", series(**{"from": SQL}), "400 bad_value"),
    Attack("SQL as a cursor", series(cursor=SQL), "400 bad_value"),
    Attack("SQL as a rule", get(f"/api/signals?rule={quote(SQL)}"), "400 bad_value"),
    Attack("SQL as a kind", get(f"/api/stream?kinds={quote(SQL)}"), "400 bad_value"),
    Attack("a pattern of Redis as a symbol", get("/api/book/bybit/*"), "404 not_found"),
    Attack("a command of Redis as a symbol", get("/api/book/bybit/x%0D%0AFLUSHALL%0D%0A"), "404 not_found"),
    Attack(
        "a script as a symbol", get("/api/book/bybit/%3Cscript%3Ealert(1)%3C%2Fscript%3E"), "404 not_found"
    ),
    Attack("NUL in a symbol", series(symbol="BTC\0USDT"), "404 not_found"),
    Attack("a header in a value", series(format="csv\r\nSet-Cookie: a=b"), "400 bad_value"),
    Attack("a command as an event id", get("/api/stream", "Last-Event-ID: $(id)"), "400 bad_value"),
]
TRAVERSAL = [
    Attack("dots below the API", get("/api/../../../../etc/passwd"), "404 not_found"),
    Attack("dots in code below the API", get("/api/%2e%2e/%2e%2e/etc/passwd"), "404 not_found"),
    Attack("dots below the API's page", get("/api/docs/..%2f..%2fsecurity.py"), "404 not_found"),
    Attack("dots below the assets", get("/assets/..%2f..%2f.env"), "404"),
    Attack("dots below Dash's files", get("/_dash-component-suites/dash/..%2f..%2fetc/passwd"), "404"),
    Attack("a file of the checkout", get("/.env"), "404"),
    Attack("another server as the target", get("http://169.254.169.254/latest/meta-data"), "404"),
]
OVERSIZED = [
    Attack("a line of 9,000 bytes", get("/api/market?venue=" + "x" * 9000), "414 uri_too_long"),
    Attack("a header of 9,000 bytes", get("/api/market", "X-A: " + "x" * 9000), "431"),
    Attack("200 headers", get("/api/market", *(f"X-{n}: 1" for n in range(200))), "431"),
    Attack("a body of 70,000 bytes", post(b"x" * 100, length=70_000), "413 request_entity_too_large"),
    Attack("a body said to be 10 GB", post(b"", length=10**10), "413 request_entity_too_large"),
    Attack("501 names", get("/api/stream?symbols=" + ",".join(f"A{n}" for n in range(501))), "400 bad_value"),
    Attack("a limit of 10^30", series(limit="9" * 30), "400 bad_value"),
]
UNREAD = [
    Attack("a line of 900 kB", get("/" + "x" * 900_000), "414 uri_too_long"),
    Attack("a body of 3 MB", post(b"x" * 3_000_000), "413 request_entity_too_large"),
    Attack(
        "3 MB before the next request",
        get("/api/klines", "Content-Length: 3000000", method="POST", connection="keep-alive")
        + b"x" * 3_000_000
        + get("/healthz"),
        "413 request_entity_too_large",
    ),
]
FRAMED = [
    Attack("two lengths", post(MARKET, "Content-Length: 3"), "400"),
    Attack("a length below zero", post(b"", length=-1), "400"),
    Attack("a length beside chunks", post(MARKET, "Transfer-Encoding: chunked"), "400"),
    Attack("a length that lies", post(b'{"output":', length=500), "400 bad_callback"),
    Attack("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", "400"),
    Attack("a version that is none", b"GET / HTTP/9.9\r\nHost: here\r\n\r\n", "400"),
    Attack("two hosts", get("/api/market", "Host: elsewhere"), "400"),
]
JSON = [
    Attack("lists 30,000 deep", post(b"[" * DEEP), "400 bad_callback"),
    Attack("a value 15,000 deep", post(valued("[" * 15_000 + "]" * 15_000)), "400 bad_callback"),
    Attack("an unknown field 30,000 deep", post(b'{"x":' + b"[" * DEEP), "400 bad_callback"),
    Attack(
        "an output twice",
        post(json.dumps(MARKET).encode()[:-1] + b',"output":"other.data"}'),
        "400 bad_callback",
    ),
    Attack("inputs twice", post(json.dumps(MARKET).encode()[:-1] + b',"inputs":[]}'), "400 bad_callback"),
    Attack("a number of 5,000 digits", post(valued("9" * 5000)), "400"),
    Attack("half an object", post(b'{"output":"live-market.data"'), "400 bad_callback"),
    Attack("NaN", post(valued("NaN")), "400 bad_callback"),
    Attack("bytes that are no text", post(b'{"output":"\xff"}'), "400 bad_callback"),
]
CALLBACKS = [
    Attack("an unknown output", post(MARKET | {"output": "secret.data"}), "400 bad_callback"),
    Attack(
        "outputs of another",
        post(MARKET | {"outputs": {"id": "symbol-live", "property": "data"}}),
        "400 bad_callback",
    ),
    Attack(
        "inputs of another",
        post(MARKET | {"inputs": [{"id": "symbol-tick", "property": "data"}]}),
        "400 bad_callback",
    ),
    Attack(
        "a state that it has not",
        post(MARKET | {"state": [{"id": "a", "property": "b"}]}),
        "400 bad_callback",
    ),
    Attack(
        "an id that is a pattern",
        post(MARKET | {"inputs": [{"id": {"type": "x"}, "property": "data"}]}),
        "400 bad_callback",
    ),
    Attack(
        "replayed from another version", post(MARKET | {"output": "live-market-v0.data"}), "400 bad_callback"
    ),
    Attack("GET instead of POST", get(CALLBACK), "404"),
    Attack("DELETE of data", get("/api/klines", method="DELETE"), "405 method_not_allowed"),
]
SLOW = [
    Attack("a head that never ends", b"GET / HTTP/1.1\r\nHost: here\r\n", CLOSED, b"X-A: b\r\n"),
    Attack("a request line that never ends", b"GET /", CLOSED, b"a"),
    Attack("a body that never ends", post(b"", length=5000), "408 request_timeout", b" "),
    Attack(
        "chunks that never end",
        get(CALLBACK, "Content-Type: application/json", "Transfer-Encoding: chunked", method="POST"),
        "408 request_timeout",
        b"1\r\n \r\n",
    ),
]
QUICK = INJECTED + TRAVERSAL + OVERSIZED + FRAMED + JSON + CALLBACKS


def rows(attacks: list[Attack]) -> list[Any]:
    return [pytest.param(attack, id=f"{attack.name}: {attack.answer}") for attack in attacks]


@pytest.fixture(scope="module")
def web(
    redis_url: str, shared_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """One for all."""
    folder = tmp_path_factory.mktemp("attacked")
    given = {"API_RATE_LIMIT": "off", "WEB_CONCURRENCY": "1", "DATABASE_URL": shared_database_url}
    with served(redis_url, folder, **given) as found:
        yield found


def answer_to(attack: Attack, port: int) -> bytes:
    """All that comes back until the web closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=SILENCE_S) as connection:
        connection.sendall(attack.sent)
        if not attack.drip:
            connection.shutdown(socket.SHUT_WR)
        else:
            _drip(connection, attack.drip)
        got = b""
        while piece := connection.recv(65_536):
            got += piece
        return got


def _drip(connection: socket.socket, drip: bytes) -> None:
    """Send a bit at a time until something comes back."""
    end = time.monotonic() + SILENCE_S
    connection.settimeout(DRIP_S)
    while time.monotonic() < end:
        connection.sendall(drip)
        try:
            connection.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            continue
        connection.settimeout(SILENCE_S)
        return
    raise AssertionError("it is still listened to")


@pytest.fixture(scope="module")
def dripped(web: Served) -> Iterator[dict[str, Future[bytes]]]:
    """The slow ones, all at once."""
    with ThreadPoolExecutor(len(SLOW)) as pool:
        yield {attack.name: pool.submit(answer_to, attack, web.port) for attack in SLOW}


def check(attack: Attack, got: bytes, web: Served) -> None:
    """It is what the table says, tells nothing of our inside, and others are served."""
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Traceback" not in got
    assert "Traceback" not in web.log, attack.name
    if attack.answer == CLOSED:
        assert got == b""
    else:
        status, _, code = attack.answer.partition(" ")
        assert head.split(b" ", 2)[1:2] == [status.encode()], got[:500]
        if code:
            assert json.loads(body)["error"]["code"] == code
    with Client(web.port, "/healthz", {"Connection": "close"}) as other:
        assert other.status == 200


@pytest.mark.parametrize("attack", rows(QUICK))
def test_an_attack_is_refused(web: Served, attack: Attack) -> None:
    """4xx, and in the API's shape where it is for the API."""
    check(attack, answer_to(attack, web.port), web)


@pytest.mark.parametrize("attack", rows(UNREAD))
def test_a_refusal_is_always_heard(web: Served, attack: Attack) -> None:
    """Also where the web knows it before it has read all that was sent."""
    with ThreadPoolExecutor(8) as pool:
        for got in pool.map(lambda _: answer_to(attack, web.port), range(80)):
            check(attack, got, web)


@pytest.mark.parametrize("attack", rows(SLOW))
def test_nobody_holds_a_connection(web: Served, dripped: dict[str, Future[bytes]], attack: Attack) -> None:
    """A byte now and then is not enough to keep it."""
    check(attack, dripped[attack.name].result(2 * SILENCE_S), web)


def test_the_same_body_again_is_the_same_question(web: Served) -> None:
    """Callbacks change nothing, so a replay gains nothing: it reads what anybody may."""
    replies = [answer_to(Attack("", post(MARKET), ""), web.port) for _ in range(2)]
    assert [reply.split(b" ", 2)[1] for reply in replies] == [b"200", b"200"]
    assert b"Set-Cookie" not in b"".join(replies)
