"""Bybit's side of the simulator, as a client on a socket sees it; the clock runs faster than ours."""

from collections.abc import Iterator
from typing import Any

import pytest

from collector.simulator.economy.clock import Clock
from collector.simulator.economy.market import SimulatedMarket
from tests.collector.simulator.exchange import (
    MINUTE_MS,
    START,
    BookCopy,
    get,
    hear,
    hear_until,
    is_silent,
    say,
    serving,
    socket,
)

pytestmark = pytest.mark.wire

PATH = "/v5/public/linear"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(lambda: SimulatedMarket(1, Clock(START + 5_000, speed=20))) as port:
        yield port


def of_topic(messages: list[dict[str, Any]], topic: str) -> list[dict[str, Any]]:
    return [message for message in messages if message.get("topic") == topic]


@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_a_book_is_a_snapshot_and_a_chain_of_deltas(port: int, depth: int) -> None:
    """u rises by one, seq rises, each side holds exactly `depth` levels, and the book is never crossed."""
    topic, book = f"orderbook.{depth}.BTCUSDT", BookCopy()
    with socket(port, PATH) as bybit:
        say(bybit, op="subscribe", req_id="a", args=[topic])
        messages = of_topic(hear_until(bybit, lambda heard: len(of_topic(heard, topic)) > 20), topic)
    assert [message["type"] for message in messages] == ["snapshot"] + ["delta"] * 20
    before: dict[str, Any] | None = None
    for message in messages:
        data = message["data"]
        if message["type"] == "snapshot":
            assert data["b"] == sorted(data["b"], key=lambda level: -float(level[0]))
        book.apply(data["b"], data["a"])
        assert len(book.bids) == len(book.asks) == depth
        assert book.top[0] < book.top[2]
        assert message["cts"] <= message["ts"]
        if before:
            assert data["u"] == before["u"] + 1 and data["seq"] > before["seq"]
        before = data


def test_a_second_client_gets_a_snapshot_of_the_same_chain(port: int) -> None:
    """Whoever joins later starts with the state after the last delta, and goes on with the next one."""
    topic = "orderbook.50.ETHUSDT"
    books = []
    with socket(port, PATH) as first, socket(port, PATH) as second:
        say(first, op="subscribe", args=[topic])
        early = of_topic(hear_until(first, lambda heard: len(of_topic(heard, topic)) > 5), topic)
        say(second, op="subscribe", args=[topic])
        late = of_topic(hear_until(second, lambda heard: len(of_topic(heard, topic)) > 5), topic)
        last = late[-1]["data"]["u"]
        early += hear_until(first, lambda heard: heard[-1]["data"]["u"] >= last)
    for messages in (early, late):
        books.append(BookCopy())
        for message in messages:
            if message.get("topic") == topic and message["data"]["u"] <= last:
                books[-1].apply(message["data"]["b"], message["data"]["a"])
    assert late[0]["type"] == "snapshot"
    assert (books[0].bids, books[0].asks) == (books[1].bids, books[1].asks)


def test_depth_1_is_snapshots_only_and_agrees_with_depth_50(port: int) -> None:
    """Every message is a whole top of the book, equal to the deeper book's top at the same seq."""
    book, tops, checked = BookCopy(), {}, 0
    with socket(port, PATH) as bybit:
        say(bybit, op="subscribe", args=["orderbook.50.SOLUSDT", "orderbook.1.SOLUSDT"])
        messages = hear_until(bybit, lambda heard: len(of_topic(heard, "orderbook.1.SOLUSDT")) > 15)
    for message in of_topic(messages, "orderbook.50.SOLUSDT"):
        book.apply(message["data"]["b"], message["data"]["a"])
        tops[message["data"]["seq"]] = book.top
    for message in of_topic(messages, "orderbook.1.SOLUSDT"):
        assert message["type"] == "snapshot"
        (bid,), (ask,) = message["data"]["b"], message["data"]["a"]
        if top := tops.get(message["data"]["seq"]):
            assert top == (float(bid[0]), float(bid[1]), float(ask[0]), float(ask[1]))
            checked += 1
    assert checked > 8


