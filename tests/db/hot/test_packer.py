"""Commands become the bytes that redis-py's own packer makes of them."""

import pytest
from redis import DataError
from redis.connection import HiredisRespSerializer

from db.hot.packer import Packer


@pytest.mark.parametrize(
    "command",
    [
        ("PING",),
        ("HSET", "book:bybit:ETHUSDT", "mid", "1.5", b"raw", b"\x00\xff", "update_id", 12, "size", 0.1),
        ("XINFO STREAM", "events"),
        ("EVAL", "return redis.pcall('HSET', KEYS[1], unpack(ARGV))", 1, "é", ""),
    ],
)
def test_bytes_are_those_of_redis_py(command: tuple[str | bytes | int | float, ...]) -> None:
    """Text, bytes and numbers; names of one word and of two."""
    assert Packer().pack(*command) == HiredisRespSerializer().pack(*command)  # type: ignore[arg-type]  # its stub says list


def test_what_is_no_argument_is_refused() -> None:
    """As redis-py does, so that whoever hears its errors hears this."""
    with pytest.raises(DataError):
        Packer().pack("SET", "key", None)  # type: ignore[arg-type]
