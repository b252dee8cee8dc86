"""Bybit's wire formats, from literal frames."""

import json

import pytest

from collector.venues import Refusal, RestError, bybit, bybit_rest
from market.events import (
    Ack,
    BookDelta,
    BookSnapshot,
    Event,
    FrameError,
    Kline,
    Pong,
    Rejected,
    TickerUpdate,
    Trade,
    Unexplained,
)


def decode(frame: bytes, recv_time: int) -> list[Event]:
    """The events of a frame."""
    return bybit.decode(frame, recv_time).events


def frame(topic: str, data: object, **rest: object) -> bytes:
    return json.dumps({"topic": topic, "ts": 1000, "data": data} | rest).encode()


def test_book_times_are_the_engines() -> None:
    """`cts` is when the book changed; where it is missing, `ts`; times may be quoted."""
    data = {"s": "X", "b": [["1.5", "2"]], "a": [["2", "0"]], "u": 7, "seq": 9}
    book = frame("orderbook.50.X", data, type="snapshot", cts="990")
    assert decode(book, 5) == [BookSnapshot("X", [(1.5, 2.0)], [(2.0, 0.0)], 7, 990, 5, 9)]
    delta = frame("orderbook.50.X", data, type="delta")
    assert decode(delta, 5) == [BookDelta("X", [(1.5, 2.0)], [(2.0, 0.0)], 7, 1000, 5, sequence=9)]


def test_absent_ticker_fields_are_unchanged_and_empty_ones_have_no_value() -> None:
    """The ratio becomes percent; the funding time is a number."""
    data = {"symbol": "X", "lastPrice": "2", "price24hPcnt": "0.0123", "nextFundingTime": "77"}
    data["fundingRate"] = ""
    assert decode(frame("tickers.X", data, type="delta"), 5) == [
        TickerUpdate(
            "X",
            1000,
            5,
            2.0,
            next_funding_time=77,
            change_24h_pct=1.23,
            needs_base=True,
            cleared=("funding_rate",),
        )
    ]
    (snapshot,) = decode(frame("tickers.X", {"symbol": "X"}, type="snapshot"), 5)
    assert isinstance(snapshot, TickerUpdate)
    assert (snapshot.replaces, snapshot.needs_base) == (True, False)


def test_one_message_may_close_a_candle_and_begin_the_next() -> None:
    """At the turn of the minute both come together."""
    common = {"interval": "60", "open": "1", "close": "2", "high": "3", "low": "0.5", "volume": "10"}
    entries = [
        {"start": n * 3_600_000, "end": 0, "turnover": "20", "confirm": n == 1, "timestamp": 1} | common
        for n in (1, 2)
    ]
    found = decode(frame("kline.60.X", entries, type="snapshot", ts=7_200_005), 5)
    assert found == [
        Kline("X", "1h", n * 3_600_000, 1.0, 3.0, 0.5, 2.0, 10.0, 20.0, n == 1, 7_200_005, 5) for n in (1, 2)
    ]


def test_trades_keep_the_takers_side() -> None:
    """And their own match times."""
    data = [{"T": 990, "s": "X", "S": "Sell", "v": "0.5", "p": "2", "L": "PlusTick", "i": "a-b", "BT": False}]
    assert decode(frame("publicTrade.X", data, type="snapshot"), 5) == [
        Trade("X", "a-b", 2.0, 0.5, "sell", 990, 5)
    ]


def test_answers() -> None:
    """Pongs in both shapes, acks, and a refusal that names its topic."""
    assert decode(b'{"success":true,"ret_msg":"pong","conn_id":"c","req_id":"","op":"ping"}', 5) == [Pong()]
    assert decode(b'{"op":"pong","args":["1763600000000"]}', 5) == [Pong()]
    ack = b'{"success":true,"ret_msg":"","conn_id":"c","req_id":"3","op":"subscribe"}'
    assert decode(ack, 5) == [Ack("3")]
    refusal = (
        b'{"success":false,"ret_msg":"error:handler not found,topic:tickers.X","req_id":"3","op":"subscribe"}'
    )
    assert decode(refusal, 5) == [Rejected("3", "error:handler not found,topic:tickers.X", "tickers.X")]


