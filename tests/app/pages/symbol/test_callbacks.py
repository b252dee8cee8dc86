"""The Symbol page through the web: its layout, its one callback, unknown instruments."""

import json

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from app.pages.symbol import ids
from tests.app.fake_history import FakeHistory
from tests.app.fakes import LIVE_FEED, FakeReader, FakeTime, settings
from tests.app.pages.browser import ask, page


def client_of(reader: FakeReader, *symbols: str) -> FlaskClient:
    """A browser before a web of these symbols."""
    app = create_app(settings(symbols=list(symbols)), reader, FakeHistory(), FakeTime().clock)
    found: FlaskClient = app.server.test_client()
    return found


@pytest.fixture
def client() -> FlaskClient:
    return client_of(FakeReader(), "BTCUSDT", "ETHUSDT")


@pytest.fixture
def unlisted() -> FlaskClient:
    """Bybit lists neither FOOUSDT nor, by this name, PEPEUSDT."""
    reader = FakeReader()
    words = "FOOUSDT, PEPEUSDT as 1000PEPEUSDT"
    reader.states = {"bybit": LIVE_FEED | {"unlisted": words}, "binance": LIVE_FEED}
    return client_of(reader, "BTCUSDT", "FOOUSDT", "PEPEUSDT")


def test_an_instruments_page_is_found_by_its_address(client: FlaskClient) -> None:
    """With its graphs, its intervals and the way to the other venue; the document's status is 200."""
    found = page(client, "/s/bybit/BTCUSDT")
    assert ids.CHART in found
    assert "/s/bybit/BTCUSDT?tf=15m" in found
    assert '"href": "/s/binance/BTCUSDT"' in found
    assert client.get("/s/bybit/BTCUSDT").status_code == 200


def test_an_unknown_instrument_is_a_404_that_names_the_nearest(client: FlaskClient) -> None:
    """Wrong venue or wrong symbol, a page with links all the same."""
    for path in ("/s/bybit/BTCUSTD", "/s/kraken/BTCUSDT"):
        assert client.get(path).status_code == 404
        found = page(client, path)
        assert "Not collected here" in found
        assert '"href": "/s/bybit/BTCUSDT"' in found


def test_what_is_not_listed_is_a_404_that_says_so(unlisted: FlaskClient) -> None:
    """It is offered nowhere; by the other venue, which lists it, it has a page."""
    assert unlisted.get("/s/bybit/FOOUSDT").status_code == 404
    found = page(unlisted, "/s/bybit/FOOUSDT")
    assert "bybit does not trade FOOUSDT, which SYMBOLS asks for." in found
    assert '"href": "/s/bybit/FOOUSDT"' not in found
    assert unlisted.get("/s/binance/FOOUSDT").status_code == 200


def test_what_has_another_name_leads_to_that(unlisted: FlaskClient) -> None:
    """First and once, before names that are like it; there is the page."""
    assert unlisted.get("/s/bybit/PEPEUSDT").status_code == 404
    found = page(unlisted, "/s/bybit/PEPEUSDT")
    assert "bybit does not trade PEPEUSDT, which SYMBOLS asks for; it is collected as " in found
    link = '"href": "/s/bybit/1000PEPEUSDT"'
    assert found.count(link) == 1
    assert found.index(link) < found.index("Nearest names:")
    assert unlisted.get("/s/bybit/1000PEPEUSDT").status_code == 200


@pytest.mark.parametrize(("symbol", "listed"), [("FOOUSDT", ""), ("PEPEUSDT", "1000PEPEUSDT")])
def test_a_page_that_is_open_already_is_told(unlisted: FlaskClient, symbol: str, listed: str) -> None:
    """With the reply that it goes on to get."""
    asked = {"tick": 1, "venue": "bybit", "symbol": symbol, "interval": "5m"}
    data = ask(unlisted, ids, asked).get_json()["response"][ids.LIVE]["data"]
    (feed, _) = json.loads(data["payload"])["feeds"]
    assert feed["unlisted"][symbol] == listed


def test_a_browser_gets_one_text(client: FlaskClient) -> None:
    """Lists, no encoded arrays, and the time of the server."""
    asked = {"tick": 1, "venue": "bybit", "symbol": "BTCUSDT", "interval": "5m", "last": None, "until": None}
    reply = ask(client, ids, asked)
    data = reply.get_json()["response"][ids.LIVE]["data"]
    content = json.loads(data["payload"])
    assert (content["symbol"], content["interval"]) == ("BTCUSDT", "5m")
    assert "bdata" not in data["payload"]
    assert data["now"] > 0


@pytest.mark.parametrize(
    "value",
    [
        None, 7, [], {}, {"venue": "bybit"},
        {"venue": "bybit", "symbol": "NOPEUSDT", "interval": "5m"},
        {"venue": "bybit", "symbol": "BTCUSDT", "interval": "7m"},
        {"venue": "bybit", "symbol": "BTCUSDT", "interval": "5m", "last": "x"},
    ],
)  # fmt: skip
def test_nonsense_gets_nothing(client: FlaskClient, value: object) -> None:
    """No series is made up for it, and nothing breaks."""
    reply = ask(client, ids, value)
    assert reply.get_json()["response"] == {}


def test_the_page_has_its_switches_choices_and_tables(client: FlaskClient) -> None:
    """What the browser fills and listens to is there from the start; the tape's choice names its currency."""
    found = page(client, "/s/bybit/BTCUSDT")
    for name in ("rsi", "stoch", "ema", "bb", "vwap", "signals", "gaps"):
        assert f'"data-on": "{name}"' in found
    for kind in ("candles", "strips", "depth"):
        assert f'"data-table": "{kind}"' in found
    for part in ("chart", "book", "trades", "signals"):
        assert f'"data-part": "{part}"' in found
    assert "Trades of at least this value, in USDT" in found
    assert "/signals?venue=bybit&symbol=BTCUSDT" in found
