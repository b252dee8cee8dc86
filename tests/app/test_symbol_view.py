"""The parts of the Symbol page's text: digits by tick and lot, missing values, unreadable books."""

import json

import pytest

from app.symbol_view import (
    Digits,
    candle_columns,
    digits_of,
    read_book,
    read_forming,
    read_indicator,
    read_ticker,
    read_trades,
    text_of,
)
from db.rows import IndicatorRow
from market.events import Kline

PEPE = digits_of(1e-7, 100.0)


def test_prices_have_the_digits_of_the_tick_and_no_exponent() -> None:
    """Float noise is gone, 0.0000001 is written out, sizes have the digits of the lot."""
    book = read_book({"state": "live", "bids": "[[0.0000001,100.00000001]]", "asks": "[]"}, PEPE)
    ticker = read_ticker({"last_price": "0.01234560000001", "funding_rate": "0.0001"}, PEPE)
    text = text_of({"book": book, "ticker": ticker})
    assert '"bids":[[0.0000001,100' in text
    assert json.loads(text)["ticker"]["last_price"] == 0.0123456


def test_a_tick_nobody_told_leaves_the_number_as_it_came() -> None:
    """Without a tick size nothing is rounded away."""
    ticker = read_ticker({"last_price": "1.23456789"}, Digits())
    assert ticker is not None
    assert ticker["last_price"] == 1.23456789


def test_what_is_missing_is_null() -> None:
    """Empty text is no zero, and an absent hash is nothing at all."""
    ticker = read_ticker({"last_price": "", "open_interest": "", "recv_time": ""}, PEPE)
    assert ticker is not None
    assert ticker["last_price"] is ticker["open_interest"] is ticker["recv_time"] is None
    assert read_ticker(None, PEPE) is read_book(None, PEPE) is read_forming({}, PEPE) is None


@pytest.mark.parametrize("bids", ["[[1]]", "{", '[["a","b"]]', "null"])
def test_a_book_that_cannot_be_read_has_no_level(bids: str) -> None:
    """It is called unreadable; the rest of the page does not suffer."""
    book = read_book({"state": "live", "bids": bids, "asks": "[[2,1]]"}, PEPE)
    assert book is not None
    assert (book["state"], book["bids"], book["asks"]) == ("unreadable", [], [])


def test_at_most_twenty_levels_are_sent() -> None:
    """Whatever the venue's depth."""
    levels = json.dumps([[100 - n, 1] for n in range(50)])
    book = read_book({"state": "live", "bids": levels, "asks": "[]"}, Digits(0, 0))
    assert book is not None
    assert len(book["bids"]) == 20


def test_a_forming_candle_without_a_price_is_none() -> None:
    """Half a candle is not drawn."""
    stored = {"open_time": "60000", "open": "1", "high": "2", "low": "1", "close": "", "volume": "3"}
    assert read_forming(stored, Digits()) is None
    whole = read_forming(stored | {"close": "1.5"}, Digits())
    assert whole is not None
    assert (whole["open_time"], whole["close"], whole["volume"]) == (60_000, 1.5, 3.0)


def test_candles_and_trades_are_columns() -> None:
    """Lists of equal length, a hole in the data kept as a mark."""
    kline = Kline(
        "BTCUSDT", "1m", 0, 1.00000004, 2, 0.5, 1.5, 10, 15, True, 59_999, 60_000, complete=False
    )  # fmt: skip
    candles = candle_columns([kline], [], Digits(2, 0))
    assert candles["open"] == [1.0]
    assert candles["complete"] == [False]
    assert candles["turnover"] == [15.0]
    trades = read_trades([{"price": "1.5", "size": "2", "taker_side": "buy", "trade_id": "x"}], Digits(1, 0))
    assert trades == {
        "price": [1.5], "size": [2.0], "taker_side": ["buy"], "trade_id": ["x"], "event_time": [None],
    }  # fmt: skip


def test_indicators_stand_beside_their_candles() -> None:
    """By open time, in two digits or one more than the tick; a candle without any has nulls."""
    klines = [Kline("BTCUSDT", "1m", t, 1, 2, 0.5, 1.5, 10, 15, True, t + 59_999, t) for t in (0, 60_000)]
    said = IndicatorRow(
        "bybit", "BTCUSDT", "1m", 60_000, 61.2345, 12.0, None, 1.23456, 1.2, 0, 0, 1.4, 1.1, 0, 5.0,
        "neutral", 400, "hole", 0,
    )  # fmt: skip
    candles = candle_columns(klines, [said], Digits(2, 0))
    assert candles["rsi"] == [None, 61.23]
    assert candles["stoch_rsi_d"] == [None, None]
    assert candles["ema_fast"] == [None, 1.235]
    assert candles["reason"] == [None, "hole"]


def test_the_forming_candles_indicators_are_called_provisional() -> None:
    """As the collector says; without the time of their candle they belong to none."""
    stored = {"rsi": "61.2345", "ema_fast": "", "reason": "", "is_provisional": "1", "open_time": "60000"}
    found = read_indicator(stored, Digits(2, 0))
    assert found is not None
    assert (found["open_time"], found["rsi"], found["ema_fast"]) == (60_000, 61.23, None)
    assert found["is_provisional"] is True
    closed = read_indicator(stored | {"is_provisional": "0"}, Digits(2, 0))
    assert closed is not None
    assert closed["is_provisional"] is False
    assert read_indicator(stored | {"open_time": ""}, Digits()) is read_indicator(None, Digits()) is None
