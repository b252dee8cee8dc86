"""The Signals page through the web: its address, its one callback."""

import json

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from app.pages.signals import ids
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings
from tests.app.pages.browser import ask, page


@pytest.fixture
def client() -> FlaskClient:
    app = create_app(settings(), FakeReader(), FakeHistory(), FakeTime().clock)
    found: FlaskClient = app.server.test_client()
    return found


def test_the_page_stands_at_its_address(client: FlaskClient) -> None:
    """The document's status is 200, the shell puts the page there."""
    assert client.get("/signals").status_code == 200
    found = page(client, "/signals")
    assert ids.PAGE in found
    assert "Taker fee" in found


def test_a_browser_gets_one_text(client: FlaskClient) -> None:
    """With the time of the server and the question that it answers."""
    asked = {"tick": 1, "venue": "bybit", "show": "trades", "before": "1700000000000000.7", "held": {}}
    data = ask(client, ids, asked).get_json()["response"][ids.LIVE]["data"]
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
    reply = ask(client, ids, value)
    assert reply.get_json()["response"] == {}
