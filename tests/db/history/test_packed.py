"""Candles of many series in one round trip."""

import struct

from db.history.packed import WIDTH
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter
from db.rows import Batch, KlineRow
from tests.db.history.rows import MINUTE, OPEN, kline


def candles(packed: bytes) -> list[tuple[float, ...]]:
    return list(struct.iter_unpack(f">{WIDTH}d", packed))


def test_the_newest_candles_of_each_series(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Ascending, of the instruments and intervals that are named, no more than are wanted."""
    five = kline(0, interval="5m", complete=False).kline
    rows = [*(kline(n, close=1.0 + n / 8, turnover=float(n)) for n in range(5)), KlineRow("bybit", five)]
    rows.append(KlineRow("binance", five))
    writer.write(Batch("b", klines=rows))
    found = reader.packed_klines("bybit", ["ETHUSDT", "NOPEUSDT"], ["1m", "5m", "1h"], 3)
    assert set(found) == {("ETHUSDT", "1m"), ("ETHUSDT", "5m")}
    assert candles(found["ETHUSDT", "1m"]) == [
        ((OPEN + n * MINUTE) / 1000, 1.0, 2.0, 0.5, 1.0 + n / 8, 10.0, float(n), 1.0) for n in (2, 3, 4)
    ]
    assert [c[-1] for c in candles(found["ETHUSDT", "5m"])] == [0.0]
    assert reader.packed_klines("bybit", [], ["1m"], 3) == {}
