"""Ticks into Postgres as the writer does it, beside a bare COPY and execute_values; and through the spool."""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import psycopg2
from psycopg2.extras import execute_values
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from bench.report import Result
from collector.drain import Drain
from collector.pace import Pace
from db.history import partitions
from db.history.engine import writer_engine
from db.history.writer import HistoryWriter
from db.local.stores import temporary_stores
from db.migrate import migrate
from db.rows import Batch, TickRow
from db.spool import Spool

ROWS = 150_000
BATCH = 5_000
SPOOLED = 500
"""Rows in a batch that waits: those of a quarter of a second at 2,000 rows/s."""
ROUNDS = 3
T0 = 1_790_000_000_000
LEAF = "tick_rows_20260921_12_bybit"
_COLUMNS = (
    "venue, symbol, ts, update_id, best_bid_price, best_bid_size, best_ask_price, best_ask_size, recv_ts"
)


class Cost(NamedTuple):
    """Rows a second, and CPU µs of this process a row; each the median of several rounds."""

    rows_per_s: float
    cpu_us: float


def run() -> list[Result]:
    """Measure; about a minute."""
    rows = _ticks(ROWS)
    with temporary_stores(redis=False) as stores:
        url = stores.urls["DATABASE_URL"]
        migrate(url)
        engine = writer_engine(url, connections=1)
        writer = HistoryWriter(engine)
        plain = _median(engine, lambda: _write(writer, rows, BATCH))
        small = _median(engine, lambda: _write(writer, rows, SPOOLED))
        values = _median(engine, lambda: _execute_values(url, rows))
        texts = _texts(rows)
        copied = _median(engine, lambda: _copy(url, texts))
        append, drained = _through_spool(engine, writer, rows)
        engine.dispose()
    ratio, share = plain.rows_per_s / values.rows_per_s, plain.rows_per_s / copied.rows_per_s
    return [
        Result(
            f"ingest, exactly once, {BATCH:,} a batch",
            "≥ 2 × execute_values",
            f"{_said(plain)} = {ratio:.1f} × execute_values, {share:.0%} of COPY",
            ratio >= 2,
        ),
        Result(f"the same, {SPOOLED} a batch", "", _said(small)),
        Result("execute_values … ON CONFLICT, 1,000 a batch", "", _said(values)),
        Result("bare COPY into the partition, its text made before", "", _said(copied)),
        Result(
            f"spool append, {SPOOLED} a batch, safe on disk",
            "",
            f"{_said(append)}, {SPOOLED / append.rows_per_s * 1e3:.1f} ms a batch",
        ),
        Result(
            "spool drain",
            "≥ 50 % of plain ingest",
            f"{_said(drained)} = {drained.rows_per_s / plain.rows_per_s:.0%}",
            drained.rows_per_s >= plain.rows_per_s / 2,
        ),
    ]


def _said(cost: Cost) -> str:
    return f"{cost.rows_per_s:,.0f} rows/s, {cost.cpu_us:.1f} µs CPU"


def _ticks(count: int) -> list[TickRow]:
    """Changes of 50 markets whose prices walk."""
    rng = random.Random(1)
    prices = {f"SYM{n}USDT": rng.uniform(0.1, 50_000) for n in range(50)}
    rows, ts = [], T0
    for number in range(count):
        ts += rng.choice((0, 0, 1))
        symbol = f"SYM{rng.randrange(50)}USDT"
        prices[symbol] *= 1 + rng.uniform(-1e-4, 1e-4)
        bid = round(prices[symbol], 2)
        sizes = round(rng.uniform(0.1, 99), 3), round(rng.uniform(0.1, 99), 3)
        rows.append(TickRow("bybit", symbol, ts, number, bid, sizes[0], bid + 0.01, sizes[1], ts + 20))
    return rows


def _batches(rows: Sequence[TickRow], size: int) -> list[Batch]:
    return [
        Batch(f"{size}-{start}", ticks=list(rows[start : start + size]))
        for start in range(0, len(rows), size)
    ]


def _median(engine: Engine, work: Callable[[], None]) -> Cost:
    return _middle([_round(engine, work) for _ in range(ROUNDS)])


def _round(engine: Engine, work: Callable[[], None]) -> Cost:
    """The cost of storing all rows in an empty table."""
    partitions.ensure(engine, [partitions.slot_of(T0, "bybit")])
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE tick_rows"))
    cost = _timed(work)
    with engine.connect() as connection:
        stored = connection.scalar(text("SELECT count(*) FROM tick_rows"))
    if stored != ROWS:
        raise SystemExit(f"expected {ROWS:,} rows, found {stored:,}")
    return cost


def _timed(work: Callable[[], None]) -> Cost:
    used, began = time.process_time(), time.monotonic()
    work()
    return Cost(ROWS / (time.monotonic() - began), (time.process_time() - used) / ROWS * 1e6)


def _middle(costs: Sequence[Cost]) -> Cost:
    return Cost(statistics.median(c.rows_per_s for c in costs), statistics.median(c.cpu_us for c in costs))


def _write(writer: HistoryWriter, rows: Sequence[TickRow], size: int) -> None:
    for batch in _batches(rows, size):
        writer.write(batch)


@contextmanager
def _plain(url: str) -> Iterator["psycopg2.extensions.connection"]:
    driver = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(driver)) as connection:
        yield connection


def _execute_values(url: str, rows: Sequence[TickRow]) -> None:
    statement = f"INSERT INTO tick_rows ({_COLUMNS}) VALUES %s ON CONFLICT DO NOTHING"
    template = "(%s, %s, to_timestamp(%s / 1000.0), %s, %s, %s, %s, %s, to_timestamp(%s / 1000.0))"
    with _plain(url) as connection, connection.cursor() as cursor:
        for start in range(0, len(rows), 1_000):
            execute_values(cursor, statement, rows[start : start + 1_000], template, page_size=1_000)
            connection.commit()


def _copy(url: str, texts: Sequence[str]) -> None:
    with _plain(url) as connection, connection.cursor() as cursor:
        for lines in texts:
            cursor.copy_expert(f"COPY {LEAF} ({_COLUMNS}) FROM STDIN", StringIO(lines))
            connection.commit()


def _texts(rows: Sequence[TickRow]) -> list[str]:
    """What COPY takes, with times as Postgres writes them."""

    def moment(ms: int) -> str:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat()

    lines = [
        "\t".join(map(str, (*row[:2], moment(row.ts), *row[3:8], moment(row.recv_ts)))) + "\n" for row in rows
    ]
    return ["".join(lines[start : start + BATCH]) for start in range(0, len(lines), BATCH)]


def _through_spool(engine: Engine, writer: HistoryWriter, rows: Sequence[TickRow]) -> tuple[Cost, Cost]:
    """Keeping all rows in batches as an outage would make them, and draining them."""
    appended, drained = [], []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=".") as directory:
            spool = Spool(Path(directory), 512)
            spool.open(lambda _event, _detail: None, lambda _row: None)
            batches = _batches(rows, SPOOLED)
            appended.append(_timed(partial(_keep, spool, batches)))
            drained.append(_round(engine, partial(_drain, spool, writer)))
            spool.close()
    return _middle(appended), _middle(drained)


def _keep(spool: Spool, batches: Sequence[Batch]) -> None:
    for batch in batches:
        spool.append(batch)


def _drain(spool: Spool, writer: HistoryWriter) -> None:
    pace = Pace()

    def write(batch: Batch) -> None:
        began = time.monotonic()
        writer.write(batch)
        pace.note(batch.size, time.monotonic() - began)

    drain = Drain(spool, write, pace)
    while drain.step(()):
        pass
