"""Topics, subscriptions and sockets that say nothing, as a client on a socket sees it."""

import socket as sockets
from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed

from tests.collector.simulator.exchange import Commanded, hear_until, is_silent, say
from tests.collector.simulator.faults.market import (
    ask_binance,
    ask_bybit,
    binance,
    bybit,
    catch_up,
    hear_of,
    market,
    topic_of,
)

pytestmark = pytest.mark.wire

BTC, ETH = "orderbook.50.BTCUSDT", "orderbook.50.ETHUSDT"


@pytest.fixture(scope="module")
def running() -> Iterator[Commanded]:
    with market() as found:
        yield found


@pytest.fixture
def exchange(running: Commanded) -> Iterator[Commanded]:
    yield running
    running.heal()


def test_a_muted_topic_is_silent_until_it_is_healed_and_its_neighbour_goes_on(exchange: Commanded) -> None:
    """What it would have said is lost: the sequence shows it."""
    with bybit(exchange, BTC, ETH) as client:
        heard = hear_of(client, BTC, 2)
        number = exchange.inject("mute", topics="orderbook.*", symbols="BTC*")
        before = [it for it in heard + catch_up(client) if topic_of(it) == BTC][-1]["data"]["u"]
        assert {topic_of(it) for it in hear_until(client, lambda heard: len(heard) > 15)} == {ETH}
        healed = exchange.heal(number)
        after = hear_of(client, BTC, 1)[0]["data"]["u"]
    lost = healed["withheld"][BTC]
    assert after == before + lost["messages"] + 1 > before + 2
    assert 0 < lost["last_ms"] - lost["first_ms"] < 60_000
    assert list(healed["withheld"]) == [BTC]


def test_a_fault_ends_by_itself_after_its_seconds(exchange: Commanded) -> None:
    """And is told as ended."""
    with binance(exchange, "btcusdt@bookTicker") as client:
        number = exchange.inject("mute", topics="*@bookTicker", seconds=0.2)
        catch_up(client)
        hear_of(client, "btcusdt@bookTicker", 1)
        entry = next(it for it in exchange.ask("/faults") if it["id"] == number)
        assert entry["ended_ms"] - entry["began_ms"] >= 200


@pytest.mark.parametrize("cure", ["resubscribe", "socket"])
def test_what_helps_against_silence_is_what_was_said(exchange: Commanded, cure: str) -> None:
    """A new subscription on the same socket, or only a new socket."""
    with bybit(exchange, BTC, ETH) as client:
        number = exchange.inject("mute", topics=BTC, until=cure)
        catch_up(client)
        say(client, op="unsubscribe", args=[BTC])
        ask_bybit(client, BTC)
        heard = {topic_of(it) for it in hear_until(client, lambda heard: len(heard) > 20)}
        assert (BTC in heard) == (cure == "resubscribe")
        with bybit(exchange, BTC) as other:
            assert hear_of(other, BTC, 3)
        exchange.heal(number)


def test_subscriptions_are_acknowledged_and_stay_silent(exchange: Commanded) -> None:
    """Only those made while it took newcomers; the next ones get their data."""
    with binance(exchange, "ethusdt@bookTicker") as client:
        number = exchange.inject("ack_and_silence", topics="*@depth*", lasts=0.2)
        ask_binance(client, "ethusdt@depth@100ms")
        heard = hear_of(client, "ethusdt@bookTicker", 30)
        assert {topic_of(it) for it in heard} == {"ethusdt@bookTicker"}
        say(client, method="UNSUBSCRIBE", params=["ethusdt@depth@100ms"], id=2)
        ask_binance(client, "ethusdt@depth@100ms")
        assert hear_of(client, "ethusdt@depth@100ms", 2)
        exchange.heal(number)


def test_only_a_new_socket_helps_a_deaf_one(exchange: Commanded) -> None:
    """Subscriptions on the sockets of now are acknowledged for ever in vain; also by the name of the host."""
    with bybit(exchange, ETH) as client:
        number = exchange.inject("ack_and_silence", topics=BTC, until="socket")
        assert BTC not in {topic_of(it) for it in ask_bybit(client, BTC) + hear_of(client, ETH, 5)}
        with bybit(exchange, BTC) as other:
            assert hear_of(other, BTC, 2)
        exchange.heal(number)
        number = exchange.inject("mute", host=f"localhost:{exchange.port}")
        assert hear_of(client, ETH, 2)
        exchange.heal(number)


def test_a_route_can_be_silent(exchange: Commanded) -> None:
    """A retired address: the handshake is fine, the acknowledgement comes, and nothing else."""
    number = exchange.inject("mute", route="/ws*")
    with (
        binance(exchange, "btcusdt@bookTicker", route="/ws") as old,
        binance(exchange, "btcusdt@bookTicker") as new,
    ):
        hear_of(new, "btcusdt@bookTicker", 5)
        assert is_silent(old, 0.1)
    exchange.heal(number)


def test_a_frozen_socket_holds_everything_back_and_answers_no_ping(exchange: Commanded) -> None:
    """It comes when the socket thaws, in order and without a gap; others never notice."""
    with bybit(exchange, BTC) as frozen:
        hear_of(frozen, BTC, 2)
        number = exchange.inject("freeze", venue="bybit")
        with bybit(exchange, BTC) as other:
            hear_of(other, BTC, 10)
        while not is_silent(frozen, 0.1):
            pass
        say(frozen, op="ping", req_id="beat")
        pong = frozen.ping()
        assert is_silent(frozen, 0.2) and not pong.is_set()
        exchange.heal(number)
        heard = hear_until(frozen, lambda heard: heard[-1].get("req_id") == "beat")
        assert pong.wait(5)
    ids = [it["data"]["u"] for it in heard if topic_of(it) == BTC]
    assert len(ids) > 5 and ids == list(range(ids[0], ids[0] + len(ids)))


def test_an_impatient_exchange_drops_who_does_not_read(exchange: Commanded) -> None:
    """By its backlog, or by a ping that it does not answer; others stay."""
    with bybit(exchange, "orderbook.1000.BTCUSDT") as client:
        number = exchange.inject("impatient", bytes=1)
        exchange.inject("garbage", form="huge", topics="orderbook.1000.*", count=3)
        with pytest.raises(ConnectionClosed):
            for _ in range(10_000):
                client.recv(timeout=5)
        exchange.heal(number)
    with sockets.create_connection(("127.0.0.1", exchange.port), timeout=5) as deaf:
        request = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        request += "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        deaf.sendall(request.encode())
        with bybit(exchange, BTC) as polite:
            number = exchange.inject("impatient", within=0.3)
            with pytest.raises(ConnectionResetError):
                while deaf.recv(4096):
                    pass
            catch_up(polite)
            assert exchange.heal(number)["withheld"]["/ws"]["messages"] == 1
