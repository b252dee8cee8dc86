"""`/api/gaps`, and the gaps that `/api/klines` and `/api/ticks` tell beside their rows, over fakes."""

import csv
import io
import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.api_gaps import MOST_GAPS, MOST_IN_HEADER
from app.factory import create_app
from db.rows import GapRow, TickRow
from market.events import Kline
from market.instruments import Instrument
from tests.app.fake_history import FakeHistory
from tests.app.fakes import NOW, FakeReader, FakeTime, settings

MINUTE = 60_000
OPEN = NOW - NOW % MINUTE
GAPS = "/api/gaps"
KLINES = "/api/klines?venue=bybit&symbol=BTCUSDT&interval=1m"
TICKS = "/api/ticks?venue=bybit&symbol=BTCUSDT"


def gap(n: int, **changes: Any) -> GapRow:
    """A silence of BTCUSDT's candles over the n-th minute."""
    start = OPEN + n * MINUTE
    return GapRow("bybit", "BTCUSDT", "kline", start, start + MINUTE, "silent", "no", 0, "")._replace(
        **changes
    )


def kline(n: int) -> Kline:
    at = OPEN + n * MINUTE
    return Kline("BTCUSDT", "1m", at, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0, True, at + MINUTE - 1, at + MINUTE)


@pytest.fixture
def history() -> FakeHistory:
    return FakeHistory()


@pytest.fixture
def client(history: FakeHistory) -> FlaskClient:
    made: FlaskClient = create_app(settings(), FakeReader(), history, FakeTime().clock).server.test_client()
    return made


def body(client: FlaskClient, url: str) -> Any:
    response = client.get(url)
    assert response.status_code == 200, response.data
    return response.get_json()


