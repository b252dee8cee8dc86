"""A failure is remembered by all clients together, and forgotten when Redis answers."""

import socket
import threading
from collections.abc import Iterator

import pytest
from redis import Redis, ResponseError

from db.breaker import PAUSE_S, Breaker
from db.errors import StoreUnavailable
from db.hot.connect import rate_pool, reader_client, redis_errors


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Frozen:
    """Takes connections and says nothing; counts them."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """Connections so far."""
        return len(self._held)

    def close(self) -> None:
        """Let go of all."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for held in self._held:
            held.close()

    def _accept(self) -> None:
        while True:
            try:
                self._held.append(self._listener.accept()[0])
            except OSError:  # closed
                return


@pytest.fixture
def frozen() -> Iterator[Frozen]:
    made = Frozen()
    yield made
    made.close()


def _ask(client: Redis) -> None:
    with redis_errors():
        client.ping()


def test_it_lets_all_through_until_something_fails() -> None:
    """And refuses everybody for the pause after it."""
    clock = Clock()
    breaker = Breaker(clock)
    assert not breaker.refuses()
    breaker.failed()
    assert breaker.refuses()
    clock.now += PAUSE_S * 0.9
    assert breaker.refuses()


def test_after_a_pause_one_tries_and_others_do_not_wait() -> None:
    """The one that tries may ask as often as it needs to, until it knows."""
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed()
    clock.now += PAUSE_S
    assert [breaker.refuses(), breaker.refuses()] == [False, False]
    others: list[bool] = []
    other = threading.Thread(target=lambda: others.append(breaker.refuses()))
    other.start()
    other.join()
    assert others == [True]
    breaker.worked()
    assert not breaker.refuses()


def test_a_try_that_fails_begins_the_pause_anew() -> None:
    """Also for the one that tried."""
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed()
    clock.now += PAUSE_S
    assert not breaker.refuses()
    breaker.failed()
    assert breaker.refuses()


def test_clients_share_what_they_know(frozen: Frozen) -> None:
    """One waits for a server that hangs; then neither it nor the other one goes there."""
    clock = Clock()
    breaker = Breaker(clock)
    reader, counter = reader_client(frozen.url, breaker), Redis.from_pool(rate_pool(frozen.url, breaker))
    with pytest.raises(StoreUnavailable, match="Timeout"):
        _ask(reader)
    for client in (reader, counter, reader):
        with pytest.raises(StoreUnavailable, match="a moment ago"):
            _ask(client)
    clock.now += PAUSE_S
    with pytest.raises(StoreUnavailable, match="Timeout"):
        _ask(counter)
    assert frozen.count == 2
    for client in (reader, counter):
        client.close()


def test_open_connections_are_not_asked_either(redis_client_url: str) -> None:
    """A server that stands still has taken them long ago; when it goes on they are of use again."""
    clock = Clock()
    breaker = Breaker(clock)
    client = reader_client(redis_client_url, breaker)
    _ask(client)
    breaker.failed()
    with pytest.raises(StoreUnavailable, match="a moment ago"):
        _ask(client)
    clock.now += PAUSE_S
    _ask(client)
    assert not breaker.refuses()
    client.close()


def test_an_error_that_the_server_tells_is_an_answer(redis_client_url: str) -> None:
    """It is there."""
    breaker = Breaker()
    client = reader_client(redis_client_url, breaker)
    client.set("text", "no hash")
    with pytest.raises(ResponseError, match="WRONGTYPE"):
        client.hgetall("text")
    assert not breaker.refuses()
    _ask(client)
    client.close()
