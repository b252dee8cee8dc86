"""What is asked of the history again and again, with 1, 10 and (--long) 50 million ticks in the table."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import NamedTuple

import psycopg2
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from bench.report import Result
from db.history import partitions
from db.history.columns import moment
from db.history.engine import reader_engine, writer_engine
from db.history.packing import pack
from db.history.partitions import SPAN_MS, name_of, slot_of
from db.history.reader import HistoryReader
from db.local.stores import temporary_stores
from db.migrate import migrate
from market.instruments import BUILT_IN

MILLIONS = (1, 10)
LONG_MILLIONS = (1, 10, 50)
VENUES = ("bybit", "binance")
SYMBOLS = BUILT_IN[:50]
EVERY_MS = 100
"""Between two ticks of an instrument: 6,000 in ten minutes."""
FIRST_MS = 1_790_006_400_000
"""The beginning of a partition."""
ROUNDS = 15
_ROW_MS = 15.0
_LATEST_MS = 50.0
_BYTES = 150

_FILL = """
INSERT INTO {leaf} (venue, symbol, ts, update_id, best_bid_price, best_bid_size, best_ask_price,
                    best_ask_size, recv_ts)
SELECT '{venue}', symbol, to_timestamp((t + s) / 1000.0), t, 60000 + (t % 977) / 10.0,
       (t % 89) / 7.0, 60000.1 + (t % 977) / 10.0, (t % 97) / 7.0, to_timestamp((t + s + 20) / 1000.0)
FROM generate_series({first}::bigint, {last}::bigint, {every}) AS t,
     unnest('{{{symbols}}}'::text[]) WITH ORDINALITY AS known (symbol, s)
