"""Closes that come late or never, and candles that are corrected afterwards."""

from collections.abc import Iterator

import pytest

from tests.collector.simulator.exchange import MINUTE_MS, START, Commanded, get, hear_until
from tests.collector.simulator.faults.market import MARKET, binance, bybit, hear_of, market, topic_of

pytestmark = pytest.mark.wire

KLINE = "kline.1.BTCUSDT"
STREAM = "btcusdt@kline_1m"


@pytest.fixture
def exchange() -> Iterator[Commanded]:
    with market(speed=50.0, start=START + 40_000) as found:
        yield found


def test_bybits_close_is_withheld_and_its_running_candle_is_not(exchange: Commanded) -> None:
    """The turn of the minute comes with the new candle only."""
    exchange.inject("late_close", topics="kline.*")
    with bybit(exchange, KLINE) as client:
        heard = hear_until(
            client, lambda heard: topic_of(heard[-1]) == KLINE and heard[-1]["data"][0]["start"] > START
        )
    rows = [row for it in heard if topic_of(it) == KLINE for row in it["data"]]
    assert {row["start"] for row in rows} == {START, START + MINUTE_MS}
    assert not any(row["confirm"] for row in rows)


def test_binances_close_comes_late(exchange: Commanded) -> None:
    """After the first events of the next minute."""
    exchange.inject("late_close", topics=STREAM, delay=0.3)
    with binance(exchange, STREAM, route=MARKET) as client:
        heard = hear_until(
            client, lambda heard: topic_of(heard[-1]) == STREAM and heard[-1]["data"]["k"]["x"]
        )
    candles = [it["data"]["k"] for it in heard if topic_of(it) == STREAM]
    assert candles[-1]["t"] == START and candles[-2]["t"] == START + MINUTE_MS


def test_a_candle_is_corrected_and_every_longer_one_with_it(exchange: Commanded) -> None:
    """REST tells it from then on; the truth does too."""
    path = "/fapi/v1/klines?symbol=BTCUSDT&limit=3&interval="
    exchange.tell("/record", symbols={"binance": ["BTCUSDT"]})
    with binance(exchange, STREAM, route=MARKET) as client:
        hear_of(client, STREAM, 1)
        before = {i: get(exchange.port, path + i) for i in ("1m", "5m", "1d")}
        noted = exchange.tell("/faults", kind="revise", symbol="BTCUSDT", venue="binance")["notes"]["binance"]
        after = {i: get(exchange.port, path + i) for i in ("1m", "5m", "1d")}
    for interval in before:
        changed = [
            (old, new) for old, new in zip(before[interval], after[interval], strict=True) if old[2] != new[2]
        ]
        assert len(changed) == 1
        old, new = changed[0]
        assert float(new[2]) == pytest.approx(float(old[2]) + 0.5)  # five ticks
        assert float(new[5]) >= float(old[5]) + 0.0999
    truth = exchange.ask(f"/truth?venue=binance&symbol=BTCUSDT&from={noted}&to={noted}")["klines"]["1m"]
    row = next(row for row in after["1m"] if row[0] == noted)
    assert truth[-1][:6] == [noted, *map(float, row[1:6])]
