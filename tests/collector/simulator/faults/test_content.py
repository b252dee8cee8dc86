"""Messages that cannot be read, that look different, or whose times cannot be true."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.collector.simulator.exchange import Commanded
from tests.collector.simulator.faults.market import binance, bybit, hear_of, hear_on, market

pytestmark = pytest.mark.wire

BTC = "orderbook.50.BTCUSDT"
QUOTE = "btcusdt@bookTicker"


@pytest.fixture(scope="module")
def running() -> Iterator[Commanded]:
    with market() as found:
        yield found


@pytest.fixture
def exchange(running: Commanded) -> Iterator[Commanded]:
    yield running
    running.heal()


@pytest.mark.parametrize("form", ["truncated", "binary", "huge", "text"])
def test_a_frame_comes_that_is_none(exchange: Commanded, form: str) -> None:
    """One, beside the messages, of which none is lost."""
    with bybit(exchange, BTC) as client:
        number = exchange.inject("garbage", topics=BTC, form=form)
        unreadable: list[str | bytes] = []
        ids: list[int] = []
        while len(ids) < 8 or not unreadable:  # some were on their way before
            assert len(ids) < 200
            frame = client.recv(timeout=5)
            try:
                message = json.loads(frame) if isinstance(frame, str) and len(frame) < 2**20 else None
            except json.JSONDecodeError:
                message = None
            if message is None:
                unreadable.append(frame)
            elif message.get("topic") == BTC:
                ids.append(message["data"]["u"])
        exchange.heal(number)
    assert len(unreadable) == 1 and ids == list(range(ids[0], ids[0] + len(ids)))
    assert isinstance(unreadable[0], bytes) == (form == "binary")
    assert (len(unreadable[0]) > 10**7) == (form == "huge")


def drifted(exchange: Commanded, topic: str, form: str) -> dict[str, Any]:
    """The first message of a topic that has drifted."""
    with bybit(exchange) if "@" not in topic else binance(exchange) as client:
        number = exchange.inject("drift", topics=topic, form=form)
        request: dict[str, Any] = {"op": "subscribe", "args": [topic]}
        if "@" in topic:
            request = {"method": "SUBSCRIBE", "params": [topic], "id": 1}
        client.send(json.dumps(request))
        (message, *_) = hear_of(client, topic, 1)
        exchange.heal(number)
    return message


def test_messages_drift_from_what_was_agreed(exchange: Commanded) -> None:
    """New fields, numbers as text, null, NaN, and nothing where something was."""
    more, quote = drifted(exchange, BTC, "new_fields"), drifted(exchange, QUOTE, "new_fields")
    assert more["newField"] and more["data"]["u"] and quote["data"]["newField"]
    text = drifted(exchange, QUOTE, "texts")["data"]
    assert text["u"] == str(int(text["u"])) and text["T"] == str(int(text["T"]))
    assert drifted(exchange, BTC, "texts")["data"]["u"].isdecimal()
    assert drifted(exchange, BTC, "null")["data"]["b"][0][0] is None
    assert drifted(exchange, QUOTE, "nan")["data"]["b"] == "NaN"
    empty = drifted(exchange, BTC, "empty")["data"]
    assert (empty["b"], empty["a"]) == ([], [])


def test_times_cannot_be_true(exchange: Commanded) -> None:
    """A thousand times too large, or an hour ahead; only times change."""
    with bybit(exchange, BTC) as client:
        (before,) = hear_of(client, BTC, 1)
        number = exchange.inject("shift_times", topics=BTC, factor=1000, count=1)
        heard = [before, *hear_on(client, BTC, 10)]
        exchange.heal(number)
    wrong = [it for it in heard if it["cts"] > 10 * before["cts"]]
    assert (
        len(wrong) == 1
        and wrong[0]["ts"] % 1000 == 0
        and wrong[0]["ts"] / before["ts"] == pytest.approx(1000)
    )
    ids = [it["data"]["u"] for it in heard]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    with binance(exchange, QUOTE) as client:
        number = exchange.inject("shift_times", topics=QUOTE, milliseconds=3_600_000)
        quotes = [it["data"] for it in hear_on(client, QUOTE, 10)]
        exchange.heal(number)
    assert max(it["T"] for it in quotes) - before["cts"] > 3_000_000
