"""Whatever is sent to the API and to page callbacks is answered: no failure of the server, no traceback."""

import gc
import re
import tracemalloc
from functools import cache
from typing import Any
from urllib.parse import quote

from dash import Dash
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.wrappers import Response

from app.factory import create_app
from app.security import CALLBACK_PATH
from market.instruments import Instrument
from tests.app import fakes
from tests.app.fake_history import FakeHistory
from tests.sizes import sized

NAMES = (
    "venue venues symbol symbols interval kinds rule channel from to limit cursor max_points format horizon_s"
).split()
GOOD = "bybit binance BTCUSDT ETHUSDT,BTCUSDT 5m 1d book signal,gap csv json kline 5 1700000000000".split()
BAD = [
    "",
    "0",
    "-1",
    "5001",
    "1e3",
    "9" * 30,
    "2023-11-14",
    "\x00",
    "ı",
    "../..",
    "%",
    "' OR 1=1 --",
    "a" * 5000,
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
VALUES = st.sampled_from(GOOD + BAD) | TEXT
QUERIES = st.dictionaries(st.sampled_from(NAMES) | TEXT, VALUES, max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
UNDESCRIBED = {"/api/", "/api/{path}", "/api/openapi.json"}
"""What answers 404, and the description itself."""
QUICK = settings(max_examples=sized(40), deadline=None, suppress_health_check=list(HealthCheck))


@cache
def app() -> Dash:
    """One for all examples, with something of each kind to be found."""
    reader, history = fakes.FakeReader(), FakeHistory()
    reader.states = {"bybit": fakes.LIVE_FEED}
    reader.put("bybit", "BTCUSDT", last_price=5.0)
    history.known = [Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0, 0.1, 0.001)]
    made = fakes.settings(streams_per_address=0)
    return create_app(made, reader, history, fakes.FakeTime().clock)


def client() -> FlaskClient:
    found: FlaskClient = app().server.test_client()
    return found


@cache
def rules() -> list[str]:
    """Every path of the API, with its holes."""
    found = {rule.rule for rule in app().server.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert len(found) > 10
    return sorted(found)


MOST_BYTES = 1_000_000
"""Of a reply here: two hundred instruments at most, and no history."""
MOST_GROWN_BYTES = 200_000
"""What a thousand requests may leave behind, once what is kept on purpose is there."""


def answered(response: Response) -> None:
    """Well, or refused in the shape of all errors."""
    assert response.status_code < 500, response.get_data(as_text=True)
    assert len(response.get_data()) < MOST_BYTES
    if response.status_code >= 400:
        assert response.is_json
        assert set(response.get_json()["error"]) == {"code", "message", "field"}
        assert "Traceback" not in response.get_data(as_text=True)


@given(data=st.data())
@settings(QUICK, max_examples=sized(250))
def test_every_path_of_the_api_answers_anything(data: st.DataObject) -> None:
    """Any parameters, any words in the path, any method, any id to resume from."""
    rule = data.draw(st.sampled_from(rules()))
    method = data.draw(st.sampled_from(["GET"] * 8 + ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"]))
    path = re.sub(r"<[^>]+>", lambda _hole: quote(data.draw(VALUES) or "-"), rule)
    headers = {"Last-Event-ID": data.draw(st.sampled_from(["", "5-0", "x", "9" * 40]))}
    query = data.draw(QUERIES)
    with client().open(path, method=method, query_string=query, headers=headers) as response:
        if response.mimetype == "text/event-stream":
            assert response.status_code == 200
        elif method != "HEAD":
            answered(response)


def test_every_described_path_is_among_those() -> None:
    """What the description names below `/api` is tried above, and nothing is tried that it leaves out."""
    described = set(client().get("/api/openapi.json").get_json()["paths"])
    tried = {re.sub(r"<(?:[^:>]+:)?([^>]+)>", r"{\1}", rule) for rule in rules()}
    assert {path for path in described if path.startswith("/api/")} <= tried
    assert {path for path in tried - described if "docs" not in path} <= UNDESCRIBED


def test_nothing_is_kept_of_what_was_sent() -> None:
    """Names, queries and bodies that differ each time leave nothing behind."""
    asker, outputs = client(), callbacks()

    def ask(count: int, words: str) -> None:
        for number in range(count):
            word = f"{words}{number}" * 20
            for path in (
                f"/api/book/bybit/{word}",
                f"/api/klines?venue={word}&symbol={word}",
                f"/api/{word}",
            ):
                answered(asker.get(path))
            answered(asker.get(f"/api/market?venue=bybit&x={word}", headers={"If-None-Match": word}))
            answered(
                asker.post(CALLBACK_PATH, json=request_of(outputs[number % len(outputs)], [{word: word}] * 3))
            )

    ask(100, "first")
    tracemalloc.start()
    try:
        ask(20, "warm")  # what is kept on purpose while it is looked at
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        ask(200, "then")
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < MOST_GROWN_BYTES


@cache
def callbacks() -> list[str]:
    """Outputs of the callbacks that the server answers."""
    client().get("/_dash-dependencies")  # Dash learns its callbacks here
    return sorted(output for output, known in app().callback_map.items() if "callback" in known)


def request_of(output: str, values: list[Any]) -> dict[str, Any]:
    """What a browser would send for this callback, with these values."""
    known = app().callback_map[output]
    parts = [
        {"id": part["id"], "property": part["property"], "value": value}
        for part, value in zip(known["inputs"] + known["state"], values, strict=False)
    ]
    out_id, _, out_property = output.rpartition(".")
    return {
        "output": output,
        "outputs": {"id": out_id, "property": out_property},
        "inputs": parts[: len(known["inputs"])],
        "state": parts[len(known["inputs"]) :],
        "changedPropIds": [f"{part['id']}.{part['property']}" for part in known["inputs"]],
    }


@given(data=st.data())
@settings(QUICK, max_examples=sized(100))
def test_every_callback_answers_any_values(data: st.DataObject) -> None:
    """Values are the browser's, or somebody's who says to be one."""
    output = data.draw(st.sampled_from(callbacks()))
    values = data.draw(st.lists(JSON, min_size=3, max_size=3))
    answered(client().post(CALLBACK_PATH, json=request_of(output, values)))


@given(data=st.data())
@QUICK
def test_any_body_is_no_callback(data: st.DataObject) -> None:
    """A callback of ours with a part that is something else."""
    body: Any = request_of(callbacks()[0], [None, None, None])
    name = data.draw(st.sampled_from(sorted(body)))
    body[name] = data.draw(JSON)
    if data.draw(st.booleans()):
        body = data.draw(JSON)
    answered(client().post(CALLBACK_PATH, json=body))


@given(st.binary(max_size=60))
@QUICK
def test_any_bytes_are_no_callback(body: bytes) -> None:
    """Not even JSON."""
    answered(client().post(CALLBACK_PATH, data=body, content_type="application/json"))