def test_one_bad_topic_rejects_the_whole_request(port: int) -> None:
    """An unknown symbol, depth or topic, or one already active: nothing of the request is subscribed."""
    with socket(port, PATH) as bybit:
        for number, bad in enumerate(["orderbook.500.BTCUSDT", "tickers.NOSUCHUSDT", "kline.7.BTCUSDT"]):
            say(bybit, op="subscribe", req_id=str(number), args=["tickers.XMRUSDT", bad])
            answer = hear(bybit)
            assert (answer["success"], answer["req_id"], answer["op"]) == (False, str(number), "subscribe")
            assert answer["ret_msg"] == f"error:handler not found,topic:{bad}"
        assert is_silent(bybit, 0.2)
        say(bybit, op="subscribe", args=["publicTrade.XMRUSDT"])
        assert hear_until(bybit, lambda heard: heard[-1].get("op") == "subscribe")[-1]["success"]
        say(bybit, op="subscribe", args=["tickers.XMRUSDT", "publicTrade.XMRUSDT"])
        heard = hear_until(bybit, lambda heard: heard[-1].get("success") is False)
        assert heard[-1]["ret_msg"] == "error:already subscribed,topic:publicTrade.XMRUSDT"
        assert not of_topic(heard, "tickers.XMRUSDT")


def test_data_precedes_the_ack_and_unsubscribe_ends_it(port: int) -> None:
    """The snapshot comes first; after unsubscribing nothing comes; subscribing again starts anew."""
    with socket(port, PATH) as bybit:
        for _ in range(2):
            say(bybit, op="subscribe", req_id="in", args=["orderbook.50.LTCUSDT"])
            assert hear(bybit)["type"] == "snapshot"
            hear_until(bybit, lambda heard: heard[-1].get("req_id") == "in")
            say(bybit, op="unsubscribe", req_id="out", args=["orderbook.50.LTCUSDT"])
            hear_until(bybit, lambda heard: heard[-1].get("req_id") == "out")
            assert is_silent(bybit, 0.1)


def test_a_ping_is_answered(port: int) -> None:
    """A JSON ping gets the linear category's answer; noise is refused and the socket stays up."""
    with socket(port, PATH) as bybit:
        bybit.send("{")
        assert hear(bybit)["success"] is False
        say(bybit, op="ping", req_id="hb-17")
        answer = hear(bybit)
    assert answer.pop("conn_id")
    assert answer == {"success": True, "ret_msg": "pong", "req_id": "hb-17", "op": "ping"}


def test_tickers_are_a_snapshot_and_what_has_changed(port: int) -> None:
    """Merged deltas give the full state; price and size come as a pair; all values are text."""
    with socket(port, PATH) as bybit:
        say(bybit, op="subscribe", args=["tickers.DOGEUSDT"])
        messages = of_topic(
            hear_until(bybit, lambda heard: len(of_topic(heard, "tickers.DOGEUSDT")) > 15), "tickers.DOGEUSDT"
        )
    assert messages[0]["type"] == "snapshot" and len(messages[0]["data"]) > 20
    state = messages[0]["data"]
    for message in messages[1:]:
        assert message["type"] == "delta" and message["data"]["symbol"] == "DOGEUSDT"
        changed = {name for name, value in message["data"].items() if state[name] != value}
        assert changed
        assert ("bid1Price" in message["data"]) == ("bid1Size" in message["data"])
        state |= message["data"]
    assert all(isinstance(value, str) for value in state.values())
    assert float(state["lowPrice24h"]) <= float(state["lastPrice"]) <= float(state["highPrice24h"])
    assert float(state["bid1Price"]) < float(state["ask1Price"])
    assert abs(float(state["fundingRate"])) < 0.005


