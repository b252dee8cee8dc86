"""`/api/indicators`, `/api/signals`, `/api/paper-trades`, `/api/scoreboard` over fakes."""

import csv
import io
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api_track import SCORE_COLUMNS
from app.factory import create_app
from db.history.track import StoredSignal, StoredTrade
from db.rows import GapRow, IndicatorRow, PaperTradeRow, SignalRow
from tests.app.fake_history import FakeHistory
from tests.app.fakes import NOW, FakeReader, FakeTime, settings

MINUTE = 60_000
OPEN = NOW - NOW % (100 * MINUTE)
OF_BTC = ("bybit", "BTCUSDT", "1m")
ALL = ("/api/indicators?venue=bybit&symbol=BTCUSDT&interval=1m", "/api/signals?", "/api/paper-trades?")


def said(n: int) -> IndicatorRow:
    return IndicatorRow(
        *OF_BTC, OPEN + n * MINUTE, 31.5, 20.0, None, 1.5, 1.4, 1e-7, 0.05, 1.7, 1.3, 0.1, -12.5, "neutral",
        400, "", NOW, 1.45,
    )  # fmt: skip


def fired(n: int, **changes: Any) -> StoredSignal:
    at = OPEN + n * MINUTE
    row = SignalRow(*OF_BTC, "rsi_reversal", at, at + MINUTE, "buy", 0.5, 100.0, 1.0, {"rsi": 1e-7})
    return StoredSignal(n + 1, row._replace(**changes), {60: -12.5, 300: 4.0})


def traded(n: int, **changes: Any) -> StoredTrade:
    row = PaperTradeRow(*OF_BTC, "rsi_reversal", "long", OPEN + n * MINUTE, 100.0, 11.0)
    return StoredTrade(n + 1, row._replace(**changes))


def score(**changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS)
    known |= {
        "rule": "rsi_reversal",
        "venue": "bybit",
        "interval": "1m",
        "horizon_s": 60,
        "verdict": "too few",
    }
    return known | {"count": 3, "baseline_count": 30, "mean_bps": -11.5, "computed_at": NOW} | changes


@pytest.fixture
def history() -> FakeHistory:
    made = FakeHistory()
    made.said = [said(n) for n in range(10)]
    made.fired = [fired(n) for n in range(7)]
    made.traded = [traded(n) for n in range(7)]
    made.scores = [score(), score(venue="binance"), score(rule="macd_trend", interval="5m")]
    return made


@pytest.fixture
def client(history: FakeHistory) -> FlaskClient:
    made: FlaskClient = create_app(settings(), FakeReader(), history, FakeTime().clock).server.test_client()
    return made


def body(client: FlaskClient, url: str) -> Any:
    response = client.get(url)
    assert response.status_code == 200, response.data
    return response.get_json()


def test_indicators_have_the_columns_of_the_table(client: FlaskClient) -> None:
    """Times in ms, null where there is none, numbers without exponents."""
    response = client.get(f"{ALL[0]}&limit=1")
    assert response.get_json() == {
        "now": NOW, "next_cursor": None, "gaps": [], "rows": [{
            "venue": "bybit", "symbol": "BTCUSDT", "interval": "1m", "open_time": OPEN + 9 * MINUTE,
            "rsi": 31.5, "stoch_rsi_k": 20.0, "stoch_rsi_d": None, "ema_fast": 1.5, "ema_slow": 1.4,
            "macd": 1e-7, "macd_signal": 0.05, "bb_upper": 1.7, "bb_lower": 1.3, "atr": 0.1, "score": -12.5,
            "signal": "neutral", "bars": 400, "reason": "", "vwap": 1.45,
        }],
    }  # fmt: skip
    assert '"macd":0.0000001' in response.get_data(as_text=True)


def test_a_signal_tells_what_it_read_and_what_it_made(client: FlaskClient) -> None:
    """A horizon that is not there yet is null."""
    (row,) = body(client, f"{ALL[1]}limit=1")["rows"]
    assert row == {
        "id": 7, "ts": OPEN + 7 * MINUTE, "venue": "bybit", "symbol": "BTCUSDT", "interval": "1m",
        "rule": "rsi_reversal", "side": "buy", "strength": 0.5, "price": 100.0, "spread_bps": 1.0,
        "open_time": OPEN + 6 * MINUTE, "inputs": {"rsi": 1e-7}, "net_bps_60": -12.5, "net_bps_300": 4.0,
        "net_bps_900": None, "net_bps_3600": None,
    }  # fmt: skip


def test_an_open_trade_has_no_exit(client: FlaskClient, history: FakeHistory) -> None:
    """A closed one has all of it."""
    at = OPEN + 9 * MINUTE
    exit_ = {"exit_ts": at, "exit_price": 99.0, "exit_reason": "stop", "gross_bps": -100.0, "net_bps": -111.0}
    history.traded.append(traded(7, **exit_))
    rows = body(client, f"{ALL[2]}limit=2")["rows"]
    assert [row["exit_ts"] for row in rows] == [None, at]
    assert {name: rows[1][name] for name in exit_} == exit_
    assert (rows[1]["id"], rows[1]["entry_ts"], rows[1]["fee_bps"]) == (8, OPEN + 7 * MINUTE, 11.0)


