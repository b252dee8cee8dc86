"""What the latest state holds, as text under the names of `db.hot.keys`. What is missing is None or empty."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from redis import Redis

from db.hot import keys
from db.hot.connect import redis_errors
from db.hot.viewed import Viewed

Fields = dict[str, str]
_MOST_WORKERS = 256


class StreamEntry(NamedTuple):
    """One entry of a stream; `id` is Redis's, and orders them."""

    id: str
    fields: Fields


class Usage(NamedTuple):
    """A Redis server: its version, the bytes it uses and may use (0: no limit), its open connections."""

    version: str
    used_bytes: int
    max_bytes: int
    clients: int


class HotReader:
    """Reads on a client of `reader_client`. Every method raises StoreUnavailable."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def market(self, venue: str) -> dict[str, bytes]:
        """Symbol -> overview row as JSON, all of the venue in one command; empty for an unknown venue."""
        with redis_errors():
            found: Any = self._client.hgetall(keys.market(venue))
        return {symbol.decode(): row for symbol, row in found.items()}

    def book(self, venue: str, symbol: str) -> Fields | None:
        """The latest book, or None."""
        return self._hash(keys.book(venue, symbol))

    def ticker(self, venue: str, symbol: str) -> Fields | None:
        """The latest ticker, or None."""
        return self._hash(keys.ticker(venue, symbol))

    def kline(self, venue: str, symbol: str, interval: str) -> Fields | None:
        """The forming candle, or None."""
        return self._hash(keys.kline(venue, symbol, interval))

    def indicator(self, venue: str, symbol: str, interval: str) -> Fields | None:
        """The indicators of the forming candle, or of the one that has just closed, or None."""
        return self._hash(keys.indicator(venue, symbol, interval))

    def trades(self, venue: str, symbol: str, count: int = keys.TRADES_LENGTH) -> list[Fields]:
        """The newest public trades, newest first."""
        with redis_errors():
            found: Any = self._client.xrevrange(keys.trades(venue, symbol), count=count)
        return [as_text(fields) for _, fields in found]

    def feeds(self, venues: Iterable[str]) -> dict[str, Fields]:
        """Venue -> how its feed is doing, over all workers; a venue without a heartbeat is left out."""
        names = list(venues)
        found = self._hashes([keys.feed(venue) for venue in names])
        return {venue: fields for venue, fields in zip(names, found, strict=True) if fields}

    def feed_parts(self, venues: Iterable[str], workers: Iterable[str]) -> dict[tuple[str, str], Fields]:
        """(venue, worker id) -> how that worker's part of the feed is doing; if it has a heartbeat."""
        places = [(venue, worker) for venue in venues for worker in workers]
        found = self._hashes([keys.feed(venue, worker) for venue, worker in places])
        return {place: fields for place, fields in zip(places, found, strict=True) if fields}

    def workers(self) -> dict[str, Fields]:
        """Worker id -> what it says of itself; at most 256 of them."""
        pattern = keys.worker("*")
        with redis_errors():
            found: list[bytes] = []
            for key in self._client.scan_iter(match=pattern, count=1000):
                found.append(key)
                if len(found) == _MOST_WORKERS:
                    break
        names = sorted({key.decode() for key in found})
        rows = zip(names, self._hashes(names), strict=True)
        return {name.removeprefix(pattern[:-1]): fields for name, fields in rows if fields}

    def events(self, after_id: str = "0", count: int = 100) -> list[StreamEntry]:
        """Entries of `events` that came after `after_id`, oldest first."""
        with redis_errors():
            found: Any = self._client.xrange(keys.EVENTS, min=f"({after_id}", count=count)
        return [StreamEntry(entry_id.decode(), as_text(fields)) for entry_id, fields in found]

    def event_bounds(self) -> tuple[str, str] | None:
        """Ids of the oldest and the newest entry of `events`; None if there is none."""
        with redis_errors():
            oldest: Any = self._client.xrange(keys.EVENTS, count=1)
            newest: Any = self._client.xrevrange(keys.EVENTS, count=1)
        return (oldest[0][0].decode(), newest[0][0].decode()) if oldest and newest else None

    def look(self, venue: str, symbol: str, now_ms: int) -> None:
        """Say that somebody looks at a symbol, so that its history is had first. All that a reader writes."""
        Viewed(self._client).mark(venue, symbol, now_ms)

    def usage(self) -> Usage:
        """What the server says of itself."""
        with redis_errors():
            found: Any = self._client.info()
        return Usage(
            str(found.get("redis_version", "")),
            int(found.get("used_memory", 0)),
            int(found.get("maxmemory", 0)),
            int(found.get("connected_clients", 0)),
        )

    def _hash(self, key: str) -> Fields | None:
        with redis_errors():
            found: Any = self._client.hgetall(key)
        return as_text(found) or None

    def _hashes(self, names: list[str]) -> list[Fields]:
        """One round trip, single-key commands: a cluster would do as well."""
        if not names:
            return []
        with redis_errors():
            pipeline = self._client.pipeline(transaction=False)
            for name in names:
                pipeline.hgetall(name)
            return [as_text(found) for found in pipeline.execute()]


def as_text(fields: Mapping[bytes, bytes]) -> Fields:
    """A hash as the client gives it, decoded."""
    return {name.decode(): value.decode() for name, value in fields.items()}
