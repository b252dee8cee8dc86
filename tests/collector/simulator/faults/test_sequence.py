"""Messages that are missing, come twice, too early or too late."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from tests.collector.simulator.exchange import Commanded, hear_until
from tests.collector.simulator.faults.market import (
    ask_bybit,
    binance,
    bybit,
    catch_up,
    hear_of,
    hear_on,
    market,
    topic_of,
    updates,
)

pytestmark = pytest.mark.wire

BTC = "orderbook.50.BTCUSDT"
DEPTH = "btcusdt@depth@100ms"


@pytest.fixture(scope="module")
def running() -> Iterator[Commanded]:
    with market() as found:
        yield found


@pytest.fixture
def exchange(running: Commanded) -> Iterator[Commanded]:
    yield running
    running.heal()


def test_one_step_of_bybits_sequence_is_skipped(exchange: Commanded) -> None:
    """`u` jumps once, by one; the next messages follow."""
    with bybit(exchange, BTC) as client:
        before = hear_of(client, BTC, 1)
        number = exchange.inject("drop", topics=BTC)
        ids = updates(before + hear_on(client, BTC, 10))
        assert exchange.heal(number)["withheld"][BTC]["messages"] == 1
    steps = [after - before for before, after in pairwise(ids)]
    assert sorted(steps) == [1] * (len(steps) - 1) + [2]


def test_one_step_of_binances_chain_is_skipped(exchange: Commanded) -> None:
    """`pu` names an event that never came, once."""
    with binance(exchange, DEPTH) as client:
        before = hear_of(client, DEPTH, 1)
        number = exchange.inject("drop", topics="*@depth@100ms")
        events = [it["data"] for it in before + hear_on(client, DEPTH, 10)]
        exchange.heal(number)
    chained = [after["pu"] == before["u"] for before, after in pairwise(events)]
    assert chained.count(False) == 1


def test_messages_come_twice(exchange: Commanded) -> None:
    """As often as was asked for."""
    with binance(exchange, DEPTH) as client:
        number = exchange.inject("duplicate", topics=DEPTH, count=2)
        ids = updates(hear_on(client, DEPTH, 10))
        exchange.heal(number)
    assert len(ids) - len(set(ids)) == 2 and ids == sorted(ids)


def test_neighbours_change_places(exchange: Commanded) -> None:
    """Once; nothing is lost."""
    with bybit(exchange, BTC) as client:
        number = exchange.inject("reorder", topics=BTC)
        ids = updates(hear_on(client, BTC, 10))
        exchange.heal(number)
    with binance(exchange, "btcusdt@aggTrade", route="/market/stream") as client:
        number = exchange.inject("reorder", topics="*@aggTrade", count=3)
        trades = [it["data"]["a"] for it in hear_on(client, "btcusdt@aggTrade", 8)]
        exchange.heal(number)
    assert sorted(ids) == list(range(min(ids), min(ids) + len(ids)))
    assert trades != sorted(trades) and sorted(trades) == list(range(min(trades), min(trades) + len(trades)))


def test_a_delta_comes_before_the_snapshot(exchange: Commanded) -> None:
    """The snapshot that follows holds it, and the next delta follows the snapshot."""
    number = exchange.inject("delta_first")
    with bybit(exchange) as client:
        heard = ask_bybit(client, BTC) + hear_of(client, BTC, 4)
    exchange.heal(number)
    messages = [it for it in heard if topic_of(it) == BTC]
    assert [it["type"] for it in messages[:4]] == ["delta", "snapshot", "delta", "delta"]
    first = messages[0]["data"]["u"]
    assert updates(messages[:4]) == [first, first, first + 1, first + 2]


@pytest.mark.parametrize("restart", [False, True])
def test_a_snapshot_comes_unasked(exchange: Commanded, restart: bool) -> None:
    """It replaces the book; after a restart of the service counting begins at 1."""
    topic = f"orderbook.{200 if restart else 50}.ETHUSDT"
    with bybit(exchange, topic) as client:
        catch_up(client)
        exchange.inject("snapshot", topics=topic, restart=restart)
        heard = hear_until(client, lambda heard: [it.get("type") for it in heard[-3:-2]] == ["snapshot"])
    before, snapshot, after = heard[-4:-1] if len(heard) > 3 else [heard[-3], *heard[-3:-1]]
    assert len(snapshot["data"]["b"]) == len(snapshot["data"]["a"]) == int(topic.split(".")[1])
    assert after["data"]["u"] == snapshot["data"]["u"] + 1
    assert (snapshot["data"]["u"] == 1) if restart else (snapshot["data"]["u"] >= before["data"]["u"])
