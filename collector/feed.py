"""One venue: its lines, what is missing from them, and how the whole is doing.

The connections' threads call in through the lines; `keep` is called by the collector's keeper thread many
times a second and does everything that takes time to become due.
"""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import structlog

from collector.books import Books
from collector.clock import CLOCK
from collector.connection import Connection, Handler
from collector.ledger import STOPPED, Ledger
from collector.line import Line
from collector.missed import Missed
from collector.pipeline import Pipeline
from collector.remedies import Remedies
from collector.resync import Resync
from collector.venues import Plan, Topic, Venue
from collector.watchdog import Clock
from db.rows import GapRow
from market.instruments import Instrument

log = structlog.get_logger()

CHECK_EVERY_S = 0.1
COUNT_EVERY_S = 60.0
PAUSED_S = 1.5
"""If this much time is between two rounds, it was this process that did not listen."""
LATE_MS = 5_000
"""Data that is older than this on arrival is late."""
RECORDED_MS = 3_600_000
"""And data that is older than this is no news that was late, but a recording."""


class Feed:
    """The lines of one venue and the state they keep."""

    def __init__(
        self,
        pipeline: Pipeline,
        venue: Venue,
        plan: Plan,
        ws_urls: Sequence[str],
        *,
        resync: Resync,
        ledger: Ledger,
        record: Callable[[str, str, str], None],
        rotate_s: float = float("inf"),
        proxy: str = "",
        wait: Callable[[], object] = lambda: None,
    ) -> None:
        """`record(venue, event, detail)` keeps what happens for people to read.

        `wait()` returns when sockets may be opened.
        """
        self.name = pipeline.name
        self.pipeline = pipeline
        self.lines: list[Line] = []
        self.clock_skew_ms: int | None = None
        """The venue's clock minus ours, None while nobody has asked."""
        self.rest_trouble = ""
        """Why REST gives no answers, in words; "" while it does, or is not asked."""
        self.unlisted = ""
        """What SYMBOLS asks for and the venue does not list by that name (market/unlisted.py)."""
        self._venue = venue.stream
        self._plan = plan
        self._ws_urls = ws_urls
        self._proxy, self._wait = proxy, wait
        self._resync = resync
        self._ledger = ledger
        self._record: Callable[[str, str], None] = lambda event, detail: record(self.name, event, detail)
        self._rotate_s = rotate_s
        self.books = Books(self.lines, pipeline, self._venue, plan, resync, ledger, self._record)
        self.missed = Missed(self.lines, ledger)
        self._remedies = Remedies(pipeline, self._venue, ledger, self._record, self._open_spare)
        self._numbers: Counter[str] = Counter()
        self._kept_at = float("inf")
        self._pinged_at = self._checked_at = self._counted_at = 0.0
        self._faults: Counter[str] = Counter()
        self._is_started = self._is_stopped = False

    def start(self, instruments: Iterable[Instrument]) -> None:
        """Follow these instruments and open the connections they need."""
        self._is_started = True
        self.follow(instruments)

    def follow(self, instruments: Iterable[Instrument]) -> None:
        """Follow these too, or know them better."""
        followed = list(instruments)
        carried = {t.symbol for line in self.lines for t in list(line.topics.values())}
        new = [i for i in followed if i.symbol not in carried]
        self.pipeline.follow(followed)
        topics = [t for i in new for t in self._venue.topics(i.symbol, self._plan)]
        for route in self._venue.ROUTES:
            on_route = [t for t in topics if t.route == route]
            for line in self.lines:
                room = self._venue.MAX_TOPICS - len(line.topics)
                if line.route == route and "spare" not in line.name and on_route and room > 0:
                    line.add(on_route[:room])
                    on_route = on_route[room:]
            while on_route:
                self._open_line(route, "", on_route[: self._venue.MAX_TOPICS], {})
                on_route = on_route[self._venue.MAX_TOPICS :]

    def unfollow(self, symbols: Iterable[str], *, for_good: bool = False) -> None:
        """Follow these no longer; `for_good` if nobody does."""
        gone = set(symbols)
        ended_at = CLOCK.now_ms() if for_good else 0
        for line in self.lines:
            names = [t.name for t in list(line.topics.values()) if t.symbol in gone]
            line.drop(names)
            self._remedies.forget(names)
        self.pipeline.forget(gone)
        for symbol in gone:
            self._ledger.forget(symbol, ended_at)

    def resume(self, held: Sequence[GapRow], last_seen: Mapping[str, int]) -> None:
        """Miss what was missed since an earlier run; see Ledger.resume."""
        watched = {t.name: (line, t, clock) for line in self.lines for t, clock in line.losses.watched}
        for topic, since in self._ledger.resume([t for _, t, _ in watched.values()], held, last_seen):
            line, _, clock = watched[topic.name]
            clock.is_lost = True
            clock.good_time = max(clock.good_time, since)
            if clock.first_time:
                line.losses.regain(topic, clock.first_time)

    def stop(self) -> None:
        """Close every connection; returns at once, their threads end soon after."""
        self._is_stopped = True
        for line in self.lines:
            line.stop()

    def join(self, deadline: float) -> None:
        """Wait for the threads until `deadline`, monotonic; from then on everything is missed."""
        for line in self.lines:
            line.join(deadline)
            for topic in list(line.topics.values()):
                line.losses.lose(topic, "restart", STOPPED)

    @property
    def connections(self) -> list[Connection]:
        """Every connection that carries topics."""
        return [line.connection for line in self.lines]

    @property
    def is_alive(self) -> bool:
        """Whether any connection carries data."""
        return any(line.connection.last_data_at for line in self.lines)

    @property
    def connected_at(self) -> int:
        """When a connection was last opened, epoch ms; 0 before the first."""
        return max((line.connected_at for line in self.lines), default=0)

    @property
    def open_gaps(self) -> int:
        """Gaps of the ledger that last."""
        return self._ledger.open_count

    @property
    def doubtful(self) -> set[str]:
        """Symbols of which a topic is dead or refused: perhaps they are not traded any more."""
        wrong = self._remedies.doubtful.union(*(line.subscriptions.refused.copy() for line in self.lines))
        return {t.symbol for line in self.lines for t in list(line.topics.values()) if t.name in wrong}

    def late(self, symbols: Iterable[str], prove_by: float) -> tuple[set[str], int]:
        """Those of whose book nothing had come by then, monotonic; venue time of what came first since.

        That is epoch ms, and 0 where nothing came at all.
        """
        wanted = set(symbols)
        clocks = [
            (t.symbol, clock)
            for line in self.lines
            for t, clock in line.losses.watched
            if t.symbol in wanted and t.channel in ("book", "top")
        ]
        found = {symbol for symbol, clock in clocks if not clock.is_good or clock.good_since > prove_by}
        found |= wanted - {symbol for symbol, _ in clocks}
        came = [clock.first_time for symbol, clock in clocks if symbol in found and clock.is_good]
        return found, min(came, default=0)

    @property
    def silent_topics(self) -> int:
        """Topics that are dead for sure."""
        return len(self._remedies.silent)

    @property
    def state(self) -> tuple[str, str]:
        """State word and reason: live, degraded, reconnecting, blocked or down."""
        if self._is_stopped:
            return "down", "the collector stopped"
        if not self.lines:
            reason = (
                "no symbol of this venue is configured" if self._is_started else "waiting for instruments"
            )
            return "down" if self._is_started else "reconnecting", reason
        troubles = [line.trouble for line in self.lines if line.trouble is not None and line.topics]
        if troubles and len(troubles) == len([line for line in self.lines if line.topics]):
            return next((t for word in ("blocked", "down") for t in troubles if t[0] == word), troubles[0])
        reasons = [reason for _, reason in troubles]
        reasons += [f"{name} {why}" for name, why in itertools.islice(self._remedies.silent.items(), 3)]
        refused = self._of_lines(lambda line: line.subscriptions.refused)
        reasons += [f"{name} is refused: {why}" for name, why in itertools.islice(refused.items(), 3)]
        unusable = self._of_lines(lambda line: line.losses.unusable)
        reasons += [f"{name}: {why}" for name, why in itertools.islice(unusable.items(), 3)]
        if self.rest_trouble:
            reasons.append(f"REST: {self.rest_trouble}")
        if (late_ms := self._late_ms()) > LATE_MS:
            reasons.append(f"data comes {late_ms / 1000:.0f} s late")
        return ("degraded", "; ".join(reasons)) if reasons else ("live", "")

    def keep(self, now: float) -> None:
        """Do what is due. `now`: monotonic seconds."""
        if (pause_s := now - self._kept_at) > PAUSED_S:
            log.warning("collector.paused", venue=self.name, seconds=round(pause_s, 1))
            for line in list(self.lines):
                line.forgive(pause_s - PAUSED_S, now)
        self._kept_at = now
        for line in list(self.lines):
            line.keep(now)
            if not line.topics and line.name.count("spare"):
                line.stop()
                self.lines.remove(line)
        self._remedies.keep(list(self.lines), now)
        if now - self._pinged_at >= self._venue.PING_EVERY_S:
            self._pinged_at = now
            for line in self.lines:
                line.ping()
        if now - self._checked_at >= CHECK_EVERY_S:
            self._checked_at = now
            self._resync.keep(self.pipeline, now, is_rest_well=not self.rest_trouble)
            self.pipeline.expire(now)
        if now - self._counted_at >= COUNT_EVERY_S:
            self._counted_at = now
            self._log_faults()
            self.books.keep(now, is_rest_well=not self.rest_trouble)

    def _of_lines(self, found: Callable[[Line], dict[str, str]]) -> dict[str, str]:
        return {name: why for line in self.lines for name, why in found(line).copy().items()}

    def _open_line(self, route: str, kind: str, topics: Iterable[Topic], clocks: dict[str, Clock]) -> Line:
        name = f"{self.name}-{route}-{kind}{self._numbers[route + kind]}"
        self._numbers[route + kind] += 1
        line = Line(
            name,
            route,
            self.pipeline,
            self._venue,
            self._ledger,
            self._record,
            lambda name, handler, first_url: self._open_connection(name, route, handler, first_url),
            resync=self._resync,
            rotate_s=self._rotate_s,
        )
        line.add(topics, clocks)
        self.lines.append(line)
        line.start()
        return line

    def _open_spare(
        self, route: str, topics: Sequence[Topic], clocks: dict[str, Clock], origins: Sequence[Line]
    ) -> Line:
        """A socket for a few topics alone, or one that was opened so before and is well."""
        for line in self.lines:
            is_spare = line.route == route and "spare" in line.name and line not in origins
            if is_spare and line.topics and line.is_well:
                line.add(topics, clocks)
                return line
        return self._open_line(route, "spare-", topics, clocks)

    def _open_connection(self, name: str, route: str, handler: Handler, first_url: str) -> Connection:
        """`first_url`: the one to try first, "" for no matter."""
        urls = [self._venue.url(base, route) for base in self._ws_urls]
        if first_url in urls:
            urls = urls[urls.index(first_url) :] + urls[: urls.index(first_url)]
        elif "spare" in name:
            urls = urls[1:] + urls[:1]
        every_s = self._venue.SUBSCRIBE_EVERY_S
        return Connection(name, urls, handler, send_every_s=every_s, proxy=self._proxy, wait=self._wait)

    def _late_ms(self) -> int:
        """How old data is on arrival, typically; 0 while unknown, and for recordings."""
        with self.pipeline.lock:
            lag_ms = self.pipeline.statistics.venue_lags.percentiles()[0] or 0
        return lag_ms if lag_ms < RECORDED_MS else 0

    def _log_faults(self) -> None:
        """Say once a minute what was refused since the last time; never once a frame."""
        faults = self.pipeline.statistics.faults.copy()
        if new := faults - self._faults:
            self._record("refused", ", ".join(f"{count} by {kind}" for kind, count in new.items()))
        self._faults = faults
