"""Recordings played back: the frames of the files, byte for byte, and what the player adds to them.

Counts and final books are those that the recordings' own README gives.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from collector.simulator.replay.books import listing_from
from collector.simulator.replay.player import Player
from collector.simulator.replay.recordings import RecordingError, load
from tests.collector.simulator.exchange import BookCopy, get, hear, is_silent, refused, say, serving, socket
from tests.recordings import DATA, needs_recordings

pytestmark = pytest.mark.wire

BYBIT = DATA / "bybit" / "linear_20260809_BTCUSDT_SOLUSDT.jsonl.gz"
OLD = DATA / "binance" / "usdm_4sym_20210722.ws.txt.gz"
ETH = DATA / "binance" / "usdm_ethusdt_20240718.txt.gz"
BYBIT_TOPICS = [
    f"{kind}.{symbol}"
    for symbol in ("BTCUSDT", "SOLUSDT")
    for kind in ("orderbook.200", "tickers", "publicTrade", "kline.1")
]
FINAL_BYBIT = {
    "BTCUSDT": (15077365, (65114.20, 5.974, 65114.30, 9.060)),
    "SOLUSDT": (13783705, (77.260, 1041.8, 77.270, 356.1)),
}


def play_bybit(port: int, topics: list[str]) -> tuple[Counter[str], list[bytes]]:
    """All data frames until the recording is over."""
    counts: Counter[str] = Counter()
    frames: list[bytes] = []
    with socket(port, "/v5/public/linear") as bybit:
        say(bybit, op="subscribe", args=topics)
        while sum(counts.values()) < 1295 - 2 * (len(BYBIT_TOPICS) - len(topics)):
            frame = bybit.recv(timeout=10, decode=False)
            message = json.loads(frame)
            if "topic" in message:
                counts[f"{message['topic']} {message['type']}"] += 1
                frames.append(frame)
        assert is_silent(bybit, 0.2)
    return counts, frames


@needs_recordings
def test_a_bybit_recording_is_played_whole_and_verbatim() -> None:
    """Every frame of the file, unchanged and in order within its topic; the final books are right."""
    recorded = [frame.payload for frame in load([BYBIT])[0].frames]
    with serving(lambda: Player(load([BYBIT]), speed=400)) as port:
        counts, frames = play_bybit(port, BYBIT_TOPICS)
        rest = get(port, "/v5/market/orderbook?category=linear&symbol=BTCUSDT&limit=3")["result"]
        now = get(port, "/v5/market/time")["time"]
    assert counts == {
        "orderbook.200.BTCUSDT snapshot": 1,
        "orderbook.200.BTCUSDT delta": 413,
        "orderbook.200.SOLUSDT snapshot": 1,
        "orderbook.200.SOLUSDT delta": 382,
        "tickers.BTCUSDT snapshot": 1,
        "tickers.BTCUSDT delta": 184,
        "tickers.SOLUSDT snapshot": 1,
        "tickers.SOLUSDT delta": 192,
        "publicTrade.BTCUSDT snapshot": 16,
        "publicTrade.SOLUSDT snapshot": 57,
        "kline.1.BTCUSDT snapshot": 22,
        "kline.1.SOLUSDT snapshot": 25,
    }
    assert frames == recorded
    for symbol, (last, top) in FINAL_BYBIT.items():
        book = BookCopy()
        for message in map(json.loads, frames):
            if message["topic"] == f"orderbook.200.{symbol}":
                book.apply(message["data"]["b"], message["data"]["a"])
                update_id = message["data"]["u"]
        assert (update_id, book.top) == (last, top)
    assert json.loads(frames[-1])["ts"] <= now < json.loads(frames[-1])["ts"] + 5_000
    assert rest["u"] == 15077365
    assert rest["b"] == [["65114.20", "5.974"], ["65114.10", "0.053"], ["65113.90", "0.252"]]


@needs_recordings
def test_who_subscribes_again_gets_a_snapshot_of_what_was_played() -> None:
    """A second subscription, also on another socket, begins with the player's own book and ticker."""
    topics = ["orderbook.200.SOLUSDT", "tickers.SOLUSDT"]
    with serving(lambda: Player(load([BYBIT]), speed=400)) as port:
        play_bybit(port, BYBIT_TOPICS)
        with socket(port, "/v5/public/linear") as bybit:
            say(bybit, op="subscribe", args=topics)
            book, ticker = hear(bybit), hear(bybit)
            assert hear(bybit)["success"]
            assert is_silent(bybit, 0.2)
            say(bybit, op="subscribe", args=["orderbook.50.SOLUSDT"])
            assert hear(bybit)["ret_msg"] == "error:handler not found,topic:orderbook.50.SOLUSDT"
    assert (book["type"], book["data"]["u"], len(book["data"]["b"])) == ("snapshot", 13783705, 200)
    assert book["data"]["a"][0] == ["77.270", "356.1"] and book["cts"] > 1_786_310_000_000
    assert ticker["type"] == "snapshot" and ticker["data"]["bid1Price"] == "77.260"


