"""Pages of candles of which a row cannot be read: it costs no other."""

import pytest

from collector.venues import binance_rest, bybit_rest

WRONG = pytest.mark.parametrize("wrong", ["null", '""', '"x"', '"-1"', "[]"])


@WRONG
def test_of_binances_page_the_others_are_taken(wrong: str) -> None:
    """The page is not asked for again, and 399 candles are better than none."""
    rows = [
        f'[{n * 60_000},"1","2","0.5","1.5","10",{n * 60_000 + 59_999},"15",3,"5","7","0"]' for n in range(3)
    ]
    rows[1] = rows[1].replace('"2"', wrong)
    found = binance_rest.parse_klines(f"[{','.join(rows)}]".encode(), "X", "1m", now=10**9, recv_time=5)
    assert [kline.open_time for kline in found] == [0, 120_000]


@WRONG
def test_of_bybits_page_the_others_are_taken(wrong: str) -> None:
    """Ascending, though the venue gives the newest first."""
    rows = [f'["{n * 60_000}","1","2","0.5","1.5","10","15"]' for n in (2, 1, 0)]
    rows[1] = rows[1].replace('"2"', wrong)
    body = f'{{"retCode":0,"retMsg":"OK","result":{{"list":[{",".join(rows)}]}},"time":1}}'.encode()
    found = bybit_rest.parse_klines(body, "X", "1m", now=10**9, recv_time=5)
    assert [kline.open_time for kline in found] == [0, 120_000]