def test_a_kind_that_nothing_reads_is_named_and_harms_nothing() -> None:
    """Topics and answers."""
    assert decode(frame("adlAlert.X", {}, type="snapshot"), 5) == [Unexplained("adlAlert")]
    assert decode(b'{"op":"auth","success":true}', 5) == [Unexplained("auth")]
    options = b'{"success":true,"conn_id":"c","data":{"failTopics":[]},"type":"COMMAND_RESP"}'
    assert decode(options, 5) == [Unexplained("COMMAND_RESP")]
    assert decode(b'{"hello":1}', 5) == [Unexplained("answer")]


def test_an_entry_that_cannot_be_read_costs_only_itself() -> None:
    """Fields may be missing; what is not a crypto perpetual in USDT is left out."""
    entries = [
        {"symbol": "AUSDT"},
        {"symbol": "BUSDT", "priceFilter": {"tickSize": "x"}},
        {"no": 1},
        {"symbol": "XAUUSDT", "symbolType": "commodity"},
        {"symbol": "CUSDT", "priceFilter": {"tickSize": 0.5}, "contractType": "LinearPerpetual"},
    ]
    body = json.dumps({"retCode": 0, "result": {"list": entries}, "time": 1}).encode()
    found, cursor = bybit_rest.parse_instruments(body, "bybit")
    assert [(i.symbol, i.tick_size) for i in found] == [("AUSDT", None), ("CUSDT", 0.5)]
    assert cursor == ""


BAD_FRAMES = [
    b"",
    b"\x81\x05",
    b'{"topic":"orderbook.50.X","type":"delta","ts":1,"data":{"s":"X","b":[["1"',
    b"7",
    frame("orderbook.50.X", {"s": "X", "b": [["nan", "1"]], "a": [], "u": 1}, type="delta"),
    frame("orderbook.50.X", {"s": "X", "b": [], "a": [], "u": 1}, type="other"),
    frame("kline.7.X", [{"start": 1}], type="snapshot"),
    frame("publicTrade.X", [{"T": 1, "s": "X", "S": "Both", "v": "1", "p": "1", "i": "1"}], type="snapshot"),
    frame("tickers.X", {"symbol": "X", "lastPrice": "abc"}, type="delta"),
    frame("orderbook.50.X", {"s": "X", "b": [], "a": [], "u": 2**63}, type="delta"),
    b'{"topic":"orderbook.50.\xff","type":"delta","ts":1,"data":{"s":"X","b":[],"a":[],"u":1}}',
    b'{"topic":"tickers.X","type":"delta","ts":1,"data":{"symbol":"\xffX"}}',
    b'{"topic":"tickers.X","type":"delta","ts":1,"data":{"symbol":' + b"[" * 5000,
    b'{"success":true,"op":"\xff"}',
]


@pytest.mark.parametrize("bad", BAD_FRAMES, ids=lambda f: repr(f[:40]))
def test_what_nothing_explains_is_a_frame_error(bad: bytes) -> None:
    """Never another exception."""
    with pytest.raises(FrameError):
        decode(bad, 5)


def test_rest_candles_come_newest_first_and_leave_ascending() -> None:
    """Without the running one."""
    rows = [[str(n * 60000), "1", "3", "0.5", "2", "10", "20"] for n in (3, 2, 1)]
    body = json.dumps({"retCode": 0, "retMsg": "OK", "result": {"list": rows}, "time": 1}).encode()
    found = bybit_rest.parse_klines(body, "X", "1m", now=200000, recv_time=5)
    assert [(k.open_time, k.event_time, k.source, k.is_closed) for k in found] == [
        (60000, 119999, "rest", True),
        (120000, 179999, "rest", True),
    ]


