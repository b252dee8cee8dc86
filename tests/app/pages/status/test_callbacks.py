"""The Status page through the web: its layout and its one callback."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from app.pages.status import ids
from app.pages.status.layout import layout
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, FakeReader, FakeTime, settings
from tests.app.pages.browser import ask, page


@pytest.fixture
def client() -> FlaskClient:
    reader = FakeReader()
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    found: FlaskClient = create_app(settings(), reader, FakeHistory(), FakeTime().clock).server.test_client()
    return found


def data_of(reply: Any) -> Any:
    return reply.get_json()["response"][ids.LIVE]["data"]


def test_the_page_stands_at_its_address(client: FlaskClient) -> None:
    """The document with 200, its panels by the ids that the scripts look for, and no plotly."""
    assert client.get("/status").status_code == 200
    found = page(client, "/status")
    for name in (ids.PAGE, ids.PARTS, ids.FEEDS, ids.WORKERS, ids.STORES, ids.LEDGER):
        assert f'"{name}"' in found
    assert "Graph" not in str(layout().to_plotly_json())


def test_a_browser_gets_what_it_does_not_have(client: FlaskClient) -> None:
    """Both parts at first, with what the shell shows; then nothing while nothing changes."""
    first = data_of(ask(client, ids, {"tick": 1, "hot": None, "history": None}))
    content = json.loads(first["payload"])
    assert content["hot"]["content"]["shell"]["feeds"][0]["venue"] == "bybit"
    held = {name: content[name]["version"] for name in ("hot", "history")}
    assert data_of(ask(client, ids, {"tick": 2, **held})) == {"now": first["now"], "payload": None}
    only = json.loads(data_of(ask(client, ids, {"tick": 3, **held, "hot": "older"}))["payload"])
    assert set(only) == {"hot"}


def test_the_reply_is_compressed_once_for_everybody(client: FlaskClient) -> None:
    """Viewers who lack the same get the same bytes; those who lack something else do not."""
    whole, again = (ask(client, ids, {}, **{"Accept-Encoding": "gzip"}) for _ in range(2))
    assert whole.headers["Content-Encoding"] == "gzip"
    assert whole.data == again.data


@pytest.mark.parametrize("value", [None, 7, [], "x", {"hot": 7}, {"history": {}}])
def test_nonsense_gets_nothing(client: FlaskClient, value: object) -> None:
    """And nothing breaks."""
    assert ask(client, ids, value).get_json()["response"] == {}
