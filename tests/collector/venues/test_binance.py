"""Binance's wire formats, from literal frames."""

import json

import pytest

from collector.venues import Refusal, RestError, binance, binance_rest
from market.events import (
    Ack,
    BookDelta,
    BookSnapshot,
    Event,
    FrameError,
    Kline,
    Rejected,
    TickerUpdate,
    Top,
    Trade,
    Unexplained,
)


def decode(frame: bytes, recv_time: int) -> list[Event]:
    """The events of a frame."""
    return binance.decode(frame, recv_time).events


ROUTES = {
    "public": [
        "btcusdt@bookTicker",
        "!bookTicker",
        "btcusdt@depth",
        "btcusdt@depth@100ms",
        "btcusdt@depth@500ms",
        "btcusdt@depth5",
        "btcusdt@depth10@100ms",
        "btcusdt@depth20@500ms",
        "btcusdt@rpiDepth@500ms",
    ],
    "market": [
        "btcusdt@aggTrade",
        "btcusdt@kline_1m",
        "btcusdt_perpetual@continuousKline_1m",
        "btcusdt@markPrice",
        "btcusdt@markPrice@1s",
        "!markPrice@arr",
        "!markPrice@arr@1s",
        "btcusdt@ticker",
        "!ticker@arr",
        "btcusdt@miniTicker",
        "!miniTicker@arr",
        "btcusdt@forceOrder",
        "!forceOrder@arr",
        "btcusdt@compositeIndex",
        "!contractInfo",
        "!assetIndex@arr",
        "btcusd@assetIndex",
        "tradingSession",
    ],
}


def wrapped(stream: str, **data: object) -> bytes:
    return json.dumps({"stream": stream, "data": data}).encode()


@pytest.mark.parametrize(("route", "stream"), [(r, s) for r, streams in ROUTES.items() for s in streams])
def test_every_stream_has_its_route(route: str, stream: str) -> None:
    """On the wrong one it would be acknowledged and silent."""
    assert binance.route(stream) == route


def test_requests_stay_below_the_size_that_is_ignored() -> None:
    """At most 100 streams and 3.5 kB, and nothing is left out."""
    names = [f"{'x' * (n % 30)}{n}usdt@depth@100ms" for n in range(450)]
    batches = binance.batches(names)
    assert [n for batch in batches for n in batch] == names
    for batch in batches:
        assert len(batch) <= 100
        assert len(binance.subscribe(batch, 1).encode()) < 3_600


def test_best_quotes_with_todays_keys() -> None:
    """`T` is the time; unknown keys are ignored; a side without size is None."""
    data = {"e": "bookTicker", "u": 7, "s": "BTCUSDT", "ps": "BTCUSDT", "b": "91000.10", "B": "3.200"}
    frame = wrapped(
        "btcusdt@bookTicker", **data, a="0", A="0", T=1763600000101, E=1763600000104, st=1, zz=[1]
    )
    assert decode(frame, 5) == [Top("BTCUSDT", 91000.1, 3.2, None, None, 7, 1763600000101, 5)]


def test_a_diff_and_a_whole_top_are_told_apart_by_their_stream() -> None:
    """Both call themselves depthUpdate."""
    data = {"e": "depthUpdate", "E": 3, "T": 2, "s": "BTCUSDT", "U": 8, "u": 9, "pu": 7}
    sides = {"b": [["1.5", "0"]], "a": [["2", "3"]]}
    (diff,) = decode(wrapped("btcusdt@depth@100ms", **data, **sides), 5)
    assert diff == BookDelta("BTCUSDT", [(1.5, 0.0)], [(2.0, 3.0)], 9, 2, 5, 8, 7)
    (whole,) = decode(wrapped("btcusdt@depth20@100ms", **data, **sides), 5)
    assert whole == BookSnapshot("BTCUSDT", [(1.5, 0.0)], [(2.0, 3.0)], 9, 2, 5)


def test_ticker_mark_price_and_trade() -> None:
    """Percent stays percent, the funding time is not the event time, a maker's buy is a taker's sell."""
    ticker = wrapped(
        "x@ticker", e="24hrTicker", E=9, s="X", P="1.25", c="2", h="3", l="1", v="10", q="20", st=1
    )
    assert decode(ticker, 5) == [
        TickerUpdate("X", 9, 5, 2.0, high_24h=3.0, low_24h=1.0, volume_24h=10.0, turnover_24h=20.0,
                     change_24h_pct=1.25)
    ]  # fmt: skip
    mark = wrapped("x@markPrice@1s", e="markPriceUpdate", E=9, s="X", p="2.5", i="2.4", r="", T=99)
    assert decode(mark, 5) == [TickerUpdate("X", 9, 5, mark_price=2.5, index_price=2.4, next_funding_time=99)]
    trade = wrapped("x@aggTrade", e="aggTrade", E=9, s="X", a=4, p="2", q="0.5", f=1, l=2, T=8, m=True, st=1)
    assert decode(trade, 5) == [Trade("X", "4", 2.0, 0.5, "sell", 8, 5, fills=2)]