@needs_recordings
def test_the_clock_starts_without_what_nobody_wants() -> None:
    """When some topics are never subscribed, the rest begins after a while."""
    with (
        serving(lambda: Player(load([BYBIT]), speed=400, patience_s=0.1)) as port,
        socket(port, "/v5/public/linear") as bybit,
    ):
        say(bybit, op="subscribe", args=["orderbook.200.BTCUSDT"])
        assert hear(bybit)["op"] == "subscribe"
        assert hear(bybit)["type"] == "snapshot"
        assert hear(bybit)["type"] == "delta"


@needs_recordings
def test_rest_knows_the_instruments_the_time_and_no_history() -> None:
    """Steps are inferred from the prices; the clock is the recording's and stands until all is subscribed."""
    with serving(lambda: Player(load([BYBIT]), speed=1)) as port:
        times = [get(port, "/v5/market/time")["time"] for _ in range(2)]
        rows = get(port, "/v5/market/instruments-info?category=linear")["result"]["list"]
        for path in ("kline?interval=1&", "recent-trade?"):
            assert get(port, f"/v5/market/{path}category=linear&symbol=BTCUSDT")["result"]["list"] == []
        assert get(port, "/v5/market/tickers?category=linear")["result"]["list"] == []
        assert get(port, "/fapi/v1/exchangeInfo")["symbols"] == []
        assert refused(port, "/fapi/v1/klines?symbol=BTCUSDT&interval=1m")[1]["code"] == -1121
    assert times[0] == times[1] and abs(times[0] - 1_786_310_819_500) < 200
    steps = {row["symbol"]: (row["priceFilter"]["tickSize"], row["lotSizeFilter"]["qtyStep"]) for row in rows}
    assert steps == {"BTCUSDT": ("0.10", "0.001"), "SOLUSDT": ("0.010", "0.1")}


def play_binance(port: int, route: str, streams: list[str], count: int) -> list[dict[str, Any]]:
    """`count` data messages of one route."""
    messages: list[dict[str, Any]] = []
    with socket(port, f"/{route}/stream") as binance:
        say(binance, method="SUBSCRIBE", params=streams, id=1)
        while len(messages) < count:
            message = hear(binance)
            if "stream" in message:
                messages.append(message)
        assert is_silent(binance, 0.2)
    return messages


