"""What can be seen of a collector from outside: states in Redis, events and gaps in Postgres."""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import psycopg2
import redis

LOOK_EVERY_S = 0.05


class Instrument(NamedTuple):
    """One that is followed."""

    venue: str
    symbol: str


class Sign(NamedTuple):
    """Something that changed. `at`: monotonic seconds; `kind`: book, feed, event, gap, repair of a gap."""

    at: float
    kind: str
    venue: str
    symbol: str
    text: str


class Gap(NamedTuple):
    """A row of the ledger; times in epoch ms, `ended_at` None while it lasts."""

    venue: str
    symbol: str
    channel: str
    started_at: int
    ended_at: int | None
    cause: str
    repaired: str
    detail: str


class Watch:
    """Looks at both stores again and again, in a thread of its own, and remembers every change."""

    def __init__(self, redis_url: str, database_url: str, followed: Iterable[Instrument]) -> None:
        self.signs: list[Sign] = []
        self.books: dict[Instrument, str] = {}
        self.feeds: dict[str, tuple[str, str]] = {}
        self.gaps: dict[int, Gap] = {}
        self.came_at: dict[int, float] = {}
        """When each row was first seen, monotonic."""
        self.failure: BaseException | None = None
        self._followed = list(followed)
        self._venues = sorted({venue for venue, _ in self._followed})
        self._hot = redis.Redis.from_url(redis_url, decode_responses=True)
        self._database_url = database_url
        self._newest_event = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stopping.set()
        self._thread.join(5)
        self._hot.close()

    def first(self, since: float, is_meant: Callable[[Sign], bool]) -> Sign | None:
        """The first sign since a moment (monotonic) that is meant."""
        self.check()
        return next((sign for sign in list(self.signs) if sign.at >= since and is_meant(sign)), None)

    def check(self) -> None:
        """Raise what ended the watch, if something did."""
        if self.failure is not None:
            raise RuntimeError("the watch has ended") from self.failure

    def _run(self) -> None:
        connection = psycopg2.connect(self._database_url.replace("+psycopg2", ""))
        connection.autocommit = True
        try:
            while not self._stopping.wait(LOOK_EVERY_S):
                self._look_at_redis()
                self._look_at_postgres(connection)
        except BaseException as error:  # noqa: BLE001  told by `check`, in the thread that plays
            self.failure = error
        finally:
            connection.close()

    def _look_at_redis(self) -> None:
        pipeline = self._hot.pipeline(transaction=False)
        for venue, symbol in self._followed:
            pipeline.hget(f"book:{venue}:{symbol}", "state")
        for venue in self._venues:
            pipeline.hmget(f"feed:{venue}", ["state", "reason"])
        found = pipeline.execute()
        now = time.monotonic()
        for instrument, state in zip(self._followed, found, strict=False):
            if self.books.get(instrument) != (state or ""):
                self.books[instrument] = state or ""
                self.signs.append(Sign(now, "book", *instrument, state or "absent"))
        for venue, (state, reason) in zip(self._venues, found[len(self._followed) :], strict=True):
            if self.feeds.get(venue) != (state or "", reason or ""):
                self.feeds[venue] = (state or "", reason or "")
                self.signs.append(Sign(now, "feed", venue, "", f"{state or 'absent'}: {reason or ''}"))

    def _look_at_postgres(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, venue, event, detail FROM feed_events WHERE id > %s ORDER BY id",
                [self._newest_event],
            )
            events = cursor.fetchall()
            cursor.execute(
                "SELECT id, venue, symbol, channel, round(extract(epoch FROM started_at) * 1000)::bigint,"
                " round(extract(epoch FROM ended_at) * 1000)::bigint, cause, repaired, detail FROM gaps"
            )
            gaps = {row[0]: Gap(*row[1:]) for row in cursor.fetchall()}
        now = time.monotonic()
        for number, venue, event, detail in events:
            self._newest_event = max(self._newest_event, number)
            self.signs.append(Sign(now, "event", venue, "", f"{event}: {detail}"))
        for number, gap in gaps.items():
            self.came_at.setdefault(number, now)
            if self.gaps.get(number) != gap:
                kind = "repair" if number in self.gaps else "gap"
                end = "open" if gap.ended_at is None else f"closed, {gap.repaired}"
                self.signs.append(Sign(now, kind, gap.venue, gap.symbol, f"{gap.channel} {gap.cause} {end}"))
        self.gaps = gaps
