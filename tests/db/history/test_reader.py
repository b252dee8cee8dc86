from typing import Any

import pytest
from sqlalchemy import Engine, text

from db.history.reader import Held, HistoryReader, Sizes
from db.history.writer import HistoryWriter
from db.rows import TickerRow
from market.instruments import Instrument
from tests.db.history.rows import MINUTE, OPEN, T0, batch, kline, tick


def test_nothing_stored_is_nothing_found(reader: HistoryReader) -> None:
    """Unknown venues, symbols and intervals are empty, not errors."""
    assert reader.klines("bybit", "ETHUSDT", "1m") == []
    assert reader.ticks("bybit", "ETHUSDT") == []
    assert list(reader.newest_klines([("bybit", "ETHUSDT")], ["1m"], 5)) == []
    assert list(reader.newest_klines([], [], 5)) == []
    assert reader.held_klines("bybit", {"1m": 0}) == {}
    assert reader.held_klines("bybit", {}) == {}
    assert (reader.tickers(), reader.instruments(), reader.last_feed_events()) == ([], [], [])
    assert reader.sizes()[1:] == (0, 0, 0, 0, None)


def test_a_candle_comes_back_as_it_went(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Every field; the event time of a stored candle is its close."""
    row = kline(
        trades=3, taker_buy_volume=0.1, complete=False, recv_time=T0 + 1, event_time=OPEN + MINUTE - 1
    )
    writer.write(batch(klines=[row]))
    assert reader.klines("bybit", "ETHUSDT", "1m") == [row.kline]


def test_candles_of_a_span_are_ascending_and_limited(writer: HistoryWriter, reader: HistoryReader) -> None:
    """[start, end): the first ones from a start, the last ones without."""
    writer.write(batch(klines=[kline(n) for n in range(10)]))

    def opens(**span: int) -> list[int]:
        return [(k.open_time - OPEN) // MINUTE for k in reader.klines("bybit", "ETHUSDT", "1m", **span)]

    assert opens(limit=3) == [7, 8, 9]
    assert opens(start=OPEN + 2 * MINUTE, end=OPEN + 5 * MINUTE) == [2, 3, 4]
    assert opens(start=OPEN, limit=2) == [0, 1]
    assert opens(end=OPEN + 5 * MINUTE, limit=2) == [3, 4]


def test_newest_candles_of_every_series_come_in_one_query(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """By venue, symbol and interval, each ascending; other venues and intervals are left out."""
    rows = [kline(n) for n in range(5)] + [kline(n, symbol="BTCUSDT") for n in range(2)]
    rows += [kline(interval="5m", open_time=OPEN - OPEN % (5 * MINUTE)), kline()._replace(venue="binance")]
    writer.write(batch(klines=rows))
    wanted = [("bybit", "BTCUSDT"), ("bybit", "NOPEUSDT"), ("bybit", "ETHUSDT")]
    found = dict(reader.newest_klines(wanted, ["1m", "1h"], 3))
    opens = {key: [(k.open_time - OPEN) // MINUTE for k in klines] for key, klines in found.items()}
    assert opens == {("bybit", "ETHUSDT", "1m"): [2, 3, 4], ("bybit", "BTCUSDT", "1m"): [0, 1]}


def test_the_newest_candles_are_as_any_reading_gives_them(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """Every field: with and without counts, broken, of each source, at odd times of receipt."""
    rows = [
        kline(0, trades=3, taker_buy_volume=0.1),
        kline(1, trades=0, recv_time=T0 + 7),
        kline(2, taker_buy_volume=0.0, source="rest"),
        kline(3, complete=False, source="rollup"),
        kline(4, source="trades", recv_time=4_092_000_000_007),
    ]
    writer.write(batch(klines=rows))
    ((series, found),) = reader.newest_klines([("bybit", "ETHUSDT")], ["1m"], 400)
    assert series == ("bybit", "ETHUSDT", "1m")
    assert found == reader.klines("bybit", "ETHUSDT", "1m")
    assert [k.recv_time for k in found] == [row.kline.recv_time for row in rows]
    assert [k.source for k in found] == ["stream", "stream", "rest", "rollup", "trades"]


def test_held_candles_are_the_whole_ones_of_the_span(writer: HistoryWriter, reader: HistoryReader) -> None:
    """How many, the first and the last; broken candles do not count."""
    writer.write(batch(klines=[kline(n, complete=n != 2) for n in range(5)]))
    found = reader.held_klines("bybit", {"1m": OPEN + MINUTE, "5m": 0})
    assert found == {("ETHUSDT", "1m"): Held(3, OPEN + MINUTE, OPEN + 4 * MINUTE)}


def test_ticks_of_a_span_are_ordered_by_time_and_id(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Changes within one millisecond keep the venue's order."""
    rows = [tick(n)._replace(ts=T0 + n // 3) for n in range(9)]
    writer.write(batch(rows[::-1]))
    assert reader.ticks("bybit", "ETHUSDT", start=T0, end=T0 + 2) == rows[:6]
    assert reader.ticks("bybit", "ETHUSDT", start=T0, limit=2) == rows[:2]
    assert reader.ticks("bybit", "ETHUSDT", limit=2) == rows[-2:]


def test_milliseconds_survive_the_way_there_and_back(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Every ms of a second, now and in 2099, is read as it was written."""
    rows = [tick(n, ts=at + n) for at in (T0, 4_092_000_000_000) for n in range(0, 1000, 7)]
    writer.write(batch(rows))
    assert reader.ticks("bybit", "ETHUSDT", limit=1000) == rows


def test_tickers_and_instruments_come_back_as_they_went(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Every field, missing ones as None."""
    full = TickerRow(
        "binance", "BTCUSDT", 1.0, 2.0, 3.0, 0.0001, T0 + 5, 4.0, 5.0, 6.0, 7.0, 8.0, -1.5,
        9.0, 1.0, 10.0, 2.0, T0 + 1, T0 + 2,
    )  # fmt: skip
    bare = TickerRow("bybit", "BTCUSDT", recv_time=T0)
    known = Instrument("binance", "BTCUSDT", "BTC", "USDT", 1.0, 0.1, 0.001, "TRADING")
    writer.write(batch(tickers=[bare, full]))
    writer.save_instruments([known])
    assert reader.tickers() == [full, bare]
    assert reader.instruments()[0] == known


def test_sizes_count_what_is_stored(writer: HistoryWriter, reader: HistoryReader, engine: Engine) -> None:
    """Partitions, the oldest one's start, and rows as the database estimates them."""
    writer.write(batch([tick(n) for n in range(100)], [kline()]))
    with engine.begin() as connection:
        connection.execute(text("ANALYZE tick_rows, kline_rows"))
    sizes = reader.sizes()
    assert sizes == Sizes(sizes.database_bytes, sizes.tick_bytes, 100, 1, 1, T0 - T0 % 14_400_000)
    assert sizes.database_bytes > sizes.tick_bytes > 0


@pytest.mark.parametrize(
    "where",
    [
        "venue = 'bybit' AND symbol = 'ETHUSDT'",
        "symbol = 'ETHUSDT'",
        "symbol = 'NOPE'",
        "symbol = 'QUIETUSDT'",
    ],
)
def test_the_newest_ticks_are_found_without_reading_the_rest(
    writer: HistoryWriter, engine: Engine, where: str
) -> None:
    """By venue and symbol, by symbol alone, for an unknown and a quiet one: through the key, newest first."""
    spots = [(n, T0 + n * 5_000, v) for n in range(7_000) for v in ("bybit", "binance")]
    rows = [tick(n, ts=ts, symbol=f"S{n % 7}USDT", venue=v) for n, ts, v in spots]
    rows += [tick(n, ts=ts, venue=v) for n, ts, v in spots[:4_000]]
    writer.write(batch([*rows, tick(0, symbol="QUIETUSDT")]))
    with engine.begin() as connection:
        connection.execute(text("ANALYZE tick_rows"))
        query = f"SELECT * FROM orderbook_ticks WHERE {where} ORDER BY ts DESC LIMIT 5"
        (plan,) = connection.execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")).scalar_one()
    nodes = _nodes(plan["Plan"])
    assert {n["Node Type"] for n in nodes} <= {"Limit", "Append", "Merge Append", "Index Scan", "Result"}
    assert sum(n["Actual Rows"] * n["Actual Loops"] for n in nodes if n["Node Type"] == "Index Scan") <= 10


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]