def test_rest_windows_never_hold_more_than_the_limit() -> None:
    """So which end the venue cuts is no question."""
    request = bybit_rest.klines_request("X", "5m", 300_000, 10)
    assert (request.params["start"], request.params["end"]) == (300_000, 3_299_999)


def test_rest_errors_carry_the_venues_code() -> None:
    """They come with status 200."""
    with pytest.raises(RestError) as refused:
        bybit_rest.parse_turnover(b'{"retCode":10001,"retMsg":"params error","result":{},"time":1}')
    assert refused.value.code == 10001
    with pytest.raises(RestError):
        bybit_rest.parse_time(b"<html>")
    assert (
        bybit_rest.parse_time(b'{"retCode":0,"retMsg":"OK","result":{"timeSecond":"1"},"time":1234}') == 1234
    )


def test_subscriptions_are_cut_into_requests() -> None:
    """All names, in order, in requests of limited size."""
    names = [f"tickers.{n}" for n in range(95)]
    batches = bybit.batches(names)
    assert [n for b in batches for n in b] == names
    assert max(len(b) for b in batches) == 40
    assert json.loads(bybit.subscribe(names[:2], 3)) == {"op": "subscribe", "req_id": "3", "args": names[:2]}
    assert json.loads(bybit.ping(4)) == {"op": "ping", "req_id": "4"}


@pytest.mark.parametrize(
    ("code", "kind"),
    [(10001, "final"), (10029, "final"), (10006, "busy"), (10016, "busy"), (10009, "blocked")],
)
def test_rest_refusals_are_of_three_kinds(code: int, kind: str) -> None:
    """A wrong question, a busy venue, a place that is not served."""
    body = json.dumps({"retCode": code, "retMsg": "x", "result": {}, "time": 1}).encode()
    assert bybit_rest.refusal(body) == Refusal(code, f"retCode {code}: x", kind)


def test_rest_answers_are_no_refusals() -> None:
    """Nor is what cannot be read."""
    for body in (b'{"retCode":0,"result":{}}', b"[]", b"", b"<html>", b'{"retCode":"x"}'):
        assert bybit_rest.refusal(body) is None


def test_rest_books_carry_a_sequence_that_depths_share() -> None:
    """Their update id counts another stream."""
    result = {"s": "X", "b": [["1", "2"]], "a": [["3", "4"]], "ts": 8, "u": 5, "seq": 77, "cts": 7}
    body = json.dumps({"retCode": 0, "result": result, "time": 9}).encode()
    assert bybit_rest.parse_depth(body, "X", 10) == BookSnapshot(
        "X", [(1.0, 2.0)], [(3.0, 4.0)], 5, 7, 10, 77
    )
    assert bybit_rest.depth_request("X", 50).params == {"category": "linear", "symbol": "X", "limit": 50}


def test_rest_trades_come_newest_first_and_leave_ascending() -> None:
    """Those of one millisecond in the order of their sequence, or of the answer."""
    rows = [("d", 9, 3), ("c", 9, 3), ("b", 9, 2), ("a", 8, 1)]
    entries = [
        {
            "execId": i,
            "price": "1.5",
            "size": "2",
            "side": "Sell",
            "time": str(t),
            "seq": str(s),
            "isBlockTrade": False,
        }
        for i, t, s in rows
    ]
    body = json.dumps({"retCode": 0, "result": {"list": entries}, "time": 9}).encode()
    found = bybit_rest.parse_trades(body, "X", 5)
    assert [t.trade_id for t in found] == ["a", "b", "c", "d"]
    assert found[0] == Trade("X", "a", 1.5, 2.0, "sell", 8, 5)
    odd = body.replace(b"Sell", b"Both")
    with pytest.raises(RestError, match="side"):
        bybit_rest.parse_trades(odd, "X", 5)
