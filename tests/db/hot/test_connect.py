import ssl

import pytest
from redis import BlockingConnectionPool, Redis, SSLConnection, UnixDomainSocketConnection

from db.errors import StoreUnavailable
from db.hot.connect import live_client, rate_pool, reader_client, redis_errors

CLIENTS = [live_client, reader_client]


@pytest.mark.parametrize("make", CLIENTS)
def test_a_client_reads_and_writes_bytes(redis_client_url: str, make: type[Redis]) -> None:
    """Both work on a real server, over whatever kind of URL it has."""
    client = make(redis_client_url)
    client.hset("h", mapping={"a": 1})
    assert client.hgetall("h") == {b"a": b"1"}
    client.close()


@pytest.mark.parametrize(
    ("make", "seconds", "turn_s", "connections"),
    [(live_client, 0.25, 0.25, 1), (reader_client, 0.2, 0.1, 2)],
)
def test_a_client_waits_briefly_and_tries_once(
    make: type[Redis], seconds: float, turn_s: float, connections: int
) -> None:
    """Short time-outs, a small pool that waits no longer, no hidden retries."""
    pool = make("redis://example.invalid:6379/3").connection_pool
    assert isinstance(pool, BlockingConnectionPool)
    options = pool.connection_kwargs
    assert (options["socket_timeout"], options["socket_connect_timeout"]) == (seconds,) * 2
    assert pool.timeout == turn_s
    assert (pool.max_connections, options["retry"].get_retries(), options["db"]) == (connections, 0, 3)


def test_counting_requests_waits_for_nobody() -> None:
    """Less than half a second, whatever hangs; one connection a process."""
    pool = rate_pool("redis://example.invalid")
    options = pool.connection_kwargs
    assert (pool.timeout, options["socket_timeout"], options["socket_connect_timeout"]) == (0.1, 0.25, 0.25)
    assert (pool.max_connections, options["retry"].get_retries()) == (1, 0)


def test_the_web_looks_after_idle_connections() -> None:
    """Managed stores cut what is idle for 300 s."""
    assert (
        reader_client("redis://example.invalid").connection_pool.connection_kwargs["health_check_interval"]
        == 30
    )


@pytest.mark.parametrize("make", CLIENTS)
def test_a_self_signed_certificate_is_taken(make: type[Redis]) -> None:
    """rediss:// asks for no certificate unless the URL says so; others have no TLS options at all."""
    pool = make("rediss://:secret@example.invalid:6380").connection_pool
    assert pool.connection_class is SSLConnection
    connection = pool.connection_class(**pool.connection_kwargs)
    assert (connection.cert_reqs, connection.check_hostname) == (ssl.CERT_NONE, False)
    strict = make("rediss://example.invalid?ssl_cert_reqs=required").connection_pool
    assert strict.connection_kwargs["ssl_cert_reqs"] == "required"
    assert make("unix:///tmp/r.sock").connection_pool.connection_class is UnixDomainSocketConnection


@pytest.mark.parametrize("make", CLIENTS)
def test_a_server_that_is_gone_is_store_unavailable(make: type[Redis]) -> None:
    """Making a client connects to nothing; using it names the store."""
    client = make("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable, match="Redis"), redis_errors():
        client.ping()
