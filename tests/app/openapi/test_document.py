"""The description is OpenAPI, tells of every path, and is what the API really answers."""

import json
import re
from functools import cache
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from prometheus_client.parser import text_string_to_metric_families as families

from app.factory import create_app
from app.openapi.fields import FIELDS
from app.openapi.parts import Example
from app.openapi.routes import document
from db.history.track import StoredSignal, StoredTrade
from db.rows import GapRow, IndicatorRow, PaperTradeRow, SignalRow, TickRow
from market.events import Kline
from market.instruments import Instrument
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, NOW, WORKER, FakeReader, FakeTime, settings
from tests.app.stream.sse import parse

OPEN = NOW - NOW % 300_000
BTC = ("bybit", "BTCUSDT")


@cache
def described() -> Any:
    return json.loads(document(Example(*BTC)))


def history() -> FakeHistory:
    """One row of everything."""
    found = FakeHistory()
    found.known = [Instrument(*BTC, "BTC", "USDT", 1.0)]
    found.candles[*BTC, "5m"] = [
        Kline(
            "BTCUSDT", "5m", OPEN, 1.0, 2.0, 0.5, 1.5, 10.0, 15.0, True, OPEN + 299_999, NOW, 5, 2.0, "rest"
        )
    ]
    found.changes = [TickRow(*BTC, OPEN, 7, 1.0, 2.0, 1.5, 3.0, NOW)]
    said = (*BTC, "5m", OPEN, 50.0, *[None] * 9, 10.0, "neutral", 400, "", NOW, 1.5)
    found.said = [IndicatorRow._make(said)]
    signal = SignalRow(*BTC, "5m", "rsi_reversal", OPEN, OPEN, "buy", 0.5, 1.5, None, {"rsi": 29.0})
    found.fired = [StoredSignal(1, signal, {60: -1.5})]
    found.traded = [StoredTrade(1, PaperTradeRow(*BTC, "5m", "rsi_reversal", "long", OPEN, 1.5, 11.0))]
    found.holes = [GapRow(*BTC, "kline", OPEN, None, "silent", "no", 0, "")]
    return found


@pytest.fixture(scope="module")
def server() -> Flask:
    reader = FakeReader()
    reader.states = {"bybit": LIVE_FEED}
    reader.put(*BTC, last_price=5.0)
    reader.books[BTC] = {"state": "live", "bids": "[[5,1]]", "update_id": "7", "mid": "5.5"}
    made: Flask = create_app(settings(), reader, history(), FakeTime().clock).server
    return made


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    return server.test_client()


def test_it_is_openapi() -> None:
    """As those who publish the standard check it, every reference included."""
    validate(described())
    validate(json.loads(document(Example(*BTC), has_login=True)))


def test_every_path_is_described(server: Flask) -> None:
    """All that programs may ask, but for the files of the page that shows it."""
    rules = {re.sub(r"<(\w+)>", r"{\1}", rule.rule) for rule in server.url_map.iter_rules()}
    served = {rule for rule in rules if rule.startswith("/api/") and "<" not in rule}
    assert served - {"/api/", "/api/docs/{name}"} <= set(described()["paths"])
    assert "/healthz" in described()["paths"]


def test_every_name_of_a_row_is_explained() -> None:
    """In words, and none that no row has."""
    used = {
        name
        for schema in described()["components"]["schemas"].values()
        for name in schema.get("properties", ())
    }
    assert set(FIELDS) <= used
    assert all(len(schema["description"]) > 3 for schema in FIELDS.values())


SERIES = "?venue=bybit&symbol=BTCUSDT"


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/api/market", "/api/market"),
        ("/api/book/{venue}/{symbol}", "/api/book/bybit/BTCUSDT"),
        ("/api/book/{venue}/{symbol}", "/api/book/binance/BTCUSDT"),
        ("/api/klines", f"/api/klines{SERIES}&interval=5m"),
        ("/api/ticks", f"/api/ticks{SERIES}"),
        ("/api/indicators", f"/api/indicators{SERIES}&interval=5m"),
        ("/api/signals", "/api/signals"),
        ("/api/paper-trades", "/api/paper-trades"),
        ("/api/gaps", "/api/gaps"),
        ("/api/scoreboard", "/api/scoreboard"),
        ("/api/openapi.json", "/api/openapi.json"),
    ],
)
def test_replies_are_what_is_described(client: FlaskClient, path: str, target: str) -> None:
    """With values and without: names, types, nothing left out, nothing more."""
    response = client.get(target)
    assert response.status_code == 200
    responses = described()["paths"][path]["get"]["responses"]
    fits(response.get_json(), responses["200"]["content"]["application/json"]["schema"])
    if path not in ("/api/market", "/api/openapi.json", "/api/scoreboard") and "book" not in path:
        assert response.get_json()["rows"]


