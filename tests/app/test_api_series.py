"""`/api/klines`, `/api/ticks`, `/api/book` over fakes: fields, pages, CSV, names, silent stores."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.factory import create_app
from db.rows import TickRow
from market.events import Kline
from market.instruments import Instrument
from tests.app.fake_history import FakeHistory
from tests.app.fakes import NOW, FakeReader, FakeTime, settings

MINUTE = 60_000
OPEN = NOW - NOW % MINUTE
KLINES = "/api/klines?venue=bybit&symbol=BTCUSDT&interval=1m"
TICKS = "/api/ticks?venue=bybit&symbol=BTCUSDT"
BOOK = "/api/book/bybit/BTCUSDT"


def kline(n: int, **changes: Any) -> Kline:
    at = OPEN + n * MINUTE
    fields: dict[str, Any] = {
        "symbol": "BTCUSDT", "interval": "1m", "open_time": at, "open": 1e-7, "high": 3e-7, "low": 1e-7,
        "close": 2e-7, "volume": 12.5, "turnover": 0.25, "is_closed": True, "event_time": at + MINUTE - 1,
        "recv_time": at + MINUTE + 7,
    }  # fmt: skip
    return Kline(**(fields | changes))


def tick(n: int) -> TickRow:
    """Three changes share each millisecond."""
    return TickRow(
        "bybit", "BTCUSDT", NOW + n // 3, n, 0.0000001 * (n + 1), 3.0, 0.0000003 * (n + 1), 1.0, NOW
    )


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def history() -> FakeHistory:
    made = FakeHistory()
    made.candles = {("bybit", "BTCUSDT", "1m"): [kline(n) for n in range(10)]}
    made.changes = [tick(n) for n in range(10)]
    return made


@pytest.fixture
def client(reader: FakeReader, history: FakeHistory) -> FlaskClient:
    made: FlaskClient = create_app(settings(), reader, history, FakeTime().clock).server.test_client()
    return made


def rows(client: FlaskClient, url: str) -> Any:
    response = client.get(url)
    assert response.status_code == 200, response.data
    return response.get_json()["rows"]


def test_a_candle_has_the_columns_of_the_table(client: FlaskClient) -> None:
    """Times in ms, close_time the last one inside, null where nobody knows; numbers without exponents."""
    response = client.get(f"{KLINES}&limit=1")
    body = response.get_json()
    assert body == {
        "now": NOW, "next_cursor": None, "gaps": [], "rows": [{
            "venue": "bybit", "symbol": "BTCUSDT", "interval": "1m", "open_time": OPEN + 9 * MINUTE,
            "close_time": OPEN + 10 * MINUTE - 1, "open": 1e-7, "high": 3e-7, "low": 1e-7, "close": 2e-7,
            "volume": 12.5, "turnover": 0.25, "trades": None, "taker_buy_volume": None, "source": "stream",
            "complete": True, "recv_ts": OPEN + 10 * MINUTE + 7,
        }],
    }  # fmt: skip
    assert '"open":0.0000001' in response.get_data(as_text=True)


def test_a_tick_has_the_columns_of_the_view(client: FlaskClient) -> None:
    """With what follows from it: mid, spread, imbalance."""
    assert rows(client, f"{TICKS}&from={NOW}&limit=1") == [{
        "ts": NOW, "venue": "bybit", "symbol": "BTCUSDT", "best_bid_price": 1e-7, "best_bid_size": 3.0,
        "best_ask_price": 3e-7, "best_ask_size": 1.0, "mid": 2e-7, "spread_bps": 10_000.0, "imbalance": 0.5,
        "update_id": 0, "recv_ts": NOW,
    }]  # fmt: skip


def test_without_from_the_last_rows_come(client: FlaskClient) -> None:
    """The last `limit` before `to`, ascending, and no cursor."""
    assert [r["open_time"] for r in rows(client, f"{KLINES}&limit=3")] == [
        OPEN + n * MINUTE for n in (7, 8, 9)
    ]
    before = f"{KLINES}&limit=2&to={OPEN + 5 * MINUTE}"
    assert [r["open_time"] for r in rows(client, before)] == [OPEN + n * MINUTE for n in (3, 4)]
    assert [r["update_id"] for r in rows(client, f"{TICKS}&limit=2")] == [8, 9]


@pytest.mark.parametrize("url", [f"{KLINES}&from={OPEN}&to={OPEN + 8 * MINUTE}", f"{TICKS}&from={NOW}"])
@pytest.mark.parametrize("limit", [1, 3, 4, 10])
def test_pages_cover_a_range_once(client: FlaskClient, url: str, limit: int) -> None:
    """Following next_cursor until it is null gives what one large page gives."""
    whole = rows(client, f"{url}&limit=5000")
    seen, cursor = [], ""
    while cursor is not None:
        body = client.get(f"{url}&limit={limit}&cursor={cursor}").get_json()
        assert 0 < len(body["rows"]) <= limit
        seen += body["rows"]
        cursor = body["next_cursor"]
    assert seen == whole


@pytest.mark.parametrize("url", [f"{KLINES}&from={OPEN}&limit=4", f"{TICKS}&from={NOW}&limit=7", TICKS])
def test_a_csv_says_what_the_json_says(client: FlaskClient, url: str) -> None:
    """The same rows, times and cursor, with a header row."""
    body = client.get(url).get_json()
    response = client.get(f"{url}&format=csv")
    assert response.mimetype == "text/csv"
    assert (response.headers["X-Next-Cursor"] or None) == body["next_cursor"]
    text = response.get_data(as_text=True)
    assert "e-" not in text
    found = list(csv.DictReader(io.StringIO(text)))
    assert len(found) == len(body["rows"])
    for line, row in zip(found, body["rows"], strict=True):
        assert list(line) == list(row)
        for name, value in row.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                assert float(line[name]) == value
            else:
                assert line[name] == {None: "", True: "true", False: "false"}.get(value, value)


def test_an_empty_csv_has_its_header(client: FlaskClient, history: FakeHistory) -> None:
    """A known symbol without rows is an empty table."""
    history.changes = []
    text = client.get(f"{TICKS}&format=csv").get_data(as_text=True)
    assert text.startswith("ts,venue,symbol,")
    assert text.count("\r\n") == 1


@pytest.mark.parametrize(
    ("url", "status", "field"),
    [
        ("/api/klines", 400, "venue"),
        ("/api/klines?venue=bybit", 400, "symbol"),
        (f"{KLINES}&interval=7m", 200, None),
        ("/api/klines?venue=bybit&symbol=BTCUSDT&interval=7m", 400, "interval"),
        ("/api/klines?venue=kraken&symbol=BTCUSDT", 404, "venue"),
        ("/api/klines?venue=bybit&symbol=NOPEUSDT", 404, "symbol"),
        ("/api/ticks?venue=bybit&symbol=btcusdt", 404, "symbol"),
        (f"{TICKS}&from=soon", 400, "from"),
        (f"{TICKS}&limit=9999", 400, "limit"),
        ("/api/book/kraken/BTCUSDT", 404, "venue"),
        ("/api/book/bybit/NOPEUSDT", 404, "symbol"),
        ("/api/book/bybit/%00", 404, "symbol"),
    ],
)
def test_what_cannot_be_answered_is_named(
    client: FlaskClient, url: str, status: int, field: str | None
) -> None:
    """400 for a bad value, 404 for a name that there is not, both with the field; the first value counts."""
    response = client.get(url)
    assert response.status_code == status
    assert response.mimetype == "application/json"
    if field:
        assert response.get_json()["error"]["field"] == field


def test_a_symbol_that_was_collected_once_may_still_be_asked_for(
    client: FlaskClient, history: FakeHistory
) -> None:
    """The settings changed, the rows stayed."""
    history.known = [Instrument("bybit-testnet", "OLDUSDT", "OLD", "USDT", 1.0)]
    assert rows(client, "/api/ticks?venue=bybit-testnet&symbol=OLDUSDT") == []


@pytest.mark.parametrize("url", [KLINES, TICKS, f"{KLINES}&format=csv", f"{TICKS}&max_points=10"])
def test_a_silent_postgres_is_a_503(client: FlaskClient, history: FakeHistory, url: str) -> None:
    """JSON also for CSV, without addresses, and when to come again."""
    history.broken = True
    response = client.get(url)
    assert response.status_code == 503
    assert response.get_json()["error"]["code"] == "store_unavailable"
    assert "Postgres" in response.get_json()["error"]["message"]
    assert b"internal" not in response.data
    assert response.headers["Retry-After"] == "2"


def test_fewer_points_of_the_last_rows(client: FlaskClient) -> None:
    """max_points reduces the range of from and to, or else that of the last `limit` rows."""
    assert len(rows(client, f"{TICKS}&from={NOW}&max_points=4")) == 4
    assert len(rows(client, f"{TICKS}&limit=6&max_points=4")) == 4
    assert [r["update_id"] for r in rows(client, f"{TICKS}&limit=3&max_points=4")] == [7, 8, 9]
    assert len(rows(client, f"{KLINES}&max_points=4")) == 4
    assert len(rows(client, f"{KLINES}&from={OPEN}&max_points=4")) == 4
    assert len(rows(client, f"{KLINES}&limit=3&max_points=4")) == 3


def test_a_book_has_numbers_levels_and_its_age(client: FlaskClient, reader: FakeReader) -> None:
    """Whole numbers stay whole however long they are; a missing field is null."""
    reader.books["bybit", "BTCUSDT"] = {
        "state": "live", "best_bid_price": "0.0000001", "best_bid_size": "2", "bids": "[[0.0000001,2]]",
        "asks": "[[0.0000002,1.5]]", "update_id": "9007199254740993", "event_time": str(NOW - 60),
        "recv_time": str(NOW - 40), "mid": "", "imbalance": "wrong",
    }  # fmt: skip
    response = client.get(BOOK)
    body = response.get_json()
    assert (body["state"], body["age_ms"], body["update_id"]) == ("live", 40, 9_007_199_254_740_993)
    assert (body["bids"], body["asks"]) == ([[1e-7, 2.0]], [[2e-7, 1.5]])
    assert (body["mid"], body["imbalance"], body["best_ask_price"]) == (None, None, None)
    assert (body["venue"], body["symbol"], body["now"]) == ("bybit", "BTCUSDT", NOW)
    assert "1e-" not in response.get_data(as_text=True)


def test_a_book_that_never_came_is_empty(client: FlaskClient) -> None:
    """The symbol is configured: not an error."""
    body = client.get(BOOK).get_json()
    assert (body["state"], body["bids"], body["asks"], body["age_ms"]) == (None, [], [], None)


def test_a_silent_redis_is_a_503_for_a_book(client: FlaskClient, reader: FakeReader) -> None:
    """Nothing of it is elsewhere."""
    reader.broken = True
    response = client.get(BOOK)
    assert response.status_code == 503
    assert "Redis" in response.get_json()["error"]["message"]