@pytest.mark.parametrize("url", ALL)
@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_cover_all_rows_once(client: FlaskClient, url: str, limit: int) -> None:
    """JSON by next_cursor, CSV by X-Next-Cursor."""
    seen, lines = [], []
    cursor: str | None = ""
    while cursor is not None:
        page = body(client, f"{url}&from={OPEN}&limit={limit}&cursor={cursor}")
        file = client.get(f"{url}&from={OPEN}&limit={limit}&cursor={cursor}&format=csv")
        seen += page["rows"]
        lines += list(csv.DictReader(io.StringIO(file.get_data(as_text=True), newline="")))
        cursor = page["next_cursor"]
        assert file.headers["X-Next-Cursor"] == (cursor or "")
    assert len(seen) == len(lines) == (10 if "indicators" in url else 7)
    assert [list(row) for row in lines] == [list(row) for row in seen]
    if "signals" in url:
        assert lines[0]["inputs"] == '{"rsi":0.0000001}'


def test_fewer_points_are_the_last_of_equal_groups(client: FlaskClient) -> None:
    """At most as many as are asked for, of the range or of the last `limit`."""
    for query in (f"&from={OPEN}&max_points=5", "&max_points=5"):
        rows = body(client, ALL[0] + query)["rows"]
        assert [(row["open_time"] - OPEN) // MINUTE for row in rows] == [1, 3, 5, 7, 9]
    assert len(body(client, f"{ALL[0]}&from={OPEN}&max_points=100")["rows"]) == 10
    assert body(client, f"{ALL[0]}&from={NOW + 1}&max_points=5")["rows"] == []


def test_each_name_narrows(client: FlaskClient, history: FakeHistory) -> None:
    """Venue, symbol, interval and rule, alone or together."""
    history.fired = [
        fired(0), fired(1, venue="binance"), fired(2, symbol="ETHUSDT"), fired(3, interval="book"),
        fired(4, rule="macd_trend"),
    ]  # fmt: skip
    asked = {
        "venue=binance": [2], "symbol=ETHUSDT": [3], "interval=book": [4], "rule=macd_trend": [5],
        "venue=bybit&interval=1m&rule=rsi_reversal": [1, 3],
        f"from={OPEN + 2 * MINUTE}&to={OPEN + 4 * MINUTE}": [2, 3],
    }  # fmt: skip
    for query, ids in asked.items():
        assert [row["id"] for row in body(client, ALL[1] + query)["rows"]] == ids, query


def test_gaps_from_which_signals_may_be_missing_are_told(client: FlaskClient, history: FakeHistory) -> None:
    """Of the book for its rules, of candles for theirs."""
    start = OPEN + 2 * MINUTE
    holes = [
        GapRow("bybit", "BTCUSDT", c, start, start + 1, "silent", "no", 0, "") for c in ("book", "kline")
    ]
    history.holes = holes
    channels = {"": ["book", "kline"], "interval=book": ["book"], "interval=1m&venue=bybit": ["kline"]}
    for query, expected in channels.items():
        told = body(client, f"{ALL[1]}{query}&from={OPEN}")["gaps"]
        assert [gap["channel"] for gap in told] == expected
    assert [gap["channel"] for gap in body(client, f"{ALL[0]}&from={OPEN}")["gaps"]] == ["kline"]


def test_the_scoreboard_has_every_figure(client: FlaskClient) -> None:
    """In the order of the view; names narrow it; CSV too."""
    found = body(client, "/api/scoreboard")
    assert [list(row) for row in found["rows"]] == [list(SCORE_COLUMNS)] * 3
    assert found["rows"][0] == score()
    assert len(body(client, "/api/scoreboard?venue=bybit&rule=rsi_reversal")["rows"]) == 1
    assert len(body(client, "/api/scoreboard?interval=5m")["rows"]) == 1
    file = client.get("/api/scoreboard?venue=binance&format=csv")
    assert file.headers["Content-Disposition"] == 'inline; filename="scoreboard-binance.csv"'
    assert file.get_data(as_text=True).split("\r\n")[1].startswith("rsi_reversal,binance,1m,60,too few,3,,")


@pytest.mark.parametrize(
    ("url", "status", "field"),
    [
        ("/api/indicators?venue=bybit", 400, "symbol"),
        ("/api/indicators?venue=bybit&symbol=BTCUSDT&interval=book", 400, "interval"),
        ("/api/indicators?venue=bybit&symbol=NOPEUSDT", 404, "symbol"),
        ("/api/signals?venue=kraken", 404, "venue"),
        ("/api/signals?interval=2m", 400, "interval"),
        ("/api/signals?rule=%00", 400, "rule"),
        ("/api/signals?cursor=MTIz", 400, "cursor"),
        ("/api/paper-trades?from=soon", 400, "from"),
        ("/api/scoreboard?format=xml", 400, "format"),
    ],
)
def test_what_cannot_be_answered_is_named(client: FlaskClient, url: str, status: int, field: str) -> None:
    """400 for a bad value, 404 for a name that there is not."""
    response = client.get(url)
    assert (response.status_code, response.get_json()["error"]["field"]) == (status, field)


@pytest.mark.parametrize("url", [*ALL, "/api/scoreboard?"])
def test_a_silent_store_is_a_503(client: FlaskClient, history: FakeHistory, url: str) -> None:
    """JSON also for CSV."""
    history.broken = True
    response = client.get(f"{url}&format=csv")
    assert (response.status_code, response.get_json()["error"]["code"]) == (503, "store_unavailable")
