"""What stands in Redis, as tests compare it: its client does not know the types of an entry."""

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import redis


def entries(hot: "redis.Redis", key: str) -> list[dict[Any, Any]]:
    """The fields of each entry of a stream, oldest first."""
    return [fields for _id, fields in cast(list[tuple[Any, dict[Any, Any]]], hot.xrange(key))]