def test_a_candle() -> None:
    """Open time, numbers, trades, taker's volume, and whether it is final."""
    k = {
        "t": 60000,
        "T": 119999,
        "s": "X",
        "i": "1m",
        "f": 1,
        "L": 2,
        "o": "1",
        "c": "2",
        "h": "3",
        "l": "0.5",
    }
    k |= {"v": "10", "n": 7, "x": True, "q": "20", "V": "4", "Q": "8", "B": "0"}
    (kline,) = decode(wrapped("x@kline_1m", e="kline", E=120001, s="X", k=k), 5)
    assert kline == Kline("X", "1m", 60000, 1.0, 3.0, 0.5, 2.0, 10.0, 20.0, True, 120001, 5, 7, 4.0)


def test_coin_margined_entries_of_a_mixed_stream_are_dropped() -> None:
    """Only st = 1, or none, is ours."""
    entries = [
        {"e": "24hrTicker", "E": 9, "s": s, "c": "2", "st": st} for s, st in (("A", 1), ("B", 2), ("C", 1))
    ]
    frame = json.dumps({"stream": "!ticker@arr", "data": entries}).encode()
    found = decode(frame, 5)
    assert [e.symbol for e in found if isinstance(e, TickerUpdate)] == ["A", "C"]


def test_answers() -> None:
    """An ack, and refusals in both of their shapes."""
    assert decode(b'{"result":null,"id":7}', 5) == [Ack("7")]
    (wrapped_error,) = decode(b'{"error":{"code":2,"msg":"Invalid request"},"id":7}', 5)
    assert isinstance(wrapped_error, Rejected)
    assert "Invalid request" in wrapped_error.reason
    (bare,) = decode(b'{"code":3,"msg":"Invalid JSON"}', 5)
    assert isinstance(bare, Rejected)


UNEXPLAINED = {
    "newEvent": b'{"stream":"x@new","data":{"e":"newEvent"}}',
    "trade": wrapped("x@trade", e="trade", E=9, T=9, s="X", t=1, p="1", q="2"),
    "serverShutdown": b'{"e":"serverShutdown","E":5}',
    "answer": b'{"hello":1}',
}


@pytest.mark.parametrize("kind", UNEXPLAINED)
def test_a_kind_that_nothing_reads_is_named_and_harms_nothing(kind: str) -> None:
    """Wrapped or bare."""
    assert decode(UNEXPLAINED[kind], 5) == [Unexplained(kind)]


BAD_FRAMES = [
    b"",
    b"\x00\xff\x10",
    b'{"stream":"x@bookTicker","data":{"e":"bookTicker","u":7',
    b"null",
    b"[]",
    wrapped("x@bookTicker", e="bookTicker", u=7, s="X", b="NaN", B="1", a="2", A="1", E=1),
    wrapped("x@bookTicker", e="bookTicker", u=7, s="X", b="-1", B="1", a="2", A="1", E=1),
    wrapped("x@bookTicker", e="bookTicker", u=7, s="X", b=None, B="1", a="2", A="1", E=1),
    wrapped("x@ticker", e="24hrTicker", E=9, s="X", c="inf"),
    b"<html><body>502</body></html>",
    b"[" * 100_000,
    wrapped("x@bookTicker", e="bookTicker", u=2**63, s="X", b="1", B="1", a="2", A="1", E=1),
    b'{"stream":"x\xff@bookTicker","data":{"e":"bookTicker"}}',
    b'{"stream":"x@bookTicker","data":{"e":"book\xffTicker"}}',
    b'{"stream":"x@bookTicker","data":{"e":"bookTicker","x":' + b"[" * 5000 + b"]" * 5000 + b"}}",
    b'{"id":1,"error":"\xff"}',
]


@pytest.mark.parametrize("frame", BAD_FRAMES, ids=lambda f: repr(f[:40]))
def test_what_nothing_explains_is_a_frame_error(frame: bytes) -> None:
    """Never another exception, and the message shows no more than the beginning."""
    with pytest.raises(FrameError) as error:
        decode(frame, 5)
    assert len(str(error.value)) < 1_200


def test_rest_candles_leave_the_running_one_out() -> None:
    """The venue's clock decides."""
    row = [60000, "1", "3", "0.5", "2", "10", 119999, "20", 7, "4", "8", "0"]
    running = [120000, *row[1:]]
    body = json.dumps([row, running]).encode()
    found = binance_rest.parse_klines(body, "X", "1m", now=150000, recv_time=5)
    assert found == [Kline("X", "1m", 60000, 1.0, 3.0, 0.5, 2.0, 10.0, 20.0, True, 119999, 5, 7, 4.0, "rest")]


