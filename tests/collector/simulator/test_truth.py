"""What the exchange tells of itself: exactly what a client heard, also of what faults kept from it."""

import json
import urllib.error
from typing import Any

import pytest

from tests.collector.simulator.exchange import BookCopy, Commanded, get, hear_until, say, socket
from tests.collector.simulator.faults.market import (
    BYBIT,
    binance,
    bybit,
    catch_up,
    hear_of,
    market,
    topic_of,
)

pytestmark = pytest.mark.wire

SYMBOLS = {"bybit": ["BTCUSDT"], "binance": ["BTCUSDT", "ETHUSDT"]}
BTC = "orderbook.50.BTCUSDT"
QUOTE = "btcusdt@bookTicker"


def ticks(exchange: Commanded, venue: str, symbol: str = "BTCUSDT", **bounds: int) -> list[list[float]]:
    """The rows that must be stored."""
    query = "".join(f"&{name}={value}" for name, value in bounds.items())
    rows: list[list[float]] = exchange.ask(f"/truth?venue={venue}&symbol={symbol}{query}")["ticks"]
    return rows


def test_every_change_of_the_best_price_or_size_is_a_row() -> None:
    """Binance: each quote. Bybit: each message after which the best levels differ."""
    with market() as exchange:
        exchange.tell("/record", symbols=SYMBOLS)
        with binance(exchange, QUOTE) as client:
            quotes = [it["data"] for it in hear_of(client, QUOTE, 20)]
        with socket(exchange.port, BYBIT) as client:
            say(client, op="subscribe", args=[BTC])
            books = [it for it in hear_until(client, lambda heard: len(heard) > 30) if topic_of(it) == BTC]
        told = {int(row[1]): row for row in ticks(exchange, "binance")}
        expected, book, best = [], BookCopy(), None
        for it in books:
            book.apply(it["data"]["b"], it["data"]["a"])
            if best is not None and book.top != best:
                expected.append([it["cts"], it["data"]["u"], *book.top])
            best = book.top
        rows = ticks(exchange, "bybit", **{"from": books[1]["cts"], "to": books[-1]["cts"]})
    for q in quotes:
        assert told[q["u"]] == [q["T"], q["u"], float(q["b"]), float(q["B"]), float(q["a"]), float(q["A"])]
    assert [row for row in rows if row[1] > books[0]["data"]["u"]] == expected and len(expected) > 5


def test_faults_do_not_reach_the_truth() -> None:
    """What a client never got is in the record, and when it was kept from it is told."""
    with market() as exchange, binance(exchange, QUOTE) as client:
        exchange.tell("/record", symbols=SYMBOLS)
        heard = hear_of(client, QUOTE, 3)
        number = exchange.inject("mute", topics=QUOTE)
        last = [it for it in heard + catch_up(client) if topic_of(it) == QUOTE][-1]
        before = len(ticks(exchange, "binance"))
        exchange.inject("shift_times", venue="binance", factor=1000)
        while len(ticks(exchange, "binance")) < before + 10:
            pass
        lost = exchange.heal(number)["withheld"][QUOTE]
        exchange.heal()
        first = hear_of(client, QUOTE, 1)[0]["data"]
        missing = [row for row in ticks(exchange, "binance") if last["data"]["u"] < row[1] < first["u"]]
    assert len(missing) - 1 <= lost["messages"] <= len(missing)
    assert all(row[0] < 10**13 for row in missing)
    assert lost["first_ms"] <= lost["last_ms"]


def test_closed_candles_trades_and_counts_are_told() -> None:
    """Candles as REST gives them, the number of trades, and what clients asked for."""
    with market(speed=60.0) as exchange:
        exchange.tell("/record", symbols=SYMBOLS)
        with binance(exchange, "btcusdt@aggTrade", route="/market/stream") as client, bybit(exchange, BTC):
            ids = [it["data"]["a"] for it in hear_of(client, "btcusdt@aggTrade", 40)]
            truth = exchange.ask("/truth?venue=binance&symbol=BTCUSDT")
            rows = get(exchange.port, "/fapi/v1/klines?symbol=BTCUSDT&interval=5m&limit=9")
        counts = exchange.ask("/counts")
    assert truth["trades"] >= len(ids) and truth["ticks_forgotten"] == 0
    assert set(truth["klines"]) == {"1m", "5m", "15m", "1h", "4h", "1d"}
    known = {row[0]: row for row in truth["klines"]["5m"]}
    closed = [row for row in rows if row[0] in known]
    assert len(closed) >= 7
    for row in closed:
        expected = [row[0], *map(float, row[1:6]), float(row[7]), row[8], float(row[9])]
        assert known[row[0]] == expected
    assert counts["requests"] == {"/fapi/v1/klines": 1}
    assert counts["connects"] == {"/market/stream": 1, BYBIT: 1}
    assert counts["subscriptions"] == {"binance": 1, "bybit": 1}


def test_a_jump_fills_the_time_that_was_left_out() -> None:
    """Sockets are cut, the clock shows the present, candles have no hole, and trades are their exact fold."""
    with market(speed=1.0, behind_s=1800.0) as exchange:
        exchange.tell("/record", symbols=SYMBOLS)
        with binance(exchange, "btcusdt@aggTrade", route="/market/stream") as client:
            before = hear_of(client, "btcusdt@aggTrade", 1)[-1]["data"]
            assert exchange.tell("/jump")["skipped_s"] == 1800.0
            with pytest.raises(Exception, match="close frame"):
                while True:
                    client.recv(timeout=5)
        after = get(exchange.port, "/fapi/v1/time")["serverTime"]
        trades = get(exchange.port, f"/fapi/v1/aggTrades?symbol=BTCUSDT&fromId={before['a']}&limit=1000")
        rows = get(exchange.port, "/fapi/v1/klines?symbol=BTCUSDT&interval=1m&limit=32")
        with binance(exchange, QUOTE) as client:
            quote = hear_of(client, QUOTE, 1)[0]["data"]
    assert 1_800_000 <= after - before["T"] < 1_830_000
    assert [it["a"] for it in trades] == list(range(before["a"], before["a"] + len(trades)))
    assert [row[0] for row in rows] == list(range(rows[0][0], rows[-1][0] + 1, 60_000))
    checked = 0
    for row in rows:
        inside = [it for it in trades if row[0] <= it["T"] <= row[6]]
        if row[0] > before["T"] and row is not rows[-1]:
            assert float(row[5]) == pytest.approx(sum(float(it["q"]) for it in inside))
            assert row[8] == len(inside) and float(row[2]) >= max(float(it["p"]) for it in inside)
            checked += 1
    assert checked >= 28
    assert float(quote["b"]) == pytest.approx(float(rows[-1][4]), rel=0.005)


def test_what_is_not_recorded_is_not_told() -> None:
    """A wrong venue, symbol or path answers 400 with words."""

    def why(path: str, body: dict[str, Any] | None = None) -> str:
        with pytest.raises(urllib.error.HTTPError) as refused:
            exchange.tell(path, **body) if body is not None else exchange.ask(path)
        with refused.value as answer:
            assert answer.code == 400
            return str(json.loads(answer.read())["error"])

    with market() as exchange:
        assert "not recorded" in why("/truth?venue=bybit&symbol=BTCUSDT")
        assert "no topic" in why("/record", {"symbols": {"bybit": ["NOSUCHUSDT"]}})
        assert "expected venues" in why("/record", {"symbols": {"kraken": ["BTCUSDT"]}})
        assert "simulated" not in why("/nothing") and "GET / tells" in why("/nothing")
        assert "ack_and_silence" in exchange.ask("/")
