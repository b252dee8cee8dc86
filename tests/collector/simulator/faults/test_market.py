"""What the market itself is told: refusals, listings, bursts, trades, clocks; what a recording cannot do."""

import statistics
import urllib.error
from collections.abc import Iterator
from itertools import pairwise

import pytest

from collector.simulator.replay.player import Player
from collector.simulator.replay.recordings import load
from tests.collector.simulator.exchange import Commanded, commanded, get, hear_until, say, socket
from tests.collector.simulator.faults.market import (
    BYBIT,
    MARKET,
    ask_bybit,
    binance,
    bybit,
    hear_of,
    hear_on,
    market,
    topic_of,
)
from tests.recordings import DATA, needs_recordings

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def running() -> Iterator[Commanded]:
    with market() as found:
        yield found


@pytest.fixture
def exchange(running: Commanded) -> Iterator[Commanded]:
    yield running
    running.heal()


def why(exchange: Commanded, kind: str, **fields: object) -> str:
    """Why a fault is refused."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        exchange.inject(kind, **fields)
    with refused.value as answer:
        assert answer.code == 400
        return answer.read().decode()


def test_one_bad_topic_rejects_the_whole_request(exchange: Commanded) -> None:
    """On both venues, each with its own error."""
    exchange.inject("reject", symbols="XRPUSDT")
    with bybit(exchange) as client:
        say(client, op="subscribe", req_id="bad", args=["tickers.ETHUSDT", "tickers.XRPUSDT"])
        answer = hear_until(client, lambda heard: heard[-1].get("req_id") == "bad")[-1]
        assert answer["ret_msg"] == "error:handler not found,topic:tickers.XRPUSDT"
        assert ask_bybit(client, "tickers.ETHUSDT")[-1]["success"]
    with binance(exchange) as client:
        say(client, method="SUBSCRIBE", params=["ethusdt@bookTicker", "xrpusdt@bookTicker"], id=7)
        assert hear_until(client, lambda heard: heard[-1].get("id") == 7)[-1]["error"]["code"] == 2


def test_an_instrument_goes_and_another_comes(exchange: Commanded) -> None:
    """The list, REST and the topics of both venues agree."""
    with bybit(exchange, "orderbook.50.LTCUSDT", "orderbook.50.BTCUSDT") as client:
        hear_of(client, "orderbook.50.LTCUSDT", 1)
        exchange.inject("delist", symbol="LTCUSDT")
        exchange.inject("enlist", symbol="NEWUSDT", like="DOGEUSDT", tick="0.00001")
        say(client, op="subscribe", req_id="old", args=["tickers.LTCUSDT"])
        heard = hear_until(client, lambda heard: heard[-1].get("req_id") == "old")
        assert heard[-1]["success"] is False
        assert ask_bybit(client, "orderbook.50.NEWUSDT")[-1]["success"]
        later = hear_until(client, lambda heard: sum(topic_of(it).endswith("NEWUSDT") for it in heard) > 3)
        assert not any(topic_of(it).endswith("LTCUSDT") for it in later)
    listed = {it["symbol"] for it in get(exchange.port, "/fapi/v1/exchangeInfo")["symbols"]}
    assert "NEWUSDT" in listed and "LTCUSDT" not in listed
    assert get(exchange.port, "/fapi/v1/klines?symbol=NEWUSDT&interval=1m&limit=5")
    assert "lists" in why(exchange, "delist", symbol="LTCUSDT")
    assert "expected a new one" in why(exchange, "enlist", symbol="NEWUSDT")


def test_the_tick_becomes_finer_and_no_price_moves(exchange: Commanded) -> None:
    """Books begin anew with one more decimal; candles are what they were."""
    path = "/v5/market/kline?category=linear&symbol=SOLUSDT&interval=5&limit=3"
    with bybit(exchange, "orderbook.50.SOLUSDT") as client:
        (before,) = hear_of(client, "orderbook.50.SOLUSDT", 1)
        candles = get(exchange.port, path)["result"]["list"][1:]
        exchange.inject("finer_tick", symbol="SOLUSDT")
        heard = hear_on(client, "orderbook.50.SOLUSDT", 5)
    snapshot = next(it for it in heard if it["type"] == "snapshot" and it["data"]["u"] == 1)
    after = heard[heard.index(snapshot) + 1 :]
    old, new = before["data"]["b"] + before["data"]["a"], snapshot["data"]["b"]
    assert {len(price.partition(".")[2]) for price, _ in old} == {3}
    assert {len(price.partition(".")[2]) for price, _ in new} == {4}
    assert float(new[0][0]) == pytest.approx(float(old[0][0]), rel=0.01)
    assert [it["data"]["u"] for it in after] == list(range(2, 2 + len(after)))
    now = get(exchange.port, path)["result"]["list"]
    known = {row[0]: [float(it) for it in row[1:6]] for row in now}
    assert all(
        known[row[0]] == pytest.approx([float(it) for it in row[1:6]]) for row in candles if row[0] in known
    )
    info = get(exchange.port, "/v5/market/instruments-info?category=linear&symbol=SOLUSDT")["result"]["list"][
        0
    ]
    assert float(info["priceFilter"]["tickSize"]) == 0.001


def test_trades_come_in_one_message_and_fold_into_the_candle(exchange: Commanded) -> None:
    """1,024 at most in Bybit's; Binance's ids go on one by one."""
    with bybit(exchange, "publicTrade.ADAUSDT") as client:
        exchange.inject("trades", symbol="ADAUSDT", venue="bybit", count=1500)
        sizes = [len(it["data"]) for it in hear_on(client, "publicTrade.ADAUSDT", 2)]
    assert 1024 in sizes and sum(sizes) >= 1500
    with binance(exchange, "adausdt@aggTrade", route=MARKET) as client:
        exchange.inject("trades", symbol="ADAUSDT", venue="binance", count=200)
        ids = [it["data"]["a"] for it in hear_on(client, "adausdt@aggTrade", 5)]
    assert len(ids) >= 200 and ids == list(range(ids[0], ids[0] + len(ids)))


def test_a_burst_quickens_the_books_and_ends(exchange: Commanded) -> None:
    """Events follow one another faster in the market's own time."""
    topic = "orderbook.50.BNBUSDT"

    def usual_gap_ms() -> float:
        times = sorted({it["cts"] for it in hear_on(client, topic, 25)[-20:]})
        return float(statistics.median(later - time for time, later in pairwise(times)))

    with bybit(exchange, topic) as client:
        calm = usual_gap_ms()
        number = exchange.inject("burst", factor=20)
        hear_on(client, topic, 20)
        quick = usual_gap_ms()
        exchange.heal(number)
    assert quick < calm * 0.75  # 20 times with a processor of its own


