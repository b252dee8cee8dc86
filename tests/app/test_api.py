"""`/api/market`: its fields, its errors, its tag."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, FakeReader, FakeTime, settings

FIELDS = (
    "venue symbol last_price change_24h_pct turnover_24h rsi stoch_rsi_k stoch_rsi_d signal score reason "
    "spread_bps imbalance funding_rate event_time age_ms"
).split()


@pytest.fixture
def reader() -> FakeReader:
    found = FakeReader()
    found.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    return found


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def client(reader: FakeReader, time: FakeTime) -> FlaskClient:
    found: FlaskClient = create_app(settings(), reader, FakeHistory(), time.clock).server.test_client()
    return found


def body(client: FlaskClient, query: str = "") -> Any:
    response = client.get(f"/api/market{query}")
    assert response.status_code == 200
    return response.get_json()


def test_every_configured_symbol_is_there_with_nulls(client: FlaskClient) -> None:
    """From the first second, before any data: all fields, missing values null."""
    found = body(client)
    assert [(r["venue"], r["symbol"]) for r in found["rows"]] == [
        ("bybit", "BTCUSDT"), ("bybit", "ETHUSDT"), ("binance", "BTCUSDT"), ("binance", "ETHUSDT"),
    ]  # fmt: skip
    assert all(name in r for r in found["rows"] for name in FIELDS)
    assert found["rows"][0]["last_price"] is None
    assert found["rows"][0]["age_ms"] is None
    assert found["now"] == NOW
    assert found["venues"]["bybit"]["state"] == "live"
    assert found["venues"]["bybit"]["message_rate"] == 412.5


def test_a_row_has_its_values_and_its_age(client: FlaskClient, reader: FakeReader) -> None:
    """Numbers are as stored, unrounded; the age is that of the newest datum."""
    reader.put("bybit", "BTCUSDT", last_price=65114.25, event_time=NOW - 150, recv_time=NOW - 100)
    first = body(client)["rows"][0]
    assert (first["last_price"], first["event_time"], first["age_ms"]) == (65114.25, NOW - 150, 100)


def test_ages_grow_while_nothing_comes(client: FlaskClient, reader: FakeReader, time: FakeTime) -> None:
    """A body of the same version still has the ages of its own `now`."""
    reader.put("bybit", "BTCUSDT", recv_time=NOW - 100)
    before = body(client)
    time.elapsed_s = 60.0
    after = body(client)
    assert after["version"] == before["version"]
    assert after["now"] == NOW + 60_000
    assert after["rows"][0]["age_ms"] == 60_100


def test_indicators_are_those_of_the_interval(client: FlaskClient, reader: FakeReader) -> None:
    """5m unless asked otherwise; an interval without values has nulls."""
    five = {"rsi": 61.2, "stoch_rsi_k": 80.0, "stoch_rsi_d": 75.0, "signal": "buy", "score": 33.0}
    reader.put("bybit", "BTCUSDT", indicators={"5m": five, "1h": {"rsi": None, "reason": "warming"}})
    first = body(client)["rows"][0]
    assert {name: first[name] for name in five} == five
    assert first["reason"] is None
    assert body(client, "?interval=1h")["rows"][0]["reason"] == "warming"
    assert body(client, "?interval=1d")["rows"][0]["rsi"] is None


def test_one_venue_alone(client: FlaskClient) -> None:
    """`venue` picks its rows."""
    assert {r["venue"] for r in body(client, "?venue=binance")["rows"]} == {"binance"}


def test_a_venue_that_is_not_shown_has_blank_rows(reader: FakeReader, time: FakeTime) -> None:
    """While the simulator stands in, the live venue is a venue without data, not an error."""
    reader.states = {"sim-bybit": LIVE_FEED}
    client = create_app(settings(feeds="auto"), reader, FakeHistory(), time.clock).server.test_client()
    rows = body(client, "?venue=bybit")["rows"]
    assert [(r["symbol"], r["last_price"]) for r in rows] == [("BTCUSDT", None), ("ETHUSDT", None)]


@pytest.mark.parametrize(
    ("query", "field", "allowed"),
    [("interval=7m", "interval", "1m, 5m, 15m, 1h, 4h, 1d"), ("venue=kraken", "venue", "bybit, binance")],
)
def test_a_bad_value_is_named_with_what_is_allowed(
    client: FlaskClient, query: str, field: str, allowed: str
) -> None:
    """400, as JSON."""
    response = client.get(f"/api/market?{query}")
    assert response.status_code == 400
    error = response.get_json()["error"]
    assert (error["code"], error["field"]) == ("bad_value", field)
    assert allowed in error["message"]


def test_whoever_has_the_version_is_spared_the_body(
    client: FlaskClient, reader: FakeReader, time: FakeTime
) -> None:
    """The weak tag is the version; 304 while it holds, also compressed, 200 when a price moved."""
    first = client.get("/api/market")
    tag = first.headers["ETag"]
    assert tag == f'W/"{first.get_json()["version"]}"'
    assert first.headers["Cache-Control"] == "no-cache"
    same = client.get("/api/market", headers={"If-None-Match": tag, "Accept-Encoding": "br"})
    assert (same.status_code, same.data, same.headers["ETag"]) == (304, b"", tag)
    reader.put("bybit", "BTCUSDT", last_price=1.0)
    time.elapsed_s = 1.0
    moved = client.get("/api/market", headers={"If-None-Match": tag})
    assert moved.status_code == 200
    assert moved.headers["ETag"] != tag


def test_a_silent_redis_is_told_with_the_last_rows(
    client: FlaskClient, reader: FakeReader, time: FakeTime
) -> None:
    """The reply stays 200: old values, their ages, and the notice."""
    reader.put("bybit", "BTCUSDT", last_price=65114.2)
    body(client)
    reader.broken, time.elapsed_s = True, 30.0
    found = body(client)
    assert found["rows"][0]["last_price"] == 65114.2
    assert found["rows"][0]["age_ms"] == 30_100
    assert [n["kind"] for n in found["notices"]] == ["old"]
