"""A fast market that takes commands, and clients that follow some of its topics: for the tests of faults."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection

from collector.simulator.economy.clock import Clock
from collector.simulator.economy.market import SimulatedMarket
from tests.collector.simulator.exchange import (
    START,
    Commanded,
    commanded,
    hear_until,
    say,
    socket,
)

BYBIT = "/v5/public/linear"
PUBLIC = "/public/stream"
MARKET = "/market/stream"
Messages = list[dict[str, Any]]


@contextmanager
def market(speed: float = 10.0, start: int = START + 5_000, behind_s: float = 0.0) -> Iterator[Commanded]:
    """A simulated market whose clock runs faster than ours."""
    with commanded(lambda: SimulatedMarket(1, Clock(start, speed, behind_s))) as exchange:
        yield exchange


@contextmanager
def bybit(exchange: Commanded, *topics: str) -> Iterator[ClientConnection]:
    """A client that has subscribed to Bybit's topics, and heard that it has."""
    with socket(exchange.port, BYBIT) as client:
        ask_bybit(client, *topics)
        yield client


def ask_bybit(client: ClientConnection, *topics: str) -> Messages:
    """Subscribe, and wait for the answer; what was heard until then."""
    say(client, op="subscribe", req_id="in", args=topics)
    return hear_until(client, lambda heard: heard[-1].get("req_id") == "in")


@contextmanager
def binance(exchange: Commanded, *streams: str, route: str = PUBLIC) -> Iterator[ClientConnection]:
    """A client that has subscribed to Binance's streams, and heard that it has."""
    with socket(exchange.port, route) as client:
        ask_binance(client, *streams)
        yield client


def ask_binance(client: ClientConnection, *streams: str) -> Messages:
    """Subscribe, and wait for the answer; what was heard until then."""
    say(client, method="SUBSCRIBE", params=streams, id=1)
    return hear_until(client, lambda heard: heard[-1].get("id") == 1)


def catch_up(client: ClientConnection) -> Messages:
    """Everything that was sent before now."""
    if "stream" in str(client.request and client.request.path):
        say(client, method="LIST_SUBSCRIPTIONS", id=99)
        return hear_until(client, lambda heard: heard[-1].get("id") == 99)
    say(client, op="ping", req_id="99")
    return hear_until(client, lambda heard: heard[-1].get("req_id") == "99")


def topic_of(message: dict[str, Any]) -> str:
    """Which topic of either venue a message is of; "" for an answer."""
    return str(message.get("topic") or message.get("stream") or "")


def hear_of(client: ClientConnection, topic: str, count: int) -> Messages:
    """The next messages of one topic."""
    heard = hear_until(client, lambda heard: sum(topic_of(it) == topic for it in heard) >= count)
    return [message for message in heard if topic_of(message) == topic]


def hear_on(client: ClientConnection, topic: str, count: int) -> Messages:
    """What was sent of a topic before now, and the next messages of it."""
    return [it for it in catch_up(client) if topic_of(it) == topic] + hear_of(client, topic, count)


def updates(messages: Messages) -> list[int]:
    """The `u` of book messages of either venue."""
    return [message["data"]["u"] for message in messages]