def test_candles_are_the_fold_of_the_trades_and_rest_agrees() -> None:
    """A whole minute: the closed candle holds exactly its trades, opens at the close before, and stays so."""
    trades: list[dict[str, Any]] = []
    closed: list[dict[str, Any]] = []
    opened: list[dict[str, Any]] = []
    with serving(lambda: SimulatedMarket(4, Clock(START + 58_500, speed=100))) as port:
        with socket(port, PATH) as bybit:
            say(bybit, op="subscribe", args=["publicTrade.ETHUSDT", "kline.1.ETHUSDT"])
            while len(closed) < 2:
                message = hear(bybit)
                if message.get("topic") == "publicTrade.ETHUSDT":
                    trades += message["data"]
                elif message.get("topic") == "kline.1.ETHUSDT" and message["data"][0]["confirm"]:
                    assert len(message["data"]) == 2
                    closed.append(message["data"][0])
                    opened.append(message["data"][1])
        rows = get(port, "/v5/market/kline?category=linear&symbol=ETHUSDT&interval=1&limit=3")["result"][
            "list"
        ]
    before, candle = closed
    inside = [trade for trade in trades if candle["start"] <= trade["T"] <= candle["end"]]
    prices = [float(trade["p"]) for trade in inside] + [float(before["close"])]
    assert len(inside) > 5
    assert candle["start"] == before["end"] + 1 == opened[0]["start"]
    assert float(candle["open"]) == float(before["close"]) == float(opened[0]["open"])
    assert float(candle["close"]) == prices[-2] == float(opened[1]["open"])
    assert (float(candle["high"]), float(candle["low"])) == (max(prices), min(prices))
    assert float(candle["volume"]) == pytest.approx(sum(float(trade["v"]) for trade in inside), abs=1e-9)
    value = sum(float(trade["v"]) * float(trade["p"]) for trade in inside)
    assert float(candle["turnover"]) == pytest.approx(value, rel=1e-12)
    served = next(row for row in rows if int(row[0]) == candle["start"])
    fields = ("open", "high", "low", "close", "volume", "turnover")
    assert [float(value) for value in served[1:]] == [float(candle[field]) for field in fields]
    assert len({trade["i"] for trade in trades}) == len(trades)


def test_rest_gives_400_closed_candles_newest_first(port: int) -> None:
    """Every interval; windows by start and end; the running candle is the first row."""
    for interval, step in (("1", 1), ("5", 5), ("15", 15), ("60", 60), ("240", 240), ("D", 1440)):
        target = f"/v5/market/kline?category=linear&symbol=SHIB1000USDT&interval={interval}&limit=401"
        rows = get(port, target)["result"]["list"]
        times = [int(row[0]) for row in rows]
        assert len(rows) == 401 and all(len(row) == 7 for row in rows)
        assert times == [times[0] - number * step * MINUTE_MS for number in range(401)]
        window = get(port, f"{target}&start={times[9]}&end={times[5] + 1}")["result"]["list"]
        assert window == rows[5:10]


def test_rest_books_tickers_and_trades(port: int) -> None:
    """The other endpoints have the documented shapes and plausible content."""
    book = get(port, "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=1000")["result"]
    assert len(book["b"]) == len(book["a"]) == 1000
    assert float(book["b"][0][0]) < float(book["a"][0][0])
    tickers = get(port, "/v5/market/tickers?category=linear")["result"]["list"]
    assert len({row["symbol"] for row in tickers}) == 50
    assert all(float(row["turnover24h"]) > 1e6 for row in tickers)
    with socket(port, PATH) as bybit:
        say(bybit, op="subscribe", args=["publicTrade.BTCUSDT"])
        heard = hear_until(bybit, lambda heard: len(of_topic(heard, "publicTrade.BTCUSDT")) > 2)
    ids = [trade["i"] for message in of_topic(heard, "publicTrade.BTCUSDT") for trade in message["data"]]
    rows = get(port, "/v5/market/recent-trade?category=linear&symbol=BTCUSDT&limit=1000")["result"]["list"]
    recent = [row["execId"] for row in reversed(rows)]
    assert recent[recent.index(ids[0]) :][: len(ids)] == ids


def test_instruments_come_in_pages(port: int) -> None:
    """The cursor leads through all 50, and the last page has none."""
    names, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        result = get(port, f"/v5/market/instruments-info?category=linear&limit=20&cursor={cursor}")["result"]
        names += [row["symbol"] for row in result["list"]]
        cursor, pages = result["nextPageCursor"], pages + 1
    assert pages == 3 and len(set(names)) == len(names) == 50
    (row,) = get(port, "/v5/market/instruments-info?category=linear&symbol=1000PEPEUSDT")["result"]["list"]
    assert row["priceFilter"]["tickSize"] == "0.0000001" and row["lotSizeFilter"]["qtyStep"] == "100"


@pytest.mark.parametrize(
    "target",
    [
        "/v5/market/kline?category=linear&symbol=NOSUCHUSDT&interval=1",
        "/v5/market/kline?category=linear&symbol=BTCUSDT&interval=7",
        "/v5/market/orderbook?category=spot&symbol=BTCUSDT",
        "/v5/market/tickers?category=linear&symbol=btcusdt",
    ],
)
def test_bad_parameters_are_10001_with_http_200(port: int, target: str) -> None:
    """Bybit refuses in the body."""
    body = get(port, target)
    assert body["retCode"] == 10001 and body["result"] == {}
