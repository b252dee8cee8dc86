"""Binance's side of the simulator, as a client on a socket sees it; the clock runs faster than ours."""

import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

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
    refused,
    say,
    serving,
    socket,
)

pytestmark = pytest.mark.wire

ALL_MARKET = ["aggTrade", "kline_1m", "markPrice@1s", "ticker", "miniTicker"]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(lambda: SimulatedMarket(1, Clock(START + 5_000, speed=20))) as port:
        yield port


def of_stream(messages: list[dict[str, Any]], stream: str) -> list[dict[str, Any]]:
    return [message["data"] for message in messages if message.get("stream") == stream]


def top_of(event: dict[str, Any]) -> tuple[float, float, float, float]:
    return float(event["b"]), float(event["B"]), float(event["a"]), float(event["A"])


def test_the_diff_chain_syncs_with_rest_and_equals_book_ticker(port: int) -> None:
    """pu chains; the snapshot falls into an event; from there the top is bookTicker's at the same u."""
    depth, ticker = "btcusdt@depth@100ms", "btcusdt@bookTicker"
    with socket(port, "/public/stream") as binance:
        say(binance, method="SUBSCRIBE", params=[depth, ticker], id=7)
        messages = hear_until(binance, lambda heard: len(of_stream(heard, depth)) > 1)
        snapshot = get(port, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
        messages += hear_until(binance, lambda heard: len(of_stream(heard, depth)) > 60)
    assert {"result": None, "id": 7} in messages
    events = of_stream(messages, depth)
    assert all(later["pu"] == earlier["u"] for earlier, later in pairwise(events))
    assert all(event["pu"] < event["U"] <= event["u"] for event in events)
    assert any(event["U"] != event["pu"] + 1 for event in events)
    last = snapshot["lastUpdateId"]
    events = [event for event in events if event["u"] >= last]
    assert events[0]["U"] <= last
    book, checked = BookCopy(), 0
    book.replace(snapshot["bids"], snapshot["asks"])
    tickers = of_stream(messages, ticker)
    for event in events[:-1]:  # the last one's bookTicker may still be on its way
        book.apply(event["b"], event["a"])
        best = [top_of(other) for other in tickers if other["u"] <= event["u"]]
        if best:
            assert best[-1] == book.top
            checked += 1
    assert checked > 20


def test_a_snapshot_of_a_quiet_book_still_joins_the_chain(port: int) -> None:
    """Also when nothing is pending, the next event contains the snapshot's lastUpdateId."""
    stream = "algousdt@depth@100ms"
    with socket(port, "/public/stream") as binance:
        say(binance, method="SUBSCRIBE", params=[stream], id=1)
        for _ in range(8):
            last = get(port, "/fapi/v1/depth?symbol=ALGOUSDT&limit=5")["lastUpdateId"]
            events = of_stream(hear_until(binance, lambda heard: bool(of_stream(heard, stream))), stream)
            while events[-1]["u"] < last:
                events += of_stream(hear_until(binance, lambda heard: bool(of_stream(heard, stream))), stream)
            assert events[-1]["U"] <= last <= events[-1]["u"]


def test_partial_depth_is_whole_every_time(port: int) -> None:
    """20 levels a side, sorted, and never crossed."""
    with socket(port, "/public/stream?streams=ethusdt@depth20@100ms/ethusdt@depth5") as binance:
        messages = hear_until(binance, lambda heard: len(of_stream(heard, "ethusdt@depth5")) > 5)
    for stream, levels in (("ethusdt@depth20@100ms", 20), ("ethusdt@depth5", 5)):
        for event in of_stream(messages, stream):
            bids, asks = ([float(price) for price, _ in event[side]] for side in "ba")
            assert len(bids) == len(asks) == levels
            assert bids == sorted(bids, reverse=True) and asks == sorted(asks) and bids[0] < asks[0]
    assert len(of_stream(messages, "ethusdt@depth20@100ms")) > len(of_stream(messages, "ethusdt@depth5"))


def test_the_market_route_has_the_fields_of_2026(port: int) -> None:
    """All kinds of the market route flow, with st where it is documented, and nq and ap."""
    streams = [f"btcusdt@{kind}" for kind in ALL_MARKET]
    with socket(port, "/market/stream") as binance:
        say(binance, method="SUBSCRIBE", params=streams, id=1)
        messages = hear_until(binance, lambda heard: all(of_stream(heard, stream) for stream in streams))
    trade, kline, mark, day, mini = (of_stream(messages, stream)[0] for stream in streams)
    assert trade["st"] == mark["st"] == day["st"] == mini["st"] == 1 and "st" not in kline
    assert trade["nq"] == trade["q"] and "ps" not in trade and float(mark["ap"]) > 0
    assert float(day["l"]) <= float(day["c"]) <= float(day["h"]) and float(mini["v"]) > 0
    assert kline["k"]["x"] is False and kline["k"]["i"] == "1m"
    change = (float(day["c"]) - float(day["o"])) / float(day["o"]) * 100
    assert float(day["P"]) == pytest.approx(change, abs=0.001)


def test_a_stream_on_the_other_route_is_acknowledged_and_silent(port: int) -> None:
    """So is an unknown symbol, an unknown stream, and an upper-case name."""
    silent = {
        "public": [f"btcusdt@{kind}" for kind in ALL_MARKET]
        + ["BTCUSDT@bookTicker", "nosuchusdt@bookTicker"],
        "market": ["btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@depth20@100ms", "btcusdt@nosuch"],
    }
    for route, streams in silent.items():
        with socket(port, f"/{route}/stream") as binance:
            say(binance, method="SUBSCRIBE", params=streams, id=3)
            assert hear(binance) == {"result": None, "id": 3}
            say(binance, method="LIST_SUBSCRIPTIONS", id=4)
            assert hear(binance) == {"result": streams, "id": 4}
            assert is_silent(binance, 0.15)


def test_bare_sockets_are_bare_and_can_be_switched(port: int) -> None:
    """The path decides about the wrapper, SET_PROPERTY changes it, UNSUBSCRIBE ends the stream."""
    with socket(port, "/public/ws/btcusdt@bookTicker") as binance:
        assert hear(binance)["e"] == "bookTicker"
        say(binance, method="SET_PROPERTY", params=["combined", True], id=1)
        assert hear_until(binance, lambda heard: heard[-1].get("id") == 1)[-1] == {"result": None, "id": 1}
        assert hear(binance)["stream"] == "btcusdt@bookTicker"
        say(binance, method="UNSUBSCRIBE", params=["btcusdt@bookTicker", "ethusdt@depth"], id=2)
        hear_until(binance, lambda heard: heard[-1] == {"result": None, "id": 2})
        assert is_silent(binance, 0.2)


def test_the_address_before_the_split_carries_the_public_route_only(port: int) -> None:
    """Without a route a socket opens, books flow, and the market route's streams are silent."""
    with socket(port, "/stream?streams=btcusdt@bookTicker/btcusdt@markPrice@1s") as binance:
        messages = hear_until(binance, lambda heard: len(heard) > 20)
    assert {message["stream"] for message in messages} == {"btcusdt@bookTicker"}


def test_bad_requests_are_named(port: int) -> None:
    """Broken JSON, an unknown method, a missing id, a bad property."""
    with socket(port, "/market/ws") as binance:
        binance.send("{")
        assert hear(binance)["error"]["code"] == 3
        for request, code in (
            ({"method": "NOSUCH", "id": 1}, 2),
            ({"method": "SUBSCRIBE", "params": []}, 2),
            ({"method": "SET_PROPERTY", "params": ["combined", 1], "id": 2}, 1),
            ({"method": "SET_PROPERTY", "params": ["other", True], "id": 3}, 0),
        ):
            say(binance, **request)
            assert hear(binance)["error"]["code"] == code


def test_a_long_frame_is_ignored(port: int) -> None:
    """Above 4,096 bytes there is no answer at all."""
    with socket(port, "/market/stream") as binance:
        say(binance, method="SUBSCRIBE", params=["btcusdt@aggTrade"] * 300, id=1)
        assert is_silent(binance, 0.2)


def test_more_than_ten_messages_a_second_are_cut_off(port: int) -> None:
    """The eleventh within a second closes the socket with 1008."""
    with socket(port, "/market/stream") as binance:
        with pytest.raises(ConnectionClosed) as cut:
            for number in range(12):
                say(binance, method="LIST_SUBSCRIPTIONS", id=number)
            while True:
                hear(binance)
        assert cut.value.rcvd is not None and cut.value.rcvd.code == 1008


@pytest.mark.parametrize(
    "path", ["/public", "/private/stream", "/market/other", "/public/stream?streams=a@b,c@d"]
)
def test_other_paths_are_refused(port: int, path: str) -> None:
    """No route without its form, and no comma."""
    with pytest.raises(InvalidStatus), socket(port, path):
        pass


def test_candles_are_the_fold_of_the_trades_and_rest_agrees() -> None:
    """A whole minute of aggTrade and kline: same trades, same candle over REST, trade ids without a hole."""
    trades: list[dict[str, Any]] = []
    closed: list[dict[str, Any]] = []
    with serving(lambda: SimulatedMarket(4, Clock(START + 58_500, speed=100))) as port:
        with socket(port, "/market/stream?streams=ethusdt@aggTrade/ethusdt@kline_1m") as binance:
            while len(closed) < 2:
                message = hear(binance)
                if message["stream"] == "ethusdt@aggTrade":
                    trades.append(message["data"])
                elif message["data"]["k"]["x"]:
                    closed.append(message["data"]["k"])
        rows = get(port, "/fapi/v1/klines?symbol=ETHUSDT&interval=1m&limit=3")
        first = trades[0]["a"]
        page = get(port, f"/fapi/v1/aggTrades?symbol=ETHUSDT&fromId={first}&limit=20")
    before, candle = closed
    inside = [trade for trade in trades if candle["t"] <= trade["T"] <= candle["T"]]
    prices = [float(trade["p"]) for trade in inside] + [float(before["c"])]
    sizes = [float(trade["q"]) for trade in inside]
    assert [trade["a"] for trade in trades] == list(range(first, first + len(trades)))
    assert (candle["n"], candle["f"], candle["L"]) == (len(inside), inside[0]["f"], inside[-1]["l"])
    assert float(candle["o"]) == float(before["c"]) and float(candle["c"]) == prices[-2]
    assert (float(candle["h"]), float(candle["l"])) == (max(prices), min(prices))
    assert float(candle["v"]) == pytest.approx(sum(sizes), abs=1e-9)
    bought = sum(size for size, trade in zip(sizes, inside, strict=True) if not trade["m"])
    assert float(candle["V"]) == pytest.approx(bought, abs=1e-9)
    served = next(row for row in rows if row[0] == candle["t"])
    assert served == [candle[name] for name in ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q", "B")]
    assert len(page) >= min(20, len(trades))
    assert [row["a"] for row in page] == list(range(first, first + len(page)))
    assert [page[0][name] for name in "apqTm"] == [trades[0][name] for name in "apqTm"]


def test_rest_gives_400_closed_candles_oldest_first(port: int) -> None:
    """Every interval; forward from startTime, else the newest; the running candle is the last row."""
    steps = {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "4h": 240, "1d": 1440}
    for interval, minutes in steps.items():
        target = f"/fapi/v1/klines?symbol=1000SHIBUSDT&interval={interval}&limit=401"
        rows = get(port, target)
        assert [row[0] for row in rows] == [rows[0][0] + i * minutes * MINUTE_MS for i in range(401)]
        assert rows[-1][6] == rows[-1][0] + minutes * MINUTE_MS - 1
        assert get(port, f"{target}&startTime={rows[5][0]}&endTime={rows[9][0]}") == rows[5:10]
        assert get(port, f"{target}&startTime={rows[5][0]}&limit=3") == rows[5:8]


def test_rest_lists_and_tickers(port: int) -> None:
    """All instruments with their steps; the other endpoints for one symbol and for all."""
    symbols = {row["symbol"]: row for row in get(port, "/fapi/v1/exchangeInfo")["symbols"]}
    assert len(symbols) == 50 and "PUMPUSDT" in symbols
    steps = {it["filterType"]: it for it in symbols["1000PEPEUSDT"]["filters"]}
    assert steps["PRICE_FILTER"]["tickSize"] == "0.0000001" and steps["LOT_SIZE"]["stepSize"] == "100"
    for path in ("ticker/24hr", "ticker/bookTicker", "premiumIndex"):
        assert len(get(port, f"/fapi/v1/{path}")) == 50
        assert get(port, f"/fapi/v1/{path}?symbol=BTCUSDT")["symbol"] == "BTCUSDT"
    assert get(port, "/fapi/v1/ping") == {}
    recent = get(port, "/fapi/v1/aggTrades?symbol=BTCUSDT&limit=5")
    now = get(port, "/fapi/v1/time")["serverTime"]
    window = get(port, f"/fapi/v1/aggTrades?symbol=BTCUSDT&startTime={recent[0]['T']}&endTime={now}")
    assert [row for row in window if row["a"] >= recent[0]["a"]][:5] == recent
    assert all(recent[0]["T"] <= row["T"] <= now for row in window)


def test_refusals_have_their_codes_and_every_answer_its_weight(port: int) -> None:
    """HTTP 400 with the documented code; the used weight rises."""
    for target, code in (
        ("/fapi/v1/klines?symbol=NOSUCHUSDT&interval=1m", -1121),
        ("/fapi/v1/klines?symbol=BTCUSDT&interval=7m", -1120),
        ("/fapi/v1/depth", -1102),
        ("/fapi/v1/depth?symbol=BTCUSDT&limit=7", -1130),
        ("/fapi/v1/aggTrades?symbol=BTCUSDT&fromId=1&startTime=1", -1128),
        ("/fapi/v1/aggTrades?symbol=BTCUSDT&startTime=1&endTime=99999999", -1127),
    ):
        status, body = refused(port, target)
        assert (status, body["code"]) == (400, code)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/fapi/v1/depth?symbol=BTCUSDT&limit=1000") as reply:
        assert int(reply.headers["X-MBX-USED-WEIGHT-1M"]) >= 20
        assert len(reply.read()) > 30_000


def test_both_venues_follow_one_path(port: int) -> None:
    """The venues' prices of a coin are close to each other, also where it is spelled differently."""
    for bybit, binance in (
        ("BTCUSDT", "BTCUSDT"),
        ("SHIB1000USDT", "1000SHIBUSDT"),
        ("PUMPFUNUSDT", "PUMPUSDT"),
    ):
        one = get(port, f"/v5/market/orderbook?category=linear&symbol={bybit}&limit=1")["result"]
        other = get(port, f"/fapi/v1/ticker/bookTicker?symbol={binance}")
        assert float(one["b"][0][0]) == pytest.approx(float(other["bidPrice"]), rel=0.004)
