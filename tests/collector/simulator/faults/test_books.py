"""Levels that stay although they are gone, crossed books, snapshots out of a cache."""

from collections.abc import Iterator

import pytest

from tests.collector.simulator.exchange import BookCopy, Commanded, get, hear_until, say
from tests.collector.simulator.faults.market import binance, bybit, catch_up, hear_of, market, topic_of

pytestmark = pytest.mark.wire

BTC = "orderbook.50.BTCUSDT"
HELD_MS = 700
DEPTH = "btcusdt@depth@100ms"


@pytest.fixture(scope="module")
def running() -> Iterator[Commanded]:
    with market(speed=20.0) as found:
        yield found


@pytest.fixture
def exchange(running: Commanded) -> Iterator[Commanded]:
    yield running
    running.heal()


def is_crossed(book: BookCopy) -> bool:
    """Whether a client's copy cannot be true."""
    return book.top[0] >= book.top[2]


def test_a_deletion_that_is_not_said_crosses_bybits_book(exchange: Commanded) -> None:
    """Then deletions are said again, the notes tell when, and the sequence has no gap."""
    with bybit(exchange) as client:
        book = BookCopy()
        number = exchange.inject("drop_delete", topics=BTC)
        say(client, op="subscribe", args=[BTC])
        messages, crossed_at, is_said = [], 0, False
        while not is_said:
            (message,) = (it for it in hear_of(client, BTC, 1))
            messages.append(message)
            is_said = any(float(size) == 0 for _, size in message["data"]["b"] + message["data"]["a"])
            assert crossed_at or not is_said
            book.apply(message["data"]["b"], message["data"]["a"])
            if is_crossed(book):
                crossed_at = crossed_at or message["ts"]
        healed = exchange.heal(number)
    ids = [it["data"]["u"] for it in messages]
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    assert messages[-1]["ts"] - crossed_at >= HELD_MS
    assert abs(healed["notes"][f"crossed {BTC}"] - crossed_at) < HELD_MS


def test_the_book_is_crossed_for_a_while_and_right_again(exchange: Commanded) -> None:
    """On both venues, by diffs, whole tops and REST alike; afterwards the copy is the book itself."""
    topics = (DEPTH, "btcusdt@depth20@100ms")
    with binance(exchange, *topics) as client:
        view = get(exchange.port, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
        book = BookCopy()
        book.replace(view["bids"], view["asks"])
        number = exchange.inject("cross", venue="binance", symbols="BTCUSDT")
        for it in hear_of(client, DEPTH, 3):
            book.apply(it["data"]["b"], it["data"]["a"])
        for it in catch_up(client):
            if topic_of(it) == DEPTH:
                book.apply(it["data"]["b"], it["data"]["a"])
        whole = hear_of(client, topics[1], 1)[0]["data"]
        rest = get(exchange.port, "/fapi/v1/depth?symbol=BTCUSDT&limit=20")
        assert is_crossed(book)
        assert max(float(price) for price, _ in whole["b"]) >= min(float(price) for price, _ in whole["a"])
        assert float(rest["bids"][0][0]) >= float(rest["asks"][0][0])
        exchange.heal(number)
    copy_is_right_after("bybit", exchange)


def copy_is_right_after(venue: str, exchange: Commanded) -> None:
    """A client that lived through a crossed book has the true one in the end, without a new snapshot."""
    with bybit(exchange) as client:
        say(client, op="subscribe", args=[BTC])
        book, was_crossed = BookCopy(), False
        hear_of_first = hear_until(client, lambda heard: topic_of(heard[-1]) == BTC)
        book.apply(hear_of_first[-1]["data"]["b"], hear_of_first[-1]["data"]["a"])
        number = exchange.inject("cross", venue=venue, symbols="BTCUSDT")
        for it in hear_of(client, BTC, 10):
            book.apply(it["data"]["b"], it["data"]["a"])
            was_crossed = was_crossed or is_crossed(book)
        exchange.heal(number)
        caught_up = [it for it in catch_up(client) if topic_of(it) == BTC]
        for it in caught_up + hear_of(client, BTC, 5):
            book.apply(it["data"]["b"], it["data"]["a"])
        last = it
        with bybit(exchange) as other:
            say(other, op="subscribe", args=[BTC])
            snapshot = hear_until(other, lambda heard: topic_of(heard[-1]) == BTC)[-1]
        while last["data"]["u"] < snapshot["data"]["u"]:
            (last,) = hear_of(client, BTC, 1)
            book.apply(last["data"]["b"], last["data"]["a"])
    truth = BookCopy()
    truth.replace(snapshot["data"]["b"], snapshot["data"]["a"])
    assert was_crossed and not is_crossed(book)
    assert (book.bids, book.asks) == (truth.bids, truth.asks)


def test_rest_answers_books_out_of_a_cache(exchange: Commanded) -> None:
    """As they were when the fault began, at any depth; then the truth again."""
    with binance(exchange, DEPTH) as client:
        hear_of(client, DEPTH, 2)
        number = exchange.inject("old_book", symbols="BTCUSDT")
        catch_up(client)
        first = hear_of(client, DEPTH, 5)[-1]["data"]
        old = get(exchange.port, "/fapi/v1/depth?symbol=BTCUSDT&limit=20")
        again = get(exchange.port, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000")
        exchange.heal(number)
        new = get(exchange.port, "/fapi/v1/depth?symbol=BTCUSDT&limit=20")
    assert old["lastUpdateId"] == again["lastUpdateId"] < first["U"] < new["lastUpdateId"]
    assert (len(old["bids"]), len(again["bids"])) == (20, 1000)
    assert old["E"] < new["E"]
