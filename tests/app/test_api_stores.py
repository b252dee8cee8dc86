"""The read API on a real Postgres: the same rows as SQL, each once, whole ranges in few points."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from app.factory import create_app
from db.history.engine import reader_engine, writer_engine
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter
from tests.app.fakes import FakeReader, FakeTime, settings
from tests.db.history.rows import MINUTE, OPEN, T0, batch, gap, kline, tick

KLINES = "/api/klines?venue=bybit&symbol=ETHUSDT&interval=1m"
TICKS = "/api/ticks?venue=bybit&symbol=ETHUSDT"
GAPS = "/api/gaps?venue=bybit&symbol=ETHUSDT"


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = writer_engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def client(engine: Engine, database_url: str) -> Iterator[FlaskClient]:
    """Three hundred candles, one missing, and a thousand changes of a very small price."""
    changes = [
        tick(n)._replace(
            ts=T0 + n // 4 * 37, bid_price=(10 + n * 7 % 31) * 1e-7, ask_price=(11 + n * 7 % 31) * 1e-7,
            bid_size=1.0 + n % 13, ask_size=1.0 + n % 7 if n % 50 else None,
        )
        for n in range(1000)
    ]  # fmt: skip
    candles = [kline(n, volume=n / 8, trades=n or None, complete=n % 9 > 0) for n in range(300) if n != 100]
    gaps = [gap(n // 4, channel=c, detail='a, "b"') for n in range(200) for c in ("book", "kline")]
    HistoryWriter(engine).write(batch(changes, candles, gaps=[*gaps, gap(60, ended_at=None)]))
    reading = reader_engine(database_url)
    made = create_app(settings(), FakeReader(), HistoryReader(reading), FakeTime().clock).server
    yield made.test_client()
    reading.dispose()


def body(client: FlaskClient, url: str) -> Any:
    response = client.get(url)
    assert response.status_code == 200, response.data
    return response.get_json()


@pytest.mark.parametrize(
    ("url", "view", "times", "order"),
    [
        (TICKS, "orderbook_ticks", ("ts", "recv_ts"), "ts, update_id"),
        (KLINES, "klines", ("open_time", "close_time", "recv_ts"), "open_time"),
        (GAPS, "gaps", ("started_at", "ended_at"), "started_at, id"),
    ],
)
def test_the_api_says_what_sql_says(
    client: FlaskClient, engine: Engine, url: str, view: str, times: tuple[str, ...], order: str
) -> None:
    """Every column of the view, the same values to the last digit."""
    found = body(client, f"{url}&from=0&limit=5000")["rows"]
    with engine.connect() as connection:
        stored = [
            dict(row) for row in connection.execute(text(f"SELECT * FROM {view} ORDER BY {order}")).mappings()
        ]
    for row in stored:
        row.update((name, row[name] and round(row[name].timestamp() * 1000)) for name in times)
    assert found == stored


@pytest.mark.parametrize(
    "url",
    [
        f"{TICKS}&from={T0}&to={T0 + 5000}",
        f"{KLINES}&from={OPEN}&to={OPEN + 250 * MINUTE}",
        f"{GAPS}&from={T0 + 9 * MINUTE + 5000}&to={T0 + 40 * MINUTE}",
    ],
)
@pytest.mark.parametrize("limit", [7, 64])
def test_pages_and_files_cover_a_range_once(client: FlaskClient, url: str, limit: int) -> None:
    """JSON by next_cursor, CSV by X-Next-Cursor: both are the one large reply, cut up."""
    whole = body(client, f"{url}&limit=5000")["rows"]
    rows, lines = [], []
    cursor: str | None = ""
    while cursor is not None:
        page = body(client, f"{url}&limit={limit}&cursor={cursor}")
        file = client.get(f"{url}&limit={limit}&cursor={cursor}&format=csv")
        rows += page["rows"]
        lines += list(csv.DictReader(io.StringIO(file.get_data(as_text=True))))
        cursor = page["next_cursor"]
        assert file.headers["X-Next-Cursor"] == (cursor or "")
    assert rows == whole
    key = next(name for name in ("ts", "open_time", "id") if name in whole[0])
    assert [int(line[key]) for line in lines] == [row[key] for row in whole]


def test_the_ledger_is_told_beside_the_rows(client: FlaskClient) -> None:
    """The book's gaps beside ticks, those of candles beside candles; a gap that lasts too."""
    found = body(client, f"{TICKS}&from={T0}&to={T0 + MINUTE}")["gaps"]
    assert [(g["channel"], g["started_at"]) for g in found] == [("book", T0)]
    begin = OPEN + 10 * MINUTE
    found = body(client, f"{KLINES}&from={begin}&to={begin + 3 * MINUTE}&limit=2")["gaps"]
    near = [T0 + n * MINUTE for n in range(50)]
    expected = [at for at in near if at < begin + 2 * MINUTE and at + 10_000 > begin]
    assert [(g["channel"], g["started_at"]) for g in found] == [("kline", at) for at in expected]
    assert body(client, TICKS)["gaps"][-1]["ended_at"] is None


def test_a_whole_range_in_few_points_keeps_its_extremes(client: FlaskClient) -> None:
    """Ticks: stored rows. Candles: highest high, lowest low, all of the volume, a hole is told."""
    whole = body(client, f"{TICKS}&from={T0}&limit=5000")["rows"]
    few = body(client, f"{TICKS}&from={T0}&max_points=50")["rows"]
    mids = [row["mid"] for row in whole]
    assert len(few) <= 50
    assert all(row in whole for row in few)
    assert {min(mids), max(mids)} <= {row["mid"] for row in few}

    candles = body(client, f"{KLINES}&from={OPEN}&limit=5000")["rows"]
    joined = body(client, f"{KLINES}&from={OPEN}&max_points=30")["rows"]
    assert len(joined) <= 30
    assert sum(row["volume"] for row in joined) == sum(row["volume"] for row in candles)
    assert joined[-1]["close_time"] == candles[-1]["close_time"]
    assert not any(row["complete"] for row in joined)  # every ninth is broken


def test_a_postgres_that_is_gone_is_a_503() -> None:
    """In JSON, without its address."""
    engine = reader_engine("postgresql://nobody@127.0.0.1:1/none")
    client = create_app(
        settings(), FakeReader(), HistoryReader(engine), FakeTime().clock
    ).server.test_client()
    response = client.get("/api/klines?venue=bybit&symbol=ETHUSDT")
    assert response.status_code == 503
    assert b"127.0.0.1" not in response.data