def starts(found: Any) -> list[int]:
    return [(row["started_at"] - OPEN) // MINUTE for row in found]


def test_a_gap_has_the_columns_of_the_table(client: FlaskClient, history: FakeHistory) -> None:
    """Times in ms, null while it lasts; the ledger has no gaps of its own."""
    history.holes = [gap(0, ended_at=None, rows_recovered=3, repaired="partly", detail="no kline, 120 s")]
    assert body(client, GAPS) == {
        "now": NOW, "next_cursor": None, "gaps": [], "rows": [{
            "id": 1, "venue": "bybit", "symbol": "BTCUSDT", "channel": "kline", "started_at": OPEN,
            "ended_at": None, "cause": "silent", "repaired": "partly", "rows_recovered": 3,
            "detail": "no kline, 120 s",
        }],
    }  # fmt: skip


def test_each_name_narrows(client: FlaskClient, history: FakeHistory) -> None:
    """Venue, symbol, channel, alone or together; none of them is needed."""
    history.holes = [
        gap(0), gap(1, channel="book"), gap(2, symbol="ETHUSDT"), gap(3, venue="binance"),
    ]  # fmt: skip
    asked = {
        "": [0, 1, 2, 3], "venue=bybit": [0, 1, 2], "symbol=BTCUSDT": [0, 1, 3], "channel=kline": [0, 2, 3],
        "venue=bybit&symbol=BTCUSDT&channel=book": [1], "interval=7m&max_points=0": [0, 1, 2, 3],
    }  # fmt: skip
    for query, expected in asked.items():
        assert starts(body(client, f"{GAPS}?{query}")["rows"]) == expected, query


def test_the_span_and_the_limit_count(client: FlaskClient, history: FakeHistory) -> None:
    """What overlaps [from, to); without from the last ones."""
    history.holes = [gap(n) for n in range(6)]
    span = f"{GAPS}?from={OPEN + 90_000}&to={OPEN + 4 * MINUTE}"
    assert starts(body(client, span)["rows"]) == [1, 2, 3]
    last = body(client, f"{GAPS}?limit=2")
    assert (starts(last["rows"]), last["next_cursor"]) == ([4, 5], None)


@pytest.mark.parametrize("limit", [1, 3, 7])
def test_pages_cover_the_ledger_once(client: FlaskClient, history: FakeHistory, limit: int) -> None:
    """JSON by next_cursor, CSV by X-Next-Cursor."""
    history.holes = [gap(n // 3, detail=f'n "{n}",\nnext') for n in range(7)]
    seen, lines = [], []
    cursor: str | None = ""
    while cursor is not None:
        url = f"{GAPS}?from={OPEN}&limit={limit}&cursor={cursor}"
        page, file = body(client, url), client.get(f"{url}&format=csv")
        seen += page["rows"]
        lines += list(csv.DictReader(io.StringIO(file.get_data(as_text=True), newline="")))
        cursor = page["next_cursor"]
        assert (file.headers["X-Next-Cursor"], file.headers["X-Gaps"]) == (cursor or "", "[]")
    assert [row["id"] for row in seen] == [1, 2, 3, 4, 5, 6, 7]
    assert lines == [{name: str(value) for name, value in row.items()} for row in seen]


def test_a_csv_has_a_name_and_its_empty_end(client: FlaskClient, history: FakeHistory) -> None:
    """A missing end is an empty cell; the file is named after what was asked for."""
    history.holes = [gap(0, ended_at=None)]
    response = client.get(f"{GAPS}?venue=bybit&channel=kline&format=csv")
    assert response.get_data(as_text=True).split("\r\n") == [
        "id,venue,symbol,channel,started_at,ended_at,cause,repaired,rows_recovered,detail",
        f"1,bybit,BTCUSDT,kline,{OPEN},,silent,no,0,",
        "",
    ]
    assert response.headers["Content-Disposition"] == 'inline; filename="gaps-bybit-kline.csv"'


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("venue=kraken", 404, "venue"),
        ("symbol=NOPEUSDT", 404, "symbol"),
        ("symbol=%00", 404, "symbol"),
        ("venue=bybit&symbol=btcusdt", 404, "symbol"),
        ("channel=trades", 400, "channel"),
        ("from=soon", 400, "from"),
        ("limit=0", 400, "limit"),
        ("cursor=MTIz", 400, "cursor"),
        ("format=xml", 400, "format"),
    ],
)
def test_what_cannot_be_answered_is_named(client: FlaskClient, query: str, status: int, field: str) -> None:
    """400 for a bad value, 404 for a name that there is not."""
    response = client.get(f"{GAPS}?{query}")
    assert (response.status_code, response.get_json()["error"]["field"]) == (status, field)


def test_names_that_were_collected_once_may_still_be_asked_for(
    client: FlaskClient, history: FakeHistory
) -> None:
    """The settings changed, the ledger stayed."""
    history.known = [Instrument("bybit-testnet", "OLDUSDT", "OLD", "USDT", 1.0)]
    for query in ("venue=bybit-testnet", "symbol=OLDUSDT", "venue=bybit-testnet&symbol=OLDUSDT"):
        assert body(client, f"{GAPS}?{query}")["rows"] == []


@pytest.mark.parametrize("url", [GAPS, KLINES, f"{TICKS}&format=csv"])
def test_a_silent_postgres_is_a_503(client: FlaskClient, history: FakeHistory, url: str) -> None:
    """As for every history."""
    history.broken = True
    assert client.get(url).status_code == 503


def test_candles_tell_of_the_gaps_they_could_cross(client: FlaskClient, history: FakeHistory) -> None:
    """Those of candles and trades of this instrument; all that is known but its names."""
    mended = gap(2, repaired="yes", rows_recovered=9, detail="by REST")
    history.holes = [
        gap(0, symbol="ETHUSDT"), gap(1, channel="trade"), gap(1, channel="book"), mended,
        gap(3, venue="binance"),
    ]  # fmt: skip
    found = body(client, KLINES)
    assert [g["channel"] for g in found["gaps"]] == ["trade", "kline"]
    assert found["gaps"][1] == {
        "channel": "kline", "started_at": mended.started_at, "ended_at": mended.ended_at, "cause": "silent",
        "repaired": "yes", "rows_recovered": 9, "detail": "by REST",
    }  # fmt: skip
    assert "more_gaps" not in found


def test_ticks_tell_of_the_gaps_of_their_book(client: FlaskClient, history: FakeHistory) -> None:
    """And of no other channel."""
    history.holes = [gap(0, channel=channel) for channel in ("book", "trade", "kline", "ticker")]
    assert [g["channel"] for g in body(client, TICKS)["gaps"]] == ["book"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [3, 4, 5, 9]),
        ("&limit=2", [4, 5, 9]),
        (f"&to={OPEN + 5 * MINUTE}&limit=1", [4]),
        (f"&from={OPEN}", [0, 2, 3, 4, 5, 9]),
        (f"&from={OPEN}&limit=1", [0, 2, 3]),
        (f"&from={OPEN + MINUTE}&to={OPEN + 3 * MINUTE}", [2]),
        (f"&from={OPEN}&to={OPEN + 4 * MINUTE}&max_points=1", [0, 2, 3]),
        (f"&from={OPEN + 6 * MINUTE}", [9]),
    ],
)
def test_the_gaps_are_those_of_the_span_that_the_rows_tell_about(
    client: FlaskClient, history: FakeHistory, query: str, expected: list[int]
) -> None:
    """From where was asked, or the first row; to the last row where more follow, else to where was asked."""
    history.candles = {("bybit", "BTCUSDT", "1m"): [kline(3), kline(4), kline(5)]}
    history.holes = [gap(n, ended_at=None if n == 9 else OPEN + (n + 1) * MINUTE) for n in (0, 2, 3, 4, 5, 9)]
    assert starts(body(client, KLINES + query)["gaps"]) == expected


