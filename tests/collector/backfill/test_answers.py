"""What every kind of answer means, for both venues."""

import json
from collections.abc import Mapping
from email.utils import formatdate
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from collector.backfill import RestUnavailable
from collector.backfill.answers import Answer, read
from collector.venues import RestError, venue_for

NOW = 1_763_600_000.0
HTML = b"<html><head><style>p {}</style></head><body><h1>403  Forbidden</h1></body></html>"
CLOUDFRONT = b"<HTML><TITLE>ERROR</TITLE>configured to block access from your country</HTML>"
BANNED = json.dumps(
    {"code": -1003, "msg": f"Way too many requests; IP(1.2.3.4) banned until {int(NOW * 1000) + 77_000}."}
).encode()
RESTRICTED = b'{"code":0,"msg":"Service unavailable from a restricted location according to b. Eligibility"}'


def bybit(code: int, message: str = "words") -> bytes:
    return json.dumps({"retCode": code, "retMsg": message, "result": {}, "time": 1}).encode()


def ask(venue: str, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    return read(Answer(status, CaseInsensitiveDict(headers or {}), body), "/path", venue_for(venue).rest, NOW)


class Case(NamedTuple):
    """An answer, how long to leave the venue alone for it, for whom, and what people are told."""

    venue: str
    status: int
    body: bytes
    headers: dict[str, str]
    least_s: float
    most_s: float
    is_for_all: bool
    words: str


CASES = [
    Case("binance", 429, b"", {}, 60, 60, True, "too many requests"),
    Case("binance", 429, BANNED, {}, 77, 77, True, "banned until"),
    Case("binance", 429, HTML, {"Retry-After": "7"}, 7, 7, True, "403 Forbidden"),
    Case("binance", 429, b"{}", {"retry-after": formatdate(NOW + 90)}, 90, 90, True, "429"),
    Case("binance", 429, b"{}", {"Retry-After": "nan"}, 60, 60, True, "429"),
    Case("binance", 429, b"{}", {"Retry-After": "soon"}, 60, 60, True, "429"),
    Case("binance", 429, b"{}", {"Retry-After": "-5"}, 60, 60, True, "429"),
    Case("binance", 418, BANNED, {"Retry-After": "30"}, 77, 77, True, "address is banned"),
    Case("binance", 418, BANNED, {"Retry-After": "300"}, 300, 300, True, "address is banned"),
    Case("binance", 418, b"teapot", {}, 600, 600, True, "teapot"),
    Case("binance", 418, b"{}", {"Retry-After": "1e12"}, 3 * 86_400, 3 * 86_400, True, "418"),
    Case("bybit", 403, b"access too frequent", {}, 600, 600, True, "too many requests from this address"),
    Case("bybit", 403, b"access too frequent", {"Retry-After": "900"}, 900, 900, True, "too many requests"),
    Case("bybit", 403, CLOUDFRONT, {}, 600, 600, True, "HTML page.*blocked region, or a firewall"),
    Case("bybit", 403, bybit(10005, "denied"), {}, 600, 600, True, "retCode 10005: denied"),
    Case("bybit", 403, b"", {"Retry-After": "1"}, 600, 600, True, "forbidden"),
    Case("binance", 451, RESTRICTED, {}, 600, 600, True, "region is blocked.*restricted location"),
    Case("binance", 302, HTML, {"Location": "https://b.example/x"}, 600, 600, True, "302.*b.example/x"),
    Case("bybit", 307, b"", {}, 600, 600, True, "307.*nowhere"),
    Case("binance", 202, b"", {}, 1, 5, False, "202 with an empty body"),
    Case("binance", 202, HTML, {}, 60, 60, True, "202 with an HTML page.*403 Forbidden"),
    Case("binance", 200, HTML, {"Content-Type": "text/html"}, 60, 60, True, "firewall or a captive portal"),
    Case("bybit", 200, b"please log in", {"Content-Type": "text/html"}, 60, 60, True, "HTML"),
    Case("bybit", 200, b"  \n", {}, 1, 5, False, "empty body"),
    Case("bybit", 200, b'{"retCode":0,"res', {}, 1, 5, False, "no JSON"),
    Case("bybit", 200, b"\xff\xfe", {}, 1, 5, False, "no JSON"),
    Case("bybit", 200, bybit(10006, "Too many visits!"), {}, 5, 5, True, "10006: Too many visits"),
    Case("bybit", 200, bybit(10006), {"X-Bapi-Limit-Reset-Timestamp": "1763600009000"}, 9, 9, True, "10006"),
    Case("bybit", 200, bybit(10016, "server error"), {}, 5, 5, True, "server error"),
    Case("bybit", 200, bybit(10009), {}, 600, 600, True, "region is blocked"),
    Case("bybit", 200, bybit(10024), {}, 600, 600, True, "region is blocked"),
    Case("binance", 400, b'{"code":-1003,"msg":"Too many requests"}', {}, 5, 5, True, "-1003"),
    Case("binance", 200, b'{"code":-1001,"msg":"Internal error"}', {}, 5, 5, True, "-1001"),
    Case("binance", 503, HTML, {}, 1, 5, False, "503, an HTML page"),
    Case("binance", 503, b"", {"Retry-After": "20"}, 20, 20, True, "503"),
    Case("binance", 408, b'{"code":-1007,"msg":"Timeout"}', {}, 1, 5, False, "408"),
    Case("binance", 407, b"", {}, 60, 60, False, "proxy wants a password"),
    Case("binance", 500, b"\x00", {}, 1, 5, False, "500"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.venue}-{c.status}-{c.words[:20]}")
def test_what_another_try_may_change(case: Case) -> None:
    """How long to wait, whether it concerns every worker, and words that a person can act on."""
    with pytest.raises(RestUnavailable, match=f"(?s){case.words}") as refused:
        ask(case.venue, case.status, case.body, case.headers)
    assert case.least_s <= round(refused.value.retry_s) <= case.most_s
    assert refused.value.is_for_all is case.is_for_all
    assert len(str(refused.value)) < 600


FINAL = [
    ("binance", 400, b'{"code":-1121,"msg":"Invalid symbol."}', -1121),
    ("binance", 400, b"no", 400),
    ("binance", 400, b"{}", 400),
    ("binance", 404, HTML, 404),
    ("binance", 410, b"", 410),
    ("bybit", 200, bybit(10001, "params error"), 10001),
    ("bybit", 200, bybit(10029), 10029),
    ("bybit", 404, bybit(10017), 404),
]


@pytest.mark.parametrize(("venue", "status", "body", "code"), FINAL)
def test_what_no_other_try_would_change(venue: str, status: int, body: bytes, code: int) -> None:
    """A wrong symbol or parameter is never asked for again."""
    with pytest.raises(RestError) as refused:
        ask(venue, status, body)
    assert refused.value.code == code


def test_a_good_answer_is_its_body() -> None:
    """Lists and objects, also with status 202."""
    for venue, status, body in (
        ("binance", 200, b"[]"), ("binance", 202, b'{"serverTime":1}'), ("bybit", 200, bybit(0)),
    ):  # fmt: skip
        assert ask(venue, status, body) == body


@given(
    status=st.sampled_from([200, 202, 204, 301, 302, 304, 400, 401, 403, 408, 418, 429, 451, 500, 502, 599]),
    body=st.one_of(st.binary(max_size=300), st.sampled_from([HTML, BANNED, b"banned until 99999999999999"])),
    retry=st.text(max_size=12),
    venue=st.sampled_from(["bybit", "binance"]),
)
def test_nothing_else_comes_of_any_answer(status: int, body: bytes, retry: str, venue: str) -> None:
    """A body, one of the two errors, and never a pause that is negative, endless or no number."""
    try:
        assert ask(venue, status, body, {"Retry-After": retry, "Content-Type": retry}) == body
    except RestError:
        pass
    except RestUnavailable as error:
        assert 0 < error.retry_s <= 3 * 86_400
