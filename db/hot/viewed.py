"""Which Symbol pages are open: the web says it, the collector asks for their history first."""

from typing import Any

from redis import Redis, ResponseError

from db.hot import keys
from db.hot.connect import redis_errors

MOST = 256
"""Symbols that are remembered; the newest looks stay."""


class Viewed:
    """One sorted set. Thread-safe as its client is. Every method raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def mark(self, venue: str, symbol: str, now_ms: int) -> None:
        """Somebody looks at a symbol."""
        with redis_errors():
            try:
                self._mark(f"{venue}:{symbol}", now_ms)
            except ResponseError as error:
                if "WRONGTYPE" not in str(error):
                    raise
                self._client.delete(keys.VIEWED)  # somebody put another type there
                self._mark(f"{venue}:{symbol}", now_ms)

    def symbols(self, venue: str) -> list[str]:
        """The venue's symbols that are looked at, the newest look first."""
        with redis_errors():
            found: Any = self._client.zrevrange(keys.VIEWED, 0, MOST - 1)
        names = (member.decode().partition(":") for member in found)
        return [symbol for name, _, symbol in names if name == venue]

    def _mark(self, member: str, now_ms: int) -> None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zadd(keys.VIEWED, {member: now_ms})
        pipeline.zremrangebyscore(keys.VIEWED, "-inf", now_ms - keys.VIEWED_TTL_S * 1000)
        pipeline.zremrangebyrank(keys.VIEWED, 0, -MOST - 1)
        pipeline.expire(keys.VIEWED, keys.VIEWED_TTL_S)
        pipeline.execute()
