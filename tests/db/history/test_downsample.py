"""Fewer points than rows: ticks keep their extremes, candles are joined."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from db.history.reader import HistoryReader, TickPlace
from db.history.writer import HistoryWriter
from db.rows import TickRow
from market.rollup import roll_up
from tests.db.history.rows import MINUTE, OPEN, T0, batch, kline, tick

OURS = ("bybit", "ETHUSDT")
HOUR = 60 * MINUTE


def mid(row: TickRow) -> float | None:
    return None if row.bid_price is None or row.ask_price is None else row.bid_price + row.ask_price


def empty(engine: Engine) -> None:
    """No ticks and no candles."""
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE tick_rows, kline_rows"))


@given(
    steps=st.lists(st.tuples(st.integers(0, 900), st.integers(-50, 50)), min_size=1, max_size=120),
    max_points=st.integers(2, 40),
    span=st.integers(1, 90_000),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_extremes_of_a_span_survive(
    writer: HistoryWriter, reader: HistoryReader, engine: Engine,
    steps: list[tuple[int, int]], max_points: int, span: int,
) -> None:  # fmt: skip
    """Whatever the ticks: at most `max_points` stored rows, ascending, lowest and highest mid among them."""
    empty(engine)
    rows, at, price = [], T0, 1000.0
    for n, (wait, move) in enumerate(steps):
        at, price = at + wait, price + move
        rows.append(tick(n, ts=at)._replace(bid_price=price, ask_price=price + 1))
    writer.write(batch(rows))
    inside = [row for row in rows if row.ts < T0 + span]
    found = reader.ticks_downsampled(*OURS, start=T0, end=T0 + span, max_points=max_points)
    assert len(found) <= max_points
    assert found == sorted(found, key=lambda row: (row.ts, row.update_id))
    assert set(found) <= set(inside)
    if len(inside) <= max_points:
        assert found == inside
    else:
        prices = [mid(row) or 0.0 for row in inside]
        assert {min(prices), max(prices)} <= {mid(row) for row in found}


def test_every_bucket_has_its_say(writer: HistoryWriter, reader: HistoryReader) -> None:
    """A spike of one tick in the middle of a thousand is kept, and so is each bucket's own range."""
    rows = [
        tick(n, ts=T0 + n * 10)._replace(bid_price=100.0 + n % 10, ask_price=101.0 + n % 10)
        for n in range(1000)
    ]
    rows[503] = rows[503]._replace(bid_price=500.0, ask_price=501.0)
    writer.write(batch(rows))
    found = reader.ticks_downsampled(*OURS, start=T0, end=T0 + 10_000, max_points=20)
    assert len(found) == 20
    assert rows[503] in found
    for begin in range(T0, T0 + 10_000, 1000):
        mids = [mid(row) for row in found if begin <= row.ts < begin + 1000]
        assert mids == [201.0, 1001.0 if begin == T0 + 5000 else 219.0]


