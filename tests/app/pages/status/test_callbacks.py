"""The Status page through the web: its layout and its one callback."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import ids as shell_ids
from app.factory import create_app
from app.pages.status import ids
from app.pages.status.layout import layout
from tests.app.fakes import LIVE_FEED, FakeHistory, FakeReader, FakeTime, settings

CALLBACK = "/_dash-update-component"


@pytest.fixture
def client() -> FlaskClient:
    reader = FakeReader()
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    found: FlaskClient = create_app(settings(), reader, FakeHistory(), FakeTime().clock).server.test_client()
    return found


def ask(client: FlaskClient, value: object, **headers: str) -> Any:
    """Send what a browser would."""
    body = {
        "output": f"{ids.LIVE}.data",
        "outputs": {"id": ids.LIVE, "property": "data"},
        "inputs": [{"id": ids.TICK, "property": "data", "value": value}],
        "changedPropIds": [f"{ids.TICK}.data"],
    }
    reply = client.post(CALLBACK, json=body, headers=headers)
    assert reply.status_code == 200
    return reply


def data_of(reply: Any) -> Any:
    return reply.get_json()["response"][ids.LIVE]["data"]


def test_the_page_stands_at_its_address(client: FlaskClient) -> None:
    """The document with 200, its panels by the ids that the scripts look for, and no plotly."""
    assert client.get("/status").status_code == 200
    body = {
        "output": f"{shell_ids.PAGE}.children",
        "outputs": {"id": shell_ids.PAGE, "property": "children"},
        "inputs": [{"id": shell_ids.ADDRESS, "property": "pathname", "value": "/status"}],
        "changedPropIds": [f"{shell_ids.ADDRESS}.pathname"],
    }
    found = client.post(CALLBACK, json=body).get_data(as_text=True)
    for name in (ids.PAGE, ids.PARTS, ids.FEEDS, ids.WORKERS, ids.STORES, ids.LEDGER):
        assert f'"{name}"' in found
    assert "Graph" not in str(layout().to_plotly_json())


def test_a_browser_gets_what_it_does_not_have(client: FlaskClient) -> None:
    """Both parts at first, with what the shell shows; then nothing while nothing changes."""
    first = data_of(ask(client, {"tick": 1, "hot": None, "history": None}))
    content = json.loads(first["payload"])
    assert content["hot"]["content"]["shell"]["feeds"][0]["venue"] == "bybit"
    held = {name: content[name]["version"] for name in ("hot", "history")}
    assert data_of(ask(client, {"tick": 2, **held})) == {"now": first["now"], "payload": None}
    only = json.loads(data_of(ask(client, {"tick": 3, **held, "hot": "older"}))["payload"])
    assert set(only) == {"hot"}


def test_the_reply_is_compressed_once_for_everybody(client: FlaskClient) -> None:
    """Viewers who lack the same get the same bytes; those who lack something else do not."""
    whole, again = (ask(client, {}, **{"Accept-Encoding": "gzip"}) for _ in range(2))
    assert whole.headers["Content-Encoding"] == "gzip"
    assert whole.data == again.data


@pytest.mark.parametrize("value", [None, 7, [], "x", {"hot": 7}, {"history": {}}])
def test_nonsense_gets_nothing(client: FlaskClient, value: object) -> None:
    """And nothing breaks."""
    assert ask(client, value).get_json()["response"] == {}
