"""Connections to Redis that share what they know of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import ConnectionError as RedisGone
from redis import TimeoutError as RedisSilent
from redis.connection import AbstractConnection

from db.breaker import Breaker


def guarded(kind: type[AbstractConnection], breaker: Breaker) -> type[AbstractConnection]:
    """A kind of connection that asks the breaker before it goes anywhere, and tells it how that went."""

    class Guarded(kind):  # type: ignore[misc, valid-type]  # the kind is known when there is a URL
        def connect_check_health(self, *values: Any, **named: Any) -> None:
            _enter(breaker)
            with _noted(breaker):
                super().connect_check_health(*values, **named)

        def send_packed_command(self, *values: Any, **named: Any) -> None:
            _enter(breaker)
            with _noted(breaker):
                super().send_packed_command(*values, **named)

        def read_response(self, *values: Any, **named: Any) -> Any:
            with _noted(breaker):
                answer = super().read_response(*values, **named)
            breaker.worked()
            return answer

    return Guarded


def _enter(breaker: Breaker) -> None:
    if breaker.refuses():
        raise RedisGone("it failed a moment ago and is not asked now")


@contextmanager
def _noted(breaker: Breaker) -> Iterator[None]:
    try:
        yield
    except (RedisGone, RedisSilent):
        breaker.failed()
        raise
