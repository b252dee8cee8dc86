"""`/api/book`: as Redis has it, or, while that does not answer, as Postgres last knew it."""

import json

import pytest
from flask.testing import FlaskClient

from app.api_book import book_view
from app.factory import create_app
from db.hot.keys import BOOK_FIELDS
from db.rows import TickerRow
from tests.app.fake_history import FakeHistory
from tests.app.fakes import NOW, FakeReader, FakeTime, settings

URL = "/api/book/bybit/BTCUSDT"
TICKER = TickerRow(
    "bybit", "BTCUSDT", last_price=100.2, best_bid_price=100.0, best_bid_size=3.0, best_ask_price=101.0,
    best_ask_size=1.0, event_time=NOW - 5_100, recv_time=NOW - 5_000,
)  # fmt: skip


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def history() -> FakeHistory:
    return FakeHistory()


@pytest.fixture
def client(reader: FakeReader, history: FakeHistory) -> FlaskClient:
    found: FlaskClient = create_app(settings(), reader, history, FakeTime().clock).server.test_client()
    return found


def test_without_redis_it_is_the_last_known_ticker(
    client: FlaskClient, reader: FakeReader, history: FakeHistory
) -> None:
    """One level a side, every field, `stale`, and as old as it is; also where Redis has no book any more."""
    history.last = [TICKER]
    without = client.get(URL).get_json()
    reader.broken = True
    found = client.get(URL)
    assert found.status_code == 200
    told = found.get_json()
    assert told == without
    assert set(told) == {"now", "venue", "symbol", "age_ms", *BOOK_FIELDS}
    assert (told["state"], told["age_ms"], told["event_time"]) == ("stale", 5_000, NOW - 5_100)
    assert (told["bids"], told["asks"]) == ([[100.0, 3.0]], [[101.0, 1.0]])
    assert (told["mid"], told["microprice"], told["imbalance"]) == (100.5, 100.75, 0.5)
    assert told["update_id"] is told["publish_time"] is told["imbalance_10"] is None


def test_a_side_that_is_not_known_is_empty(
    client: FlaskClient, reader: FakeReader, history: FakeHistory
) -> None:
    """And what needs both is null, never the other side."""
    reader.broken = True
    history.last = [TickerRow("bybit", "BTCUSDT", best_bid_price=100.0, best_bid_size=3.0, recv_time=NOW)]
    told = client.get(URL).get_json()
    assert (told["bids"], told["asks"]) == ([[100.0, 3.0]], [])
    assert told["mid"] is told["microprice"] is told["spread_bps"] is told["imbalance"] is None


def test_what_postgres_does_not_know_either_is_503(
    client: FlaskClient, reader: FakeReader, history: FakeHistory
) -> None:
    """Of this symbol, or at all; it names Redis, which has it."""
    reader.broken, history.last = True, [TICKER]
    for broken, url in ((False, "/api/book/bybit/ETHUSDT"), (True, "/api/book/bybit/ETHUSDT")):
        history.broken = broken
        found = client.get(url)
        assert found.status_code == 503
        assert "does not answer" in found.get_json()["error"]["message"]
        assert found.headers["Retry-After"]


def test_a_whole_price_is_written_like_its_level() -> None:
    """Redis has `3223`; prices and sizes are floats everywhere, ids and times whole numbers."""
    stored = {
        "best_bid_price": "3223",
        "best_bid_size": "2",
        "bids": "[[3223,2]]",
        "update_id": "9007199254740993",
    }
    found = json.loads(json.dumps(book_view("bybit", "BTCUSDT", stored, NOW)), parse_float=str)
    assert [[found["best_bid_price"], found["best_bid_size"]]] == found["bids"] == [["3223.0", "2.0"]]
    assert found["update_id"] == 9007199254740993
