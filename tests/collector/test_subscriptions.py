"""Requests of one socket and their answers, without one."""

from typing import cast

from collector.connection import Connection
from collector.subscriptions import Subscriptions
from collector.venues import VENUES, Topic
from market.events import Ack, Rejected

NAME = "orderbook.50.BTCUSDT"
WORDS = f"error:handler not found,topic:{NAME}"


class Wire:
    """Stands for a connection that is open."""

    name = "wire"
    opened_at = 1.0

    def send(self, frame: str) -> None:
        """Into the void."""


def asked_anew() -> Subscriptions:
    """A topic that was subscribed (1), ended (2) and asked for again (3)."""
    topics = {NAME: Topic(NAME, "", "book", "BTCUSDT")}
    made = Subscriptions(
        VENUES["bybit"].stream, cast("Connection", Wire()), topics, lambda _event, _detail: None
    )
    made.begin()
    assert made.on_answer(Ack("1")) == ""
    made.end([NAME])
    made.ask([NAME])
    return made


def test_an_end_that_is_refused_is_no_refused_topic() -> None:
    """It was asked for again meanwhile, which is another request with an answer of its own."""
    made = asked_anew()
    assert made.on_answer(Rejected("2", WORDS, NAME)) == ""
    assert made.on_answer(Ack("3")) == ""
    assert made.refused == {}


def test_a_refusal_without_a_request_is_that_of_its_topic() -> None:
    """A venue that could not read a request may tell no id."""
    made = asked_anew()
    assert made.on_answer(Rejected("", WORDS, NAME)) == NAME
    assert made.refused == {NAME: WORDS}
