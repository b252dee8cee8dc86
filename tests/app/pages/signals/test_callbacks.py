"""The Signals page through the web: its address, its one callback."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app import ids as shell_ids
from app.factory import create_app
from app.pages.signals import ids
from tests.app.fakes import FakeHistory, FakeReader, FakeTime, settings

CALLBACK = "/_dash-update-component"


@pytest.fixture
def client() -> FlaskClient:
    app = create_app(settings(), FakeReader(), FakeHistory(), FakeTime().clock)
    found: FlaskClient = app.server.test_client()
    return found


def ask(client: FlaskClient, value: object) -> Any:
    """Send what a browser would."""
    body = {
        "output": f"{ids.LIVE}.data",
        "outputs": {"id": ids.LIVE, "property": "data"},
        "inputs": [{"id": ids.TICK, "property": "data", "value": value}],
        "changedPropIds": [f"{ids.TICK}.data"],
    }
    return client.post(CALLBACK, json=body)


def test_the_page_stands_at_its_address(client: FlaskClient) -> None:
    """The document's status is 200, the shell puts the page there."""
    assert client.get("/signals").status_code == 200
    body = {
        "output": f"{shell_ids.PAGE}.children",
        "outputs": {"id": shell_ids.PAGE, "property": "children"},
        "inputs": [{"id": shell_ids.ADDRESS, "property": "pathname", "value": "/signals"}],
        "changedPropIds": [f"{shell_ids.ADDRESS}.pathname"],
    }
    found = client.post(CALLBACK, json=body).get_data(as_text=True)
    assert ids.PAGE in found
    assert "Taker fee" in found


def test_a_browser_gets_one_text(client: FlaskClient) -> None:
    """With the time of the server and the question that it answers."""
    asked = {"tick": 1, "venue": "bybit", "show": "trades", "before": "1700000000000000.7", "held": {}}
    data = ask(client, asked).get_json()["response"][ids.LIVE]["data"]
    content = json.loads(data["payload"])
    assert content["question"] == ["bybit", "", "", "", "", "trades", [1_700_000_000_000_000, 7]]
    assert data["now"] > 0


@pytest.mark.parametrize(
    "value",
    [
        None, 7, [], {"venue": 7}, {"venue": "a b"}, {"symbol": "x" * 41}, {"rule": "\0"}, {"side": "up"},
        {"show": "all"}, {"before": "1"}, {"before": "1.2.3"}, {"before": "9" * 19 + ".1"}, {"held": []},
    ],
)  # fmt: skip
def test_nonsense_gets_nothing(client: FlaskClient, value: object) -> None:
    """No question is made up for it, and nothing breaks."""
    reply = ask(client, value)
    assert reply.status_code == 200
    assert reply.get_json()["response"] == {}