@pytest.mark.parametrize(
    "target", ["/api/klines", "/api/klines?venue=x&symbol=y", "/api/gaps?limit=x", "/api/nothing"]
)
def test_errors_are_what_is_described(client: FlaskClient, target: str) -> None:
    """On every path the same."""
    response = client.get(target)
    assert response.status_code in (400, 404)
    fits(response.get_json(), {"$ref": "#/components/schemas/Error"})


def test_the_stream_is_what_is_described(client: FlaskClient) -> None:
    """Its snapshot, at least; the other events are made of the same parts."""
    with client.get("/api/stream?kinds=market") as response:
        pieces = response.iter_encoded()
        next(pieces)
        (told,) = parse(next(pieces).decode())[0]
        fits(told.data, {"$ref": "#/components/schemas/Market"})


def condition(**stores: bool) -> FlaskClient:
    """A web with feeds, two workers and a history, or whose `redis` or `postgres` is gone."""
    reader, past = FakeReader(), history()
    reader.states = {"bybit": LIVE_FEED | {"lag_p99_ms": "41"}, "binance": LIVE_FEED}
    reader.shares = {("bybit", "worker.1"): LIVE_FEED, ("bybit", "worker.2"): LIVE_FEED | {"state": "idle"}}
    reader.collectors["worker.2"] = WORKER | {"symbols": "3", "db_state": "behind", "version": "0.1.0"}
    past.events = [(NOW, "", "worker.1", "history_shortened", "ticks before now went")]
    reader.broken, past.broken = not stores.get("redis", True), not stores.get("postgres", True)
    made: Flask = create_app(settings(), reader, past, FakeTime().clock).server
    return made.test_client()


STORES = [{}, {"redis": False}, {"postgres": False}, {"redis": False, "postgres": False}]


@pytest.mark.parametrize("stores", STORES)
def test_the_status_is_what_is_described(stores: dict[str, bool]) -> None:
    """Whatever is gone, nothing is left out and nothing more is told."""
    response = condition(**stores).get("/api/status")
    assert response.status_code == 200
    found = response.get_json()
    assert bool(found["workers"]) is stores.get("redis", True)
    assert ("sizes" in found["stores"]["postgres"]) is stores.get("postgres", True)
    fits(found, {"$ref": "#/components/schemas/Status"})


@pytest.mark.parametrize("stores", STORES)
def test_readiness_is_what_is_described(stores: dict[str, bool]) -> None:
    """The same names in both cases, and a status that is described."""
    response = condition(**stores).get("/readyz")
    assert response.status_code == (503 if stores else 200)
    told = described()["paths"]["/readyz"]["get"]["responses"][str(response.status_code)]
    fits(response.get_json(), told["content"]["application/json"]["schema"])


@pytest.mark.parametrize("stores", STORES)
def test_metrics_are_what_is_described(stores: dict[str, bool]) -> None:
    """Text that Prometheus reads, for whoever may; to others an error as everywhere."""
    client = condition(**stores)
    responses = described()["paths"]["/metrics"]["get"]["responses"]
    response = client.get("/metrics")
    assert response.mimetype in responses["200"]["content"]
    up = {
        s.labels["store"]: s.value
        for f in families(response.text)
        for s in f.samples
        if "_store_up" in s.name
    }
    assert up == {"redis": stores.get("redis", True), "postgres": stores.get("postgres", True)}
    refused = client.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.7"})
    assert refused.status_code == 403
    assert "403" in responses
    fits(refused.get_json(), {"$ref": "#/components/schemas/Error"})


def test_health_is_what_is_described(client: FlaskClient) -> None:
    """A word."""
    response = client.get("/healthz")
    assert response.mimetype in described()["paths"]["/healthz"]["get"]["responses"]["200"]["content"]


def fits(found: Any, schema: Any) -> None:
    """Raises where it does not."""
    whole = {"components": described()["components"], "allOf": [schema]}
    OAS31Validator(whole).validate(found)