def test_a_tick_with_one_side_stands_only_where_there_is_no_other(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """It has no mid to compare."""
    rows = [tick(n, ts=T0 + n)._replace(bid_price=None, bid_size=None) for n in range(10)]
    rows[3] = tick(3, ts=T0 + 3)
    writer.write(batch(rows))
    assert reader.ticks_downsampled(*OURS, start=T0, end=T0 + 10, max_points=4) == [rows[3], rows[5]]


def test_candles_are_joined_as_they_are_rolled_up(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Five minutes out of five candles are what the collector would make of them."""
    begin = OPEN - OPEN % HOUR
    rows = [
        kline(open_time=begin + n * MINUTE, open=n + 1.0, high=n + 9.0, low=0.5 - n / 100, close=n + 2.0,
              volume=0.1, turnover=n / 10, trades=n, taker_buy_volume=0.05)
        for n in range(60)
    ]  # fmt: skip
    writer.write(batch(klines=rows))
    found = reader.klines_downsampled(*OURS, "1m", start=begin, end=begin + HOUR, max_points=12)
    parts = [rows[n : n + 5] for n in range(0, 60, 5)]
    expected = [roll_up([part.kline for part in five], "5m", is_closed=True) for five in parts]
    for got, want in zip(found, expected, strict=True):
        names = ("open_time", "open", "high", "low", "close", "volume", "turnover", "trades")
        assert [getattr(got, name) for name in names] == [getattr(want, name) for name in names]
        assert (got.taker_buy_volume, got.complete, got.source) == (0.25, True, "rollup")
        assert got.event_time == got.open_time + 5 * MINUTE - 1


def test_a_joined_candle_is_whole_only_if_its_parts_are(writer: HistoryWriter, reader: HistoryReader) -> None:
    """A missing part, a broken one, one without trades: each shows."""
    begin = OPEN - OPEN % HOUR
    rows = [
        kline(open_time=begin + n * MINUTE, complete=n != 7, trades=None if n == 12 else 1)
        for n in range(30) if n != 3
    ]  # fmt: skip
    writer.write(batch(klines=rows))
    found = reader.klines_downsampled(*OURS, "1m", start=begin, end=begin + HOUR, max_points=6)
    assert [k.complete for k in found] == [False, False, True, True, True, True]
    assert [k.trades for k in found] == [4, 5, None, 5, 5, 5]


@given(first=st.integers(0, 200), count=st.integers(1, 60), max_points=st.integers(1, 30))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_joined_candles_cover_the_span_once(
    writer: HistoryWriter, reader: HistoryReader, engine: Engine, first: int, count: int, max_points: int
) -> None:
    """No more than asked for, end to end, with the volume of all of it; wherever the span begins."""
    empty(engine)
    rows = [kline(first + n, volume=2.0) for n in range(count)]
    writer.write(batch(klines=rows))
    found = reader.klines_downsampled(*OURS, "1m", start=0, end=OPEN + 1000 * MINUTE, max_points=max_points)
    assert 1 <= len(found) <= max_points
    assert [k.open_time for k in found[1:]] == [k.event_time + 1 for k in found[:-1]]
    assert (found[0].open_time, found[-1].event_time) == (
        rows[0].kline.open_time, rows[-1].kline.open_time + MINUTE - 1,
    )  # fmt: skip
    assert sum(k.volume for k in found) == 2.0 * count
    assert all(k.complete for k in found)


def test_nothing_there_is_nothing_found(reader: HistoryReader) -> None:
    """An unknown instrument is empty; a number of points that cannot be met is refused."""
    assert reader.ticks_downsampled("bybit", "NOPE", start=0, end=T0, max_points=10) == []
    assert reader.klines_downsampled("bybit", "NOPE", "1m", start=0, end=T0, max_points=10) == []
    with pytest.raises(ValueError, match="max_points"):
        reader.ticks_downsampled(*OURS, start=0, end=T0, max_points=1)
    with pytest.raises(ValueError, match="max_points"):
        reader.klines_downsampled(*OURS, "1m", start=0, end=T0, max_points=0)


def test_pages_of_ticks_hold_each_once(writer: HistoryWriter, reader: HistoryReader, engine: Engine) -> None:
    """Many changes share a millisecond, some differ by microseconds: no page repeats or leaves one out."""
    rows = [tick(n)._replace(ts=T0 + n // 7) for n in range(50)]
    writer.write(batch(rows))
    with engine.begin() as connection:
        connection.execute(text("UPDATE tick_rows SET ts = ts + (update_id % 3) * interval '1 microsecond'"))
    seen: list[int] = []
    since: int | TickPlace | None = T0
    while since is not None:
        page = reader.tick_page(*OURS, since, end=T0 + 1000, limit=4)
        assert 0 < len(page.rows) <= 4
        seen += [row.update_id for row in page.rows]
        since = page.end
    assert sorted(seen) == [row.update_id for row in rows]
    assert len(seen) == len(set(seen))
