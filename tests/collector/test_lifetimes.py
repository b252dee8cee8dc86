"""Keys of instruments expire 120 s after the last sign that their feed lives."""

import pytest
import redis

from collector.lifetimes import REFRESH_EVERY_S, Lifetimes
from collector.publisher import Publisher
from db.hot import keys
from db.hot.connect import live_client
from db.hot.writer import HotWriter
from tests.collector.fakes import FakeFeed
from tests.collector.test_publisher import feed, publisher

KEY = "ticker:bybit:BTCUSDT"


class Asked(HotWriter):
    """Keeps what is to expire when."""

    def __init__(self) -> None:
        self.ttls: list[int] = []

    def expire(self, _key: str, ttl_s: int) -> None:
        self.ttls.append(ttl_s)


def test_a_silent_feed_gives_less_and_less_time() -> None:
    """So that whatever is written, it goes 120 s after the last datum; a shared key has 30 s at least."""
    asked = Asked()
    lives = Lifetimes(asked)
    for silent_s in (0, 20, 40, 115):
        assert lives.begin("bybit", 1000.0, 1000.0 + silent_s)
        lives.keep(KEY, 1000.0 + silent_s)
    assert asked.ttls == [120, 100, 80, 30]
    assert not lives.begin("bybit", 1000.0, 1120.0)
    assert lives.begin("bybit", 1121.0, 1121.0)


def test_a_feed_that_never_spoke_is_waited_for_as_long() -> None:
    """Its keys say so; then they go."""
    lives = Lifetimes(Asked())
    assert lives.begin("bybit", float("-inf"), 1000.0)
    assert lives.begin("bybit", float("-inf"), 1119.0)
    assert not lives.begin("bybit", float("-inf"), 1120.0)


def test_a_key_is_kept_once_in_a_while() -> None:
    """A command for each write would double them; a key that is not there is not asked for."""
    asked = Asked()
    lives = Lifetimes(asked)
    lives.begin("bybit", 1000.0, 1000.0)
    lives.refresh([KEY], 1000.0)
    assert asked.ttls == []
    for second in (0.0, 1.0, REFRESH_EVERY_S - 1, REFRESH_EVERY_S):
        lives.keep(KEY, 1000.0 + second)
    assert len(asked.ttls) == 2
    lives.take("book:bybit:BTCUSDT")
    lives.refresh([KEY, "book:bybit:BTCUSDT"], 1016.0)
    assert len(asked.ttls) == 3


@pytest.fixture
def silent(redis_client_url: str) -> tuple[Publisher, FakeFeed]:
    """A publisher whose one feed spoke last at 1000."""
    followed = feed()
    followed.pipeline.statistics.last_data_at = 1000.0
    made = publisher(redis_client_url, [followed], HotWriter(live_client(redis_client_url)))
    made.publish(1000.0)
    return made, followed


def test_nothing_is_written_of_a_feed_whose_keys_have_gone(
    redis_client_url: str, silent: tuple[Publisher, FakeFeed]
) -> None:
    """However often its connection opens and falls silent; with the first datum all comes back."""
    hot = redis.Redis.from_url(redis_client_url, decode_responses=True)
    made, followed = silent
    hot.delete(keys.book("bybit", "BTCUSDT"), keys.market("bybit"))
    state = followed.pipeline.states["BTCUSDT"]
    for second, word in enumerate(("stale", "syncing", "stale")):
        state.lose_book(word)
        made.publish(1121.0 + second)
    assert not hot.exists(keys.book("bybit", "BTCUSDT"), keys.market("bybit"))
    assert hot.hget("feed:bybit", "state") == "live"
    followed.pipeline.statistics.last_data_at = 1130.0
    made.publish(1130.0)
    assert hot.hget(keys.book("bybit", "BTCUSDT"), "state") == "stale"
    assert 100 < hot.ttl(keys.book("bybit", "BTCUSDT")) <= keys.INSTRUMENT_TTL_S
    assert hot.hexists(keys.market("bybit"), "BTCUSDT")
