"""Clients of Redis: one that must never wait long, one that the web reads with. Both connect when used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from redis import BlockingConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from db.breaker import Breaker
from db.errors import StoreUnavailable
from db.hot.guarded import guarded
from db.hot.packer import Packer

Client = Redis
"""A connection pool, for those who only hand it on."""


def live_client(url: str) -> Redis:
    """The collector's client: every command ends within a quarter of a second and is never tried again.

    Retries would hold up fresh data behind old. Takes redis://, rediss:// and unix://. Replies are bytes.
    """
    return _client(url, max_connections=1, wait_s=0.25, socket_timeout=0.25, socket_connect_timeout=0.25)


def reader_client(url: str, breaker: Breaker | None = None) -> Redis:
    """The web's client: two connections a process. Replies are bytes.

    A request waits a third of a second for a Redis that hangs, its turn included; a busy loop is no reason to
    end a wait (gevent looks at what came before it looks at the time). Where a `breaker` remembers a failure,
    those that come in the second after it wait for nothing.
    """
    return _client(
        url,
        max_connections=2,
        wait_s=0.1,
        socket_timeout=0.2,
        socket_connect_timeout=0.2,
        health_check_interval=30,
        breaker=breaker,
    )


def trial_client(url: str) -> Redis:
    """For a first look at who answers there, which may take its time."""
    return _client(url, max_connections=1, wait_s=5, socket_timeout=5, socket_connect_timeout=5)


def rate_pool(url: str, breaker: Breaker | None = None) -> BlockingConnectionPool:
    """The rate limiter's one connection: requests wait a moment for it, and it never tries again."""
    return _pool(
        url,
        max_connections=1,
        wait_s=0.1,
        socket_timeout=0.25,
        socket_connect_timeout=0.25,
        breaker=breaker,
    )


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn whatever the client raises into StoreUnavailable."""
    try:
        yield
    except RedisError as error:
        raise StoreUnavailable(f"Redis: {error or type(error).__name__}") from error


def _client(url: str, **options: Any) -> Redis:
    return Redis.from_pool(_pool(url, **options))


def _pool(
    url: str, *, max_connections: int, wait_s: float, breaker: Breaker | None = None, **options: Any
) -> BlockingConnectionPool:
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=wait_s,
        retry=Retry(NoBackoff(), 0),
        command_packer=Packer(),
        driver_info=None,  # two commands fewer per connection, unknown before Redis 7.2
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **_tls(url),
        **options,
    )
    if breaker is not None:
        pool.connection_class = guarded(pool.connection_class, breaker)
    return pool


def _tls(url: str) -> dict[str, Any]:
    """Managed stores show self-signed certificates: unless the URL says otherwise, any will do."""
    parts = urlsplit(url)
    if parts.scheme != "rediss" or "ssl_cert_reqs" in parse_qs(parts.query):
        return {}
    return {"ssl_cert_reqs": "none", "ssl_check_hostname": False}