def test_the_clock_is_wrong_while_it_lasts(exchange: Commanded) -> None:
    """Streams and REST alike."""
    before = get(exchange.port, "/fapi/v1/time")["serverTime"]
    number = exchange.inject("skew", by=500)
    wrong = get(exchange.port, "/fapi/v1/time")["serverTime"]
    exchange.heal(number)
    assert 500_000 <= wrong - before < 600_000
    assert get(exchange.port, "/fapi/v1/time")["serverTime"] < wrong


def test_what_cannot_be_is_refused_with_a_reason(exchange: Commanded) -> None:
    """A wrong kind, field, value or moment; nothing of it stays."""
    assert "kind" in why(exchange, "mut")
    assert "topicz" in why(exchange, "mute", topicz="*")
    assert "seconds" in why(exchange, "mute", seconds=-1)
    assert "subscribed" in why(exchange, "snapshot", topics="orderbook.200.XMRUSDT")
    assert "expected a factor" in why(exchange, "shift_times")
    assert "venue" in why(exchange, "refuse", venue="bybit")
    assert all(it["ended_ms"] for it in exchange.ask("/faults"))


@needs_recordings
def test_any_one_message_of_a_recording_can_be_left_out() -> None:
    """The hundredth delta of a book; the truth holds what it said, and every other frame is played."""
    topic = "orderbook.200.SOLUSDT"
    path = DATA / "bybit" / "linear_20260809_BTCUSDT_SOLUSDT.jsonl.gz"
    with commanded(lambda: Player(load([path]), speed=400, patience_s=0.1)) as exchange:
        exchange.tell("/record", symbols={"bybit": ["SOLUSDT"]}, depth=200)
        number = exchange.inject("drop", topics=topic, after=100)
        with bybit(exchange) as client:
            say(client, op="subscribe", args=[topic])
            heard = hear_until(client, lambda heard: sum(topic_of(it) == topic for it in heard) == 382)
        ids = [it["data"]["u"] for it in heard if topic_of(it) == topic]
        assert exchange.heal(number)["withheld"][topic]["messages"] == 1
        truth = exchange.ask("/truth?venue=bybit&symbol=SOLUSDT")
    steps = [after - before for before, after in pairwise(ids)]
    assert [place for place, step in enumerate(steps) if step != 1] == [99] and steps[99] == 2
    assert len(truth["ticks"]) > 50 and truth["trades"] > 50


def test_a_recording_can_be_muted_but_has_no_market() -> None:
    """Faults of messages work there; faults of the market are refused."""
    with commanded(lambda: Player([], 1.0)) as exchange:
        assert "simulated market" in why(exchange, "burst")
        number = exchange.inject("handshake", status=503)
        with pytest.raises(Exception, match="503"), socket(exchange.port, BYBIT):
            pass
        assert exchange.heal(number)["withheld"][BYBIT]["messages"] == 1
