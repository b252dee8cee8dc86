"""What a venue is asked by REST: its clock and lists, candles, book snapshots, trades. One of each venue."""

import time
from collections import Counter
from collections.abc import Callable, Container, Iterable

from collector.backfill.budget import Budget
from collector.backfill.caller import Caller
from collector.backfill.client import TIMEOUT_S, RestClient
from collector.backfill.jobs import AUDIT, SNAPSHOT, Job
from collector.backfill.refill import Refill
from collector.backfill.trades import Walk
from collector.backfill.wants import SETTLE_MS
from collector.clock import CLOCK
from collector.pipeline import Pipeline
from collector.venues import RestError
from market.events import BookSnapshot, Trade
from market.instruments import Instrument

MAX_PAGES = 20
AUDIT_DEPTH = 50


class Backfill:
    """Asks one venue for what its streams do not give.

    What is asked with a `done` returns at once; the answer comes in a thread of REST.
    """

    def __init__(
        self,
        client: RestClient,
        pipeline: Pipeline,
        budget: Budget,
        *,
        screen: Callable[[], Container[str]] = frozenset,
        record: Callable[[str, str, str], None] = lambda _venue, _event, _detail: None,
        is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        """`screen()` names the symbols that are looked at; `record(venue, event, detail)` as in Feed.

        `is_full()`: so much waits to be stored that the past is not asked for now.
        """
        self.name = pipeline.name
        self._client = client
        self._rest = client.rest
        self._pipeline = pipeline
        self.clock_skew_ms: int | None = None
        """The venue's clock minus ours when it was last asked, None while it has not been."""
        self._clock: tuple[int, float] | None = None
        """The venue's time at a moment of the monotonic clock: ours may be set while we run."""
        self._walks: Counter[str] = Counter()
        self._caller = Caller(client, self.name, budget, screen=screen, record=record, is_full=is_full)
        self.refill = Refill(client.rest, self._caller.submit, pipeline, self.venue_now)

    def start(self) -> None:
        """Begin to work; returns at once."""
        self._caller.start()

    def stop(self) -> None:
        """End after the jobs at hand, without waiting for them."""
        self._caller.stop()

    def join(self, deadline: float) -> None:
        """Wait for the threads until `deadline`, monotonic."""
        self._caller.join(deadline)

    @property
    def requests(self) -> int:
        """Requests that were sent, answered or not."""
        return self._client.calls

    @property
    def used_weight(self) -> int:
        """What these requests weighed on the venue's budget."""
        return self._caller.weight

    @property
    def trouble(self) -> str:
        """Why the venue gives no answers, in words; "" while it does."""
        return self._caller.trouble

    def venue_now(self) -> int:
        """The venue's clock, epoch ms; ours while it has not been asked."""
        if self._clock is None:
            return _now_ms()
        venue_time, at = self._clock
        return venue_time + int((time.monotonic() - at) * 1000)

    def ask_clock(self, *, timeout_s: tuple[float, float] = TIMEOUT_S) -> None:
        """Compare clocks. Raises RestUnavailable or RestError."""
        sent, sent_at = _now_ms(), time.monotonic()
        venue_time = self._rest.parse_time(self._caller.fetch(self._rest.time_request(), timeout_s=timeout_s))
        middle_s = (time.monotonic() - sent_at) / 2
        self._clock = (venue_time, sent_at + middle_s)
        self.clock_skew_ms = venue_time - sent - int(middle_s * 1000)

    def instruments(self, *, timeout_s: tuple[float, float] = TIMEOUT_S) -> list[Instrument]:
        """Every crypto USDT perpetual; of Bybit those that trade. Raises RestUnavailable or RestError."""
        found: list[Instrument] = []
        cursor = ""
        for _ in range(MAX_PAGES):
            body = self._caller.fetch(self._rest.instruments_request(cursor), timeout_s=timeout_s)
            page, cursor = self._rest.parse_instruments(body, self.name)
            found += page
            if not cursor:
                return found
        raise RestError(f"the instrument list does not end after {MAX_PAGES} pages")

    def turnover(self) -> dict[str, float]:
        """Turnover of 24 h in quote currency by symbol. Raises RestUnavailable or RestError."""
        return self._rest.parse_turnover(self._caller.fetch(self._rest.turnover_request()))

    def forget(self, symbols: Iterable[str]) -> None:
        """These are no longer followed: nothing waits for an answer any more."""
        gone = list(symbols)
        self._caller.forget(gone)
        self.refill.forget(gone)

    def ask_snapshot(self, symbol: str, done: Callable[[bool], None]) -> None:
        """Fetch a book snapshot as soon as the venue allows; `done` is told whether it fitted the deltas."""

        def on_body(body: bytes) -> None:
            done(self._pipeline.on_snapshot(self._rest.parse_depth(body, symbol, _now_ms())))

        request = self._rest.depth_request(symbol, self._rest.SNAPSHOT_DEPTH)
        self._caller.submit(
            Job(("snapshot", symbol), symbol, SNAPSHOT, lambda: request, on_body, lambda: done(False))
        )

    def ask_audit(self, symbol: str, done: Callable[[BookSnapshot | None], None]) -> None:
        """Fetch a book to compare with, when nothing else is to be asked; None: the venue gives none."""

        def on_body(body: bytes) -> None:
            done(self._rest.parse_depth(body, symbol, _now_ms()))

        request = self._rest.depth_request(symbol, AUDIT_DEPTH)
        self._caller.submit(
            Job(("audit", symbol), symbol, AUDIT, lambda: request, on_body, lambda: done(None))
        )

    def ask_trades(
        self, symbol: str, last_trade: Trade | None, until_ms: int, done: Callable[[list[Trade], bool], None]
    ) -> None:
        """Fetch the trades after `last_trade` up to `until_ms`, the venue's time, soon after that.

        `done(trades, bridges)`: oldest first, the first new one of the stream perhaps among them; `bridges`
        is True when none is missing between them and the last one seen.
        """
        if last_trade is None:
            done([], False)
            return
        self._walks[symbol] += 1
        number = self._walks[symbol]
        walk = Walk(self._rest, self._caller.submit, symbol, last_trade, until_ms, done, number)
        walk.step(max(0.0, (until_ms + SETTLE_MS - self.venue_now()) / 1000))


def _now_ms() -> int:
    return CLOCK.now_ms()
