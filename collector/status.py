"""How feeds and this worker are doing, told to Redis once a second."""

from collections.abc import Callable, Sequence

from collector import render
from collector.feed import Feed
from collector.merging import IDLE, merged
from db.hot import keys
from db.hot.writer import HotWriter


class Status:
    """Writes `feed:*` and `worker:*`. `others()` lists the ids of the other workers."""

    def __init__(
        self,
        writer: HotWriter,
        worker_id: str,
        worker_fields: Callable[[], dict[str, str | int]],
        others: Callable[[], Sequence[str]],
    ) -> None:
        self._writer = writer
        self._worker_id = worker_id
        self._worker_fields = worker_fields
        self._others = others
        self._cleaned: set[str] = set()
        self._is_published = False

    def keep(self) -> None:
        """Let what this worker said of itself live on; sent by the caller, who learns if it is gone."""
        if self._is_published:
            self._writer.expire(keys.worker(self._worker_id), keys.STATUS_TTL_S)

    def publish(self, feeds: Sequence[Feed], now: float) -> None:
        """Put everything; sent by the caller. Raises StoreUnavailable. `now`: monotonic seconds."""
        for feed in feeds:
            self._publish_feed(feed, now)
            if feed.name not in self._cleaned and (feed.connections or feed.pipeline.elsewhere):
                self._clean(feed)
        self._put(keys.worker(self._worker_id), self._worker_fields())
        self._is_published = True

    def forget(self) -> None:
        """Redis may have lost or kept anything: clean up again, and expect nothing."""
        self._cleaned.clear()
        self._is_published = False

    def _publish_feed(self, feed: Feed, now: float) -> None:
        state, reason = feed.state
        if not feed.pipeline.states and feed.pipeline.elsewhere:
            state, reason = IDLE, "other workers have every instrument"
        with feed.pipeline.lock:
            fields = {"state": state, "reason": reason, "connected_at": feed.connected_at or ""}
            fields |= render.feed_fields(feed.pipeline.statistics, now)
            fields["revisions"] = sum(s.candles.revisions for s in feed.pipeline.states.values())
        fields["clock_skew_ms"] = "" if feed.clock_skew_ms is None else feed.clock_skew_ms
        fields |= {"open_gaps": feed.open_gaps, "silent_topics": feed.silent_topics}
        fields["unlisted"] = feed.unlisted
        self._put(keys.feed(feed.name, self._worker_id), fields)
        others = self._writer.hashes_of([keys.feed(feed.name, other) for other in self._others()])
        self._put(keys.feed(feed.name), merged([fields, *others]))

    def _clean(self, feed: Feed) -> None:
        """Drop overview rows of symbols that are no longer followed."""
        known = set(feed.pipeline.states) | feed.pipeline.elsewhere
        gone = set(self._writer.fields_of(keys.market(feed.name))) - known
        if gone:
            self._writer.drop_fields(keys.market(feed.name), gone)
        self._cleaned.add(feed.name)

    def _put(self, key: str, fields: dict[str, str | int]) -> None:
        self._writer.put(key, fields)
        self._writer.expire(key, keys.STATUS_TTL_S)
