"""A hot store, clocks and settings that a test holds in its hand."""

from collections.abc import Iterable
from typing import Any

import msgspec

from app.ports import Clock, Fields
from db.errors import StoreUnavailable
from db.hot.reader import StreamEntry, Usage
from db.settings import Settings

NOW = 1_700_000_000_000
LIVE_FEED = {"state": "live", "reason": "", "message_rate": "412.5", "last_message_time": str(NOW - 10)}

WORKER = {"host": "here", "heartbeat_at": str(NOW), "db_state": "up"}


def row(venue: str, symbol: str, **values: Any) -> bytes:
    """An overview row as the collector writes it: every field present, missing ones null."""
    known: dict[str, Any] = {
        "venue": venue, "symbol": symbol, "base": symbol[:-4], "quote": "USDT", "multiplier": 1.0,
        "tick_size": None, "last_price": None, "mark_price": None, "index_price": None, "funding_rate": None,
        "next_funding_time": None, "open_interest": None, "high_24h": None, "low_24h": None,
        "volume_24h": None, "turnover_24h": None, "change_24h_pct": None, "best_bid_price": None,
        "best_ask_price": None, "mid": None, "spread_bps": None, "imbalance": None, "book_state": "live",
        "event_time": NOW - 120, "recv_time": NOW - 100, "indicators": {},
    }  # fmt: skip
    return msgspec.json.encode(known | values)


class FakeReader:
    """Rows and feeds set by the test; with `broken` it answers nothing. Counts what it is asked."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, bytes]] = {}
        self.states: dict[str, dict[str, str]] = {}
        self.collectors: dict[str, Fields] = {"worker.1": WORKER}
        self.shares: dict[tuple[str, str], Fields] = {}
        self.books: dict[tuple[str, str], Fields] = {}
        self.tickers: dict[tuple[str, str], Fields] = {}
        self.forming: dict[tuple[str, str, str], Fields] = {}
        self.provisional: dict[tuple[str, str, str], Fields] = {}
        self.tapes: dict[tuple[str, str], list[Fields]] = {}
        self.looks: list[tuple[str, str, int]] = []
        self.told: list[StreamEntry] = []
        self.kept = 10_000
        self.broken = False
        self.reads = 0

    def put(self, venue: str, symbol: str, **values: Any) -> None:
        """Store one row."""
        self.rows.setdefault(venue, {})[symbol] = row(venue, symbol, **values)

    def market(self, venue: str) -> dict[str, bytes]:
        self._check()
        return dict(self.rows.get(venue, {}))

    def feeds(self, venues: Iterable[str]) -> dict[str, dict[str, str]]:
        self.reads += 1
        self._check()
        return {venue: self.states[venue] for venue in venues if venue in self.states}

    def workers(self) -> dict[str, Fields]:
        self._check()
        return dict(self.collectors)

    def feed_parts(self, venues: Iterable[str], workers: Iterable[str]) -> dict[tuple[str, str], Fields]:
        self._check()
        places = [(venue, worker) for venue in venues for worker in workers]
        return {place: self.shares[place] for place in places if place in self.shares}

    def usage(self) -> Usage:
        self._check()
        return Usage("7.0.15", 2_500_000, 25_000_000, 7)

    def book(self, venue: str, symbol: str) -> Fields | None:
        self._check()
        return self.books.get((venue, symbol))

    def ticker(self, venue: str, symbol: str) -> Fields | None:
        self._check()
        return self.tickers.get((venue, symbol))

    def kline(self, venue: str, symbol: str, interval: str) -> Fields | None:
        self._check()
        return self.forming.get((venue, symbol, interval))

    def indicator(self, venue: str, symbol: str, interval: str) -> Fields | None:
        self._check()
        return self.provisional.get((venue, symbol, interval))

    def trades(self, venue: str, symbol: str, count: int = 200) -> list[Fields]:
        self._check()
        return self.tapes.get((venue, symbol), [])[:count]

    def events(self, after_id: str = "0", count: int = 100) -> list[StreamEntry]:
        """The newest `kept` of them are still there."""
        self._check()
        return [e for e in self.told[-self.kept :] if place(e.id) > place(after_id)][:count]

    def event_bounds(self) -> tuple[str, str] | None:
        self._check()
        held = self.told[-self.kept :]
        return (held[0].id, held[-1].id) if held else None

    def tell(self, kind: str, venue: str = "bybit", symbol: str = "BTCUSDT", data: str = "{}") -> str:
        """Append an entry to `events`; returns its id."""
        entry_id = f"{NOW + len(self.told)}-0"
        fields = {"kind": kind, "time": str(NOW), "venue": venue, "symbol": symbol, "data": data}
        self.told.append(StreamEntry(entry_id, fields))
        return entry_id

    def look(self, venue: str, symbol: str, now_ms: int) -> None:
        self._check()
        self.looks.append((venue, symbol, now_ms))

    def _check(self) -> None:
        if self.broken:
            raise StoreUnavailable("Redis: connection to redis.internal:6379 refused")


def place(entry_id: str) -> tuple[int, int]:
    """An id as what it compares by."""
    ms, _, number = entry_id.partition("-")
    return int(ms), int(number or 0)


class FakeTime:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0

    @property
    def clock(self) -> Clock:
        """What the read model takes."""
        return Clock(lambda: NOW + int(self.elapsed_s * 1000), lambda: self.elapsed_s)


def settings(**values: Any) -> Settings:
    """Settings of a test, independent of the environment's feeds."""
    known: dict[str, Any] = {
        "database_url": "postgresql://nowhere/app",
        "redis_url": "redis://nowhere",
        "symbols": ["BTCUSDT", "ETHUSDT"],
        "feeds": "live",
        "api_rate_limit": "off",
    }
    return Settings(_env_file=None, **(known | values))