def test_every_gap_of_a_range_is_told_by_one_of_its_pages(client: FlaskClient, history: FakeHistory) -> None:
    """Whether rows border on it or not, for candles and for ticks."""
    history.candles = {("bybit", "BTCUSDT", "1m"): [kline(n) for n in (2, 3, 6, 7)]}
    history.changes = [
        TickRow("bybit", "BTCUSDT", OPEN + n * MINUTE, n, 1, 1, 2, 1, NOW) for n in (2, 3, 6, 7)
    ]
    history.holes = [gap(n, channel=c) for n in (0, 4, 5, 8) for c in ("book", "kline")]
    for url in (KLINES, TICKS):
        told, cursor = set(), ""
        while cursor is not None:
            page = body(client, f"{url}&from={OPEN}&to={OPEN + 9 * MINUTE}&limit=1&cursor={cursor}")
            told |= set(starts(page["gaps"]))
            cursor = page["next_cursor"]
        assert told == {0, 4, 5, 8}


def test_a_file_tells_its_gaps_in_a_header(client: FlaskClient, history: FakeHistory) -> None:
    """A JSON array of arrays without free text, which no header could hold."""
    history.holes = [gap(0, detail="π\n"), gap(1, ended_at=None, cause="outage", repaired="partly")]
    header = client.get(f"{KLINES}&format=csv").headers["X-Gaps"]
    assert json.loads(header) == [
        ["kline", OPEN, OPEN + MINUTE, "silent", "no"],
        ["kline", OPEN + MINUTE, None, "outage", "partly"],
    ]


def test_gaps_that_are_too_many_to_tell_are_said_to_be_more(
    client: FlaskClient, history: FakeHistory
) -> None:
    """The first ones come, and a word that these are not all; the header stays within what proxies take."""
    history.holes = [gap(n, cause="spool_full", repaired="partly") for n in range(MOST_GAPS + 1)]
    found = body(client, KLINES)
    assert (len(found["gaps"]), found["more_gaps"]) == (MOST_GAPS, True)
    header = client.get(f"{KLINES}&format=csv").headers["X-Gaps"]
    *told, last = json.loads(header)
    assert (len(told), last) == (MOST_IN_HEADER, "more")
    assert len(header) < 4_000
    history.holes = history.holes[:MOST_GAPS]
    assert "more_gaps" not in body(client, KLINES)
    history.holes = history.holes[:MOST_IN_HEADER]
    assert "more" not in client.get(f"{KLINES}&format=csv").headers["X-Gaps"]