"""
_TEN_MINUTES = """
SELECT ts, update_id, best_bid_price, best_bid_size, best_ask_price, best_ask_size FROM orderbook_ticks
WHERE venue = %s AND symbol = %s AND ts >= %s AND ts < %s ORDER BY ts, update_id
"""
_LATEST = "SELECT * FROM orderbook_ticks WHERE venue = %s AND symbol = %s ORDER BY ts DESC LIMIT 5"
_LATEST_OF_SYMBOL = "SELECT * FROM orderbook_ticks WHERE symbol = %s ORDER BY ts DESC LIMIT 5"


class Figures(NamedTuple):
    """Medians in ms; bytes a row with its index, before and after finished partitions are packed."""

    rows: int
    bytes_as_they_come: float
    bytes_per_row: float
    ten_minutes: float
    served: float
    latest: float
    latest_of_symbol: float


def run(*, is_long: bool = False) -> list[Result]:
    """Fill a table and ask; two minutes, and ten more for 50 million rows."""
    found: list[Figures] = []
    with temporary_stores(redis=False) as stores:
        url = stores.urls["DATABASE_URL"]
        migrate(url)
        writing, reading = writer_engine(url, connections=1), reader_engine(url)
        try:
            end_ms = FIRST_MS
            for millions in LONG_MILLIONS if is_long else MILLIONS:
                wanted_ms = millions * 1_000_000 // (len(VENUES) * len(SYMBOLS)) * EVERY_MS
                end_ms = _fill(writing, end_ms, FIRST_MS + wanted_ms)
                found.append(_measure(url, writing, HistoryReader(reading), end_ms))
        finally:
            reading.dispose()
            writing.dispose()
    return [it for figures in found for it in _results(figures, found[0])]


def _fill(engine: Engine, start_ms: int, end_ms: int) -> int:
    """Add the ticks of [start, end), partition by partition; returns `end_ms`."""
    while start_ms < end_ms:
        until = min(end_ms, start_ms - start_ms % SPAN_MS + SPAN_MS)
        for venue in VENUES:
            slot = slot_of(start_ms, venue)
            partitions.ensure(engine, [slot])
            fields = {
                "leaf": f"{name_of(slot.start)}_{venue}", "venue": venue, "first": start_ms,
                "last": until - 1, "every": EVERY_MS, "symbols": ",".join(SYMBOLS),
            }  # fmt: skip
            with engine.begin() as connection:
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text(_FILL.format(**fields)))
                connection.execute(text(f"COMMENT ON TABLE {fields['leaf']} IS NULL"))  # not packed any more
        start_ms = until
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE tick_rows"))
    return end_ms


def _measure(url: str, engine: Engine, reader: HistoryReader, end_ms: int) -> Figures:
    as_they_come, _rows = _size(engine)
    while pack(engine, end_ms + 2 * SPAN_MS) is not None:
        pass
    size, rows = _size(engine)
    start_ms = end_ms - 600_000
    with _plain(url) as plain, plain.cursor() as cursor:

        def asked(query: str, values: Sequence[object]) -> Callable[[], object]:
            def ask() -> object:
                cursor.execute(query, values)
                return cursor.fetchall()

            return ask

        of = [(venue, symbol) for venue in VENUES for symbol in SYMBOLS]
        moments = (moment(start_ms), moment(end_ms))
        return Figures(
            rows,
            as_they_come / rows,
            size / rows,
            _median(lambda n: asked(_TEN_MINUTES, (*of[n * 7 % 100], *moments))),
            _median(
                lambda n: (
                    lambda: reader.ticks_downsampled(
                        *of[n * 7 % 100], start=start_ms, end=end_ms, max_points=600
                    )
                )
            ),
            _median(lambda n: asked(_LATEST, of[n * 7 % 100])),
            _median(lambda n: asked(_LATEST_OF_SYMBOL, of[n * 7 % 100][1:])),
        )


def _size(engine: Engine) -> tuple[int, int]:
    """Bytes of all ticks with their indexes, and how many there are."""
    leaves = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('tick_rows') WHERE isleaf"
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        count = connection.scalar(text("SELECT count(*) FROM tick_rows"))
        return int(connection.scalar(text(leaves)) or 0), int(count or 0)


def _median(make: Callable[[int], Callable[[], object]]) -> float:
    """Milliseconds; each time for another instrument, so that it is not the same pages."""
    taken = []
    for number in range(ROUNDS):
        work = make(number)
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1e3)
    return statistics.median(taken)


def _results(figures: Figures, first: Figures) -> list[Result]:
    at = f"{figures.rows / 1e6:.0f} M ticks"
    bytes_ = figures.bytes_per_row
    found = [
        Result(
            f"{at}: bytes a row with its index, partition finished",
            f"≤ {_BYTES}",
            f"{bytes_:.0f}; {figures.bytes_as_they_come:.0f} while rows come",
            bytes_ <= _BYTES,
        ),
        Result(f"{at}: last 10 minutes of one instrument, downsampled", "", f"{figures.served:.1f} ms"),
        _timed(f"{at}: newest 5 of one instrument", figures.latest, _LATEST_MS),
        _timed(f"{at}: newest 5 of a symbol", figures.latest_of_symbol, _LATEST_MS),
    ]
    ten = f"{at}: last 10 minutes of one instrument, 6,000 rows"
    if figures.rows <= 10_000_000:
        return [_timed(ten, figures.ten_minutes, _ROW_MS), *found]
    ratio = figures.ten_minutes / first.ten_minutes
    measured = f"{figures.ten_minutes:.1f} ms = {ratio:.1f} × that at {first.rows / 1e6:.0f} M"
    return [Result(ten, "≤ 2 × that at 1 M", measured, ratio <= 2), *found]


def _timed(what: str, ms: float, budget_ms: float) -> Result:
    return Result(what, f"≤ {budget_ms:.0f} ms", f"{ms:.1f} ms", ms <= budget_ms)


@contextmanager
def _plain(url: str) -> Iterator["psycopg2.extensions.connection"]:
    driver = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with closing(psycopg2.connect(driver)) as connection:
        connection.autocommit = True
        yield connection