def test_rest_weights_follow_the_ladder() -> None:
    """By the limit that is asked for."""
    weights = [binance_rest.klines_request("X", "1m", 0, n).weight for n in (1, 99, 100, 499, 500, 1000)]
    assert weights == [1, 1, 2, 2, 5, 5]


def test_rest_instruments_are_usdt_perpetuals_of_coins() -> None:
    """Trading or not, by their status; tick and lot sizes come from the filters."""
    filters = [
        {"filterType": "PRICE_FILTER", "tickSize": "0.0000100", "minPrice": "1"},
        {"filterType": "LOT_SIZE", "stepSize": "1"},
        {"filterType": "MIN_NOTIONAL", "notional": "5"},
    ]
    good = {"contractType": "PERPETUAL", "status": "TRADING", "quoteAsset": "USDT", "baseAsset": "1000SHIB"}
    symbols = [
        {"symbol": "1000SHIBUSDT", "filters": filters, **good},
        {"symbol": "BTCUSDC", "filters": filters, **(good | {"quoteAsset": "USDC"})},
        {"symbol": "BTCUSDT_261225", "filters": filters, **(good | {"contractType": "CURRENT_QUARTER"})},
        {"symbol": "TSLAUSDT", "filters": filters, **(good | {"contractType": "TRADIFI_PERPETUAL"})},
        {"symbol": "BTCDOMUSDT", "filters": filters, **(good | {"underlyingType": "INDEX"})},
        {"symbol": "OLDUSDT", "filters": filters, **(good | {"status": "SETTLING"})},
    ]
    found, cursor = binance_rest.parse_instruments(json.dumps({"symbols": symbols}).encode(), "binance")
    assert [(i.symbol, i.is_trading) for i in found] == [("1000SHIBUSDT", True), ("OLDUSDT", False)]
    shib = found[0]
    assert (shib.base, shib.multiplier, shib.tick_size, shib.lot_size, cursor) == (
        "SHIB",
        1000.0,
        1e-05,
        1.0,
        "",
    )


def test_an_entry_that_cannot_be_read_costs_only_itself() -> None:
    """Fields may be missing, numbers may be numbers."""
    symbols = [{"symbol": "AUSDT"}, {"no": 1}, {"symbol": "BUSDT", "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": 0.5}]}, {"symbol": "CUSDT", "filters": [
        {"filterType": "PRICE_FILTER", "tickSize": "x"}]}]  # fmt: skip
    found, _ = binance_rest.parse_instruments(json.dumps({"symbols": symbols}).encode(), "binance")
    assert [(i.symbol, i.tick_size) for i in found] == [("AUSDT", None), ("BUSDT", 0.5)]


def test_rest_errors_carry_the_venues_code() -> None:
    """And what is no JSON is an error too."""
    with pytest.raises(RestError) as refused:
        binance_rest.parse_klines(b'{"code":-1121,"msg":"Invalid symbol."}', "X", "1m", now=0, recv_time=0)
    assert refused.value.code == -1121
    with pytest.raises(RestError):
        binance_rest.parse_depth(b"<html>", "X", 0)
    assert binance_rest.refusal(b'{"code":-1121,"msg":"x"}') == Refusal(-1121, "code -1121: x", "final")
    assert binance_rest.refusal(b'{"code":-1003,"msg":"x"}') == Refusal(-1003, "code -1003: x", "busy")
    for body in (b"[]", b"", b"<html>", b'{"serverTime":1}', b'{"code":"x"}'):
        assert binance_rest.refusal(body) is None


def test_rest_depth_weighs_by_its_levels() -> None:
    """The next depth that the venue knows is asked for."""
    asked = [binance_rest.depth_request("X", limit) for limit in (20, 50, 60, 1000, 5000)]
    assert [(r.params["limit"], r.weight) for r in asked] == [
        (20, 2),
        (50, 2),
        (100, 5),
        (1000, 20),
        (1000, 20),
    ]


def test_rest_trades_follow_one_by_id() -> None:
    """And are as their stream gives them."""
    last = Trade("X", "6", 1.0, 1.0, "buy", 1, 1)
    request = binance_rest.trades_request("X", last)
    assert (request.params["fromId"], request.params["limit"], request.weight) == (7, 1000, 20)
    first = {"a": 7, "p": "1.5", "q": "2", "nq": "1", "f": 1, "l": 2, "T": 9, "m": True}
    body = json.dumps([first, {"a": 8, "p": "1", "q": "2", "T": 9, "m": False}]).encode()
    assert binance_rest.parse_trades(body, "X", 5) == [
        Trade("X", "7", 1.5, 2.0, "sell", 9, 5, fills=2),
        Trade("X", "8", 1.0, 2.0, "buy", 9, 5),
    ]
    wrong = b'{"a":7,"p":"nan","q":"2","T":9,"m":true}'
    assert len(binance_rest.parse_trades(b"[" + wrong + b"," + body[1:], "X", 5)) == 2
    with pytest.raises(RestError):
        binance_rest.parse_trades(wrong, "X", 5)
