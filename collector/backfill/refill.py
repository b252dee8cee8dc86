"""Candles asked of REST until they are here: the past at a start, what a gap took, what closed incomplete.

One job a series asks for all that is wanted of it; what memory got by other ways meanwhile (a stream, a
rollup) is not asked for. A candle that ended just now may not be there yet and is asked for again; one that
the venue does not have a minute after its end, it never will have.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from collector.backfill.jobs import GAP, HISTORY, Job
from collector.backfill.wants import SETTLE_MS, Wants
from collector.backfill.wants import Span as OpenTimes
from collector.clock import CLOCK
from collector.history import Span, holes, lacking
from collector.pipeline import Pipeline
from collector.venues import Request, RestAdapter
from market.events import Kline
from market.intervals import INTERVAL_MS, open_of

LATE_MS = 5_000
"""How long after its end an incomplete 1m candle is asked for."""
PARTS_MS = 5_000
"""How long an incomplete rollup waits for its parts before it is asked for itself."""
SWEPT_MS = 10_000
"""How long after its end a candle that nobody reported is missed."""
AGAIN_S = 5.0
MOST_GAPS = 50
"""Gaps of one symbol that are waited for."""
FORGET_ABSENT_S = 3_600.0
HIGHER = tuple(INTERVAL_MS)[1:]

Series = tuple[str, str]
"""Symbol and interval."""
Done = Callable[[int, bool], None]


@dataclass(slots=True, eq=False)
class _Gap:
    """A gap whose candles are waited for. `spans`: what it touched, by interval, as far as that was asked."""

    symbol: str
    started_at: int
    ended_at: int
    done: Done
    spans: dict[str, OpenTimes]

    def touch(self, interval: str, now: int) -> OpenTimes:
        """The candles of an interval that it touched and that are over; the 1m that it ended in goes on."""
        start, end = open_of(self.started_at, interval), open_of(self.ended_at, interval)
        if interval != "1m":
            end = min(end + INTERVAL_MS[interval], open_of(now - SETTLE_MS, interval))
        self.spans[interval] = (start, max(start, end))
        return self.spans[interval]


class Refill:
    """The missing candles of one venue. Thread-safe; no method waits for REST."""

    def __init__(
        self, rest: RestAdapter, submit: Callable[[Job], None], pipeline: Pipeline, now: Callable[[], int]
    ) -> None:
        """`submit` has a job done (see Caller); `now` is the venue's clock, epoch ms."""
        self._rest = rest
        self._submit_job = submit
        self._pipeline = pipeline
        self._now = now
        self._lock = threading.Lock()
        self._wants: dict[Series, Wants] = {}
        self._gaps: dict[str, list[_Gap]] = defaultdict(list)
        self._forgot_at = time.monotonic()

    @property
    def missing(self) -> int:
        """Candles that are asked for and not here yet."""
        with self._lock:
            return sum(wants.missing.count for wants in self._wants.values())

    def want(self, spans: Iterable[Span], urgency: int = HISTORY) -> None:
        """Ask for these candles."""
        for span in spans:
            series = (span.symbol, span.interval)
            with self._lock:
                self._of(series).ask([(span.start, span.end)], urgency)
            self._submit(series)

    def after_gap(self, symbol: str, started_at: int, ended_at: int, done: Done) -> None:
        """Ask for every candle that a gap touched: 1m first, then what their rollups leave missing.

        Times are the venue's, of the last good and the first good datum. `done(recovered, is_whole)` is
        called once: how many candles were had again, and whether none is missing now.
        """
        gap = _Gap(symbol, started_at, ended_at, done, {})
        with self._lock:
            gaps = self._gaps[symbol]
            gaps.append(gap)
            oldest = gaps.pop(0) if len(gaps) > MOST_GAPS else None
            self._of((symbol, "1m")).ask([gap.touch("1m", self._now())], GAP)
        if oldest is not None:
            oldest.done(0, False)
        self._submit((symbol, "1m"))

    def on_incomplete(self, kline: Kline) -> None:
        """Ask for a candle that closed without all of its parts, soon after its end. Any lock may be held."""
        series = (kline.symbol, kline.interval)
        end = kline.open_time + INTERVAL_MS[kline.interval]
        with self._lock:
            self._of(series).ask([(kline.open_time, end)], GAP)
        late_ms = end + LATE_MS - self._now()
        self._submit(series, in_s=(late_ms if kline.interval == "1m" else max(late_ms, 0) + PARTS_MS) / 1000)

    def sweep(self) -> None:
        """Ask for whatever memory misses, however it came about; to be called once a minute."""
        if time.monotonic() - self._forgot_at > FORGET_ABSENT_S:
            self._forgot_at = time.monotonic()
            with self._lock:
                for wants in self._wants.values():
                    wants.forget_absent()
        for symbol in list(self._pipeline.states):
            with self._pipeline.lock:
                state = self._pipeline.states.get(symbol)
                found = holes(symbol, state.candles, now=self._now() - SWEPT_MS) if state else []
            self.want(found, GAP)

    def forget(self, symbols: Iterable[str]) -> None:
        """These are no longer followed: nothing of them is wanted, and their gaps stay as they are."""
        gone = set(symbols)
        with self._lock:
            self._wants = {series: wants for series, wants in self._wants.items() if series[0] not in gone}
            gaps = [gap for symbol in gone for gap in self._gaps.pop(symbol, [])]
        for gap in gaps:
            gap.done(0, False)

    def request_for(self, series: Series) -> tuple[Request, OpenTimes, int] | None:
        """The next request of a series, what it asks for and the venue's time; None if none is due."""
        self._drop_what_is_here(series)
        now = self._now()
        with self._lock:
            wants = self._of(series)
            asked, wait_ms = wants.next_request(now, self._rest.KLINES_LIMIT), wants.due_in(now)
        if asked is not None:
            start, end = asked
            return self._rest.klines_request(*series, start, (end - start) // wants.step), asked, now
        if wait_ms is not None:
            self._submit(series, in_s=max(0.1, wait_ms / 1000))
        self._finish_gaps(series[0])
        return None

    def on_answer(self, series: Series, asked: OpenTimes, klines: list[Kline], now: int) -> None:
        """Take an answer; `now` is the venue's time when it was asked."""
        self._pipeline.on_history(klines)
        with self._lock:
            wants = self._of(series)
            is_progress = wants.take(asked, {k.open_time for k in klines}, now)
            is_missing = bool(wants.missing)
        if is_missing:
            self._submit(series, in_s=0.0 if is_progress else AGAIN_S)
        self._finish_gaps(series[0])

    def on_refused(self, series: Series) -> None:
        """The venue will not say: nothing of this series is to be had."""
        with self._lock:
            wants = self._of(series)
            for span in wants.missing:
                wants.refuse(*span)
        self._finish_gaps(series[0])

    def _of(self, series: Series) -> Wants:
        wants = self._wants.get(series)
        if wants is None:
            wants = self._wants[series] = Wants(INTERVAL_MS[series[1]])
        return wants

    def _submit(self, series: Series, *, in_s: float = 0.0) -> None:
        question = _Question(self, self._rest, series)
        with self._lock:
            urgency = self._of(series).urgency
        self._submit_job(
            Job(
                key=("kline", *series),
                symbol=series[0],
                urgency=urgency,
                make=question.make,
                on_body=question.on_body,
                on_refused=question.on_refused,
                not_before=time.monotonic() + in_s if in_s > 0 else 0.0,
            )
        )

    def _drop_what_is_here(self, series: Series) -> None:
        symbol, interval = series
        with self._lock:
            spans = list(self._of(series).missing)
        with self._pipeline.lock:
            state = self._pipeline.states.get(symbol)
            if state is None or not state.candles.series[interval].closed:
                return
            lacks = [
                [(s.start, s.end) for s in lacking(symbol, state.candles, interval, *span)] for span in spans
            ]
        with self._lock:
            for span, missing in zip(spans, lacks, strict=True):
                self._of(series).keep_missing(*span, missing)

    def _finish_gaps(self, symbol: str) -> None:
        """Go on with the gaps that wait for nothing more: to the higher intervals, or to their end."""
        rolled: list[str] = []
        finished: list[tuple[_Gap, int, bool]] = []
        with self._lock:
            for gap in list(self._gaps.get(symbol, ())):
                waits = [(self._of((symbol, interval)), span) for interval, span in gap.spans.items()]
                if any(wants.missing.count_in(*span) for wants, span in waits):
                    continue
                if len(gap.spans) == 1:
                    for interval in HIGHER:
                        self._of((symbol, interval)).ask([gap.touch(interval, self._now())], GAP)
                    rolled = list(HIGHER)
                else:
                    recovered = sum(wants.had.count_in(*span) for wants, span in waits)
                    is_whole = not any(wants.absent.count_in(*span) for wants, span in waits)
                    finished.append((gap, recovered, is_whole))
                    self._gaps[symbol].remove(gap)
            if symbol in self._gaps and not self._gaps[symbol]:
                del self._gaps[symbol]
        for interval in rolled:
            self._submit((symbol, interval))
        for gap, recovered, is_whole in finished:
            gap.done(recovered, is_whole)


class _Question:
    """One job: it remembers what was asked until the answer comes."""

    def __init__(self, refill: Refill, rest: RestAdapter, series: Series) -> None:
        self._refill = refill
        self._rest = rest
        self._series = series
        self._asked: OpenTimes = (0, 0)
        self._now = 0

    def make(self) -> Request | None:
        found = self._refill.request_for(self._series)
        if found is None:
            return None
        request, self._asked, self._now = found
        return request

    def on_body(self, body: bytes) -> None:
        recv_time = CLOCK.now_ms()
        settled = self._now - SETTLE_MS
        klines = self._rest.parse_klines(body, *self._series, now=settled, recv_time=recv_time)
        self._refill.on_answer(self._series, self._asked, klines, self._now)

    def on_refused(self) -> None:
        self._refill.on_refused(self._series)