@needs_recordings
def test_an_old_binance_recording_is_split_over_the_routes_of_today() -> None:
    """Two sockets get what is of their route; REST books wait for the recorded snapshot and fit the diffs."""
    symbols = ["sushiusdt", "akrousdt", "keepusdt", "ctkusdt"]
    public = [f"{symbol}@{kind}" for symbol in symbols for kind in ("bookTicker", "depth@500ms")]
    market = [f"{symbol}@{kind}" for symbol in symbols for kind in ("aggTrade", "kline_1m")]
    with serving(lambda: Player(load([OLD]), speed=100)) as port, ThreadPoolExecutor() as threads:
        rest = {
            name: threads.submit(get, port, f"/fapi/v1/depth?symbol={name.upper()}&limit=1000")
            for name in symbols
        }
        one = threads.submit(play_binance, port, "public", public, 764 + 613)
        other = threads.submit(play_binance, port, "market", market, 91 + 67)
        heard, trades = one.result(), other.result()
        snapshots = {name: future.result() for name, future in rest.items()}
    assert Counter(message["stream"].split("@")[1] for message in trades) == {"aggTrade": 91, "kline_1m": 67}
    assert {message["stream"] for message in heard} == set(public)
    for symbol, snapshot in snapshots.items():
        diffs = [message["data"] for message in heard if message["stream"] == f"{symbol}@depth@500ms"]
        tops = [message["data"] for message in heard if message["stream"] == f"{symbol}@bookTicker"]
        rest_of = [diff for diff in diffs if diff["u"] >= snapshot["lastUpdateId"]]
        assert rest_of[0]["U"] <= snapshot["lastUpdateId"] <= rest_of[0]["u"]
        book, checked = BookCopy(), 0
        book.replace(snapshot["bids"], snapshot["asks"])
        for diff in rest_of:
            book.apply(diff["b"], diff["a"])
            known = [top for top in tops if top["u"] <= diff["u"]]
            if known:
                assert tuple(float(known[-1][name]) for name in "bBaA") == book.top
                checked += 1
        assert checked > 50


@needs_recordings
def test_partial_depth_is_made_from_the_recorded_diffs() -> None:
    """Who wants depth20 instead of diffs gets whole tops from the player's book, down to the last one."""
    streams = ["ethusdt@bookTicker", "ethusdt@depth20@100ms"]
    with serving(lambda: Player(load([ETH]), speed=1000)) as port:
        with socket(port, "/public/stream") as binance:
            say(binance, method="SUBSCRIBE", params=streams, id=1)
            partials, tickers = [], 0
            while tickers < 9089:
                message = hear(binance)
                tickers += message.get("stream") == streams[0]
                if message.get("stream") == streams[1]:
                    partials.append(message["data"])
        book = get(port, "/fapi/v1/depth?symbol=ETHUSDT&limit=5")
    assert partials and all(len(it["b"]) == len(it["a"]) == 20 for it in partials)
    assert all(float(it["b"][0][0]) < float(it["a"][0][0]) for it in partials)
    assert book["lastUpdateId"] == 4984033953043
    assert book["bids"][:3] == [["3424.98", "77.165"], ["3424.97", "0.020"], ["3424.86", "0.006"]]
    assert book["asks"][:3] == [["3424.99", "80.013"], ["3425.00", "30.463"], ["3425.02", "0.009"]]


@needs_recordings
def test_several_recordings_are_one_timeline() -> None:
    """Files of both venues begin together, when both venues' topics are subscribed."""
    with serving(lambda: Player(load([BYBIT, ETH]), speed=400)) as port, ThreadPoolExecutor() as threads:
        bybit = threads.submit(play_bybit, port, BYBIT_TOPICS)
        with socket(port, "/public/ws") as binance:
            assert is_silent(binance, 0.2) and not bybit.done()
            say(binance, method="SUBSCRIBE", params=["ethusdt@bookTicker", "ethusdt@depth@100ms"], id=1)
            assert hear(binance) == {"result": None, "id": 1}
            first = hear(binance)
        counts, _ = bybit.result()
    assert first["e"] == "depthUpdate" and first["U"] == 4984028369251
    assert sum(counts.values()) == 1295


def test_steps_are_the_largest_that_fit() -> None:
    """The common divisor of all prices and of all sizes, with the decimals they are written with."""
    listing = listing_from("XUSDT", [("10.50", "3"), ("11.00", "12"), ("9.75", "6")])
    assert (listing.tick, listing.lot) == ("0.25", "3")


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    """By name, with what was found."""
    path = tmp_path / "notes.txt"
    path.write_text("hello\n")
    with pytest.raises(RecordingError, match=r"notes\.txt: expected a recording, found b'hello'"):
        load([path])
