"""A price of 0 is none: with a size it costs its message, and where nothing is there it means just that."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from collector.venues import RestError, binance, binance_rest, bybit, bybit_rest
from collector.venues.adapter import Decoded
from market.events import BookDelta, BookSnapshot, FrameError, TickerUpdate, Top

ZERO = pytest.mark.parametrize("zero", ["0", "0.000", "1e-400"])
MINUTE = 60_000


def binance_frame(stream: str, **data: object) -> bytes:
    return json.dumps({"stream": f"x@{stream}", "data": {"s": "X", "E": 9, "T": 9, **data}}).encode()


def bybit_frame(topic: str, data: object, **rest: object) -> bytes:
    return json.dumps({"topic": f"{topic}.X", "ts": 9, "data": data, **rest}).encode()


def quote(**sides: str) -> bytes:
    return binance_frame("bookTicker", e="bookTicker", u=7, **sides)


def binance_book(stream: str, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    return binance_frame(stream, e="depthUpdate", U=1, u=2, pu=0, b=bids, a=asks)


def bybit_book(kind: str, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    return bybit_frame("orderbook.50", {"s": "X", "u": 7, "seq": 9, "b": bids, "a": asks}, type=kind)


def binance_candle(**prices: str) -> bytes:
    k: dict[str, object] = {"o": "1", "h": "1", "l": "1", "c": "1", **prices}
    k |= {"t": MINUTE, "i": "1m", "v": "1", "q": "1", "n": 1, "V": "1", "x": True}
    return json.dumps(
        {"stream": "x@kline_1m", "data": {"e": "kline", "E": MINUTE, "s": "X", "k": k}}
    ).encode()


def bybit_candle(**prices: str) -> bytes:
    k: dict[str, object] = {"open": "1", "high": "1", "low": "1", "close": "1", **prices}
    k |= {"start": MINUTE, "interval": "1", "volume": "1", "turnover": "1", "confirm": True}
    return json.dumps({"topic": "kline.1.X", "ts": MINUTE, "data": [k]}).encode()


Frame = Callable[[str], bytes]
BINANCE: dict[str, Frame] = {
    "bid": lambda zero: quote(b=zero, B="1", a="99", A="1"),
    "ask": lambda zero: quote(b="99", B="1", a=zero, A="1"),
    "diff": lambda zero: binance_book("depth@100ms", [[zero, "1"]], []),
    "whole top": lambda zero: binance_book("depth20@100ms", [], [["2", "1"], [zero, "1"]]),
    "trade": lambda zero: binance_frame("aggTrade", e="aggTrade", a=4, p=zero, q="1", f=1, l=1, m=True),
    **{f"candle's {part}": lambda zero, part=part: binance_candle(**{part: zero}) for part in "ohlc"},  # type: ignore[misc]
}
BYBIT: dict[str, Frame] = {
    "snapshot": lambda zero: bybit_book("snapshot", [["2", "1"], [zero, "1"]], []),
    "delta": lambda zero: bybit_book("delta", [], [[zero, "1"]]),
    "trade": lambda zero: bybit_frame(
        "publicTrade", [{"T": 9, "s": "X", "S": "Buy", "v": "1", "p": zero, "i": "a"}]
    ),
    "open": lambda zero: bybit_candle(open=zero),
    "low": lambda zero: bybit_candle(low=zero),
}


CASES = {f"binance's {name}": (binance.decode, frame) for name, frame in BINANCE.items()} | {
    f"bybit's {name}": (bybit.decode, frame) for name, frame in BYBIT.items()
}


@ZERO
@pytest.mark.parametrize(("decode", "frame"), CASES.values(), ids=CASES)
def test_a_frame_is_refused(decode: Callable[[bytes, int], Decoded], frame: Frame, zero: str) -> None:
    """As one whose price is negative or no number."""
    with pytest.raises(FrameError):
        decode(frame(zero), 5)
    assert decode(frame("1"), 5).events


@ZERO
def test_an_empty_side_has_no_price(zero: str) -> None:
    """Binance writes zeros there."""
    (top,) = binance.decode(quote(b=zero, B="0", a="99", A="1"), 5).events
    assert top == Top("X", None, None, 99.0, 1.0, 7, 9, 5)


@ZERO
def test_a_deletion_at_zero_deletes_nothing(zero: str) -> None:
    """No level can be held there; the rest of its message is taken."""
    sides = ([["2", "1"], [zero, "0"]], [[zero, "0"], ["3", "0"]])
    taken = ([(2.0, 1.0)], [(3.0, 0.0)])
    (event,) = binance.decode(binance_book("depth@100ms", *sides), 5).events
    assert isinstance(event, BookDelta)
    assert (event.bids, event.asks) == taken
    (event,) = bybit.decode(bybit_book("snapshot", *sides), 5).events
    assert isinstance(event, BookSnapshot)
    assert (event.bids, event.asks) == taken


@ZERO
def test_a_ticker_may_have_zeros(zero: str) -> None:
    """A price of 0 is none yet; a rate, a volume and a change of 0 are what they say."""
    data = {"symbol": "X", "lastPrice": zero, "fundingRate": zero, "volume24h": zero, "price24hPcnt": zero}
    (ticker,) = bybit.decode(bybit_frame("tickers", data, type="delta"), 5).events
    assert isinstance(ticker, TickerUpdate)
    assert ticker.last_price is None
    assert (ticker.funding_rate, ticker.volume_24h, ticker.change_24h_pct) == (0.0, 0.0, 0.0)


def binance_depth(price: str) -> bytes:
    return json.dumps({"lastUpdateId": 1, "bids": [[price, "1"]], "asks": [], "T": 9}).encode()


def bybit_reply(result: dict[str, Any]) -> bytes:
    return json.dumps({"retCode": 0, "retMsg": "OK", "result": result, "time": 1}).encode()


@ZERO
def test_rest_refuses_them_too(zero: str) -> None:
    """A snapshot whole; of candles and Binance's trades those that have one."""
    with pytest.raises(RestError, match="price of 0"):
        binance_rest.parse_depth(binance_depth(zero), "X", 5)
    with pytest.raises(RestError, match="price of 0"):
        bybit_rest.parse_depth(bybit_reply({"b": [], "a": [[zero, "1"]], "u": 1}), "X", 5)
    trades = [{"a": n, "p": price, "q": "1", "T": 9, "m": True} for n, price in enumerate([zero, "1"])]
    assert [t.trade_id for t in binance_rest.parse_trades(json.dumps(trades).encode(), "X", 5)] == ["1"]
    trade = {"execId": "a", "price": zero, "size": "1", "side": "Buy", "time": "9"}
    with pytest.raises(RestError):
        bybit_rest.parse_trades(bybit_reply({"list": [trade]}), "X", 5)
    rows = [
        [n * MINUTE, "1", "1", low, "1", "1", 1, "1", 1, "1", "1", "0"] for n, low in ((0, zero), (1, "1"))
    ]
    found = binance_rest.parse_klines(json.dumps(rows).encode(), "X", "1m", now=10**9, recv_time=5)
    assert [kline.open_time for kline in found] == [MINUTE]
    reply = bybit_reply({"list": [row[:7] for row in rows]})
    found = bybit_rest.parse_klines(reply, "X", "1m", now=10**9, recv_time=5)
    assert [kline.open_time for kline in found] == [MINUTE]
