"""Whether the live way praises luck: simulated days without an edge, through books and scoreboard."""

import math
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from bench.report import Result
from collector.pipeline import Pipeline
from collector.signals import Terms, VenueSignals
from collector.signals.scoreboard import Scoreboard
from collector.venues import Decoded, Plan, venue_for
from db.history.scoring import Fired, ScoreKey, Scoring
from db.rows import IndicatorRow, KlineRow, OutcomeRow, PaperStepRow, SignalRow, TickRow
from market.events import BookSnapshot, Kline, Trade
from market.indicators import Past
from market.indicators.day import Minutes
from market.instruments import unknown_instrument
from market.intervals import MINUTE_MS, close_of
from market.signal_settings import SignalSettings

VENUE = "sim-bybit"
SYMBOL = "ETHUSDT"
START = 1_763_596_800_000
"""A midnight."""
SPREAD_BPS, TAKER_BPS = 1.0, 5.0
MINUTE_BPS = 5.0
"""Standard deviation of one minute, on average; it rises and falls over hours."""
SEEDS, DAYS = 20, 4
MOST = 0.05
"""Share of the verdicts that may praise luck."""


class Lived:
    """Days of one market as a collector lives them, and what it would have stored of them."""

    has_room = True

    def __init__(self) -> None:
        self.signals: dict[tuple[Any, ...], SignalRow] = {}
        self.net_bps: dict[tuple[Any, ...], dict[int, float]] = {}
        self.opens: dict[int, float] = {}
        self.trades = 0
        plan = Plan(("1m",), 50, False)
        self.pipeline = Pipeline(
            VENUE, venue_for(VENUE), plan, self, tick_interval_ms=0, max_event_age_days=0, listener=self
        )
        self.pipeline.follow([unknown_instrument(VENUE, SYMBOL)])
        terms = Terms(SignalSettings(), TAKER_BPS, ("1m",))
        self._made = VenueSignals(self.pipeline, terms, self, self)
        self._made.follow([SYMBOL])

    def live(self, kline: Kline, lean: float) -> None:
        """A minute: its close is told, then a book around it of which `lean` (−1 to 1) rests on one side."""
        now = time.time_ns() // 1_000_000
        self.opens[kline.open_time] = kline.open
        at = close_of(kline.open_time, "1m") + 50
        half = kline.close * SPREAD_BPS / 2e4
        bids, asks = [(kline.close - half, 1.0 + lean)], [(kline.close + half, 1.0 - lean)]
        book = BookSnapshot(SYMBOL, bids, asks, kline.open_time // MINUTE_MS, at, now)
        self.pipeline._take(Decoded("", [kline, book]), now)
        self._made.turn(at / 1000)

    # What a writer takes.

    def add_indicators(self, row: IndicatorRow) -> None: ...

    def add_tick(self, row: TickRow) -> None: ...

    def add_kline(self, row: KlineRow, *, is_news: bool) -> None: ...

    def add_signal(self, row: SignalRow) -> None:
        self.signals[row[:5]] = row

    def add_outcome(self, row: OutcomeRow) -> None:
        self.net_bps.setdefault(row[:5], {})[row.horizon_s] = row.net_bps

    def add_paper_step(self, row: PaperStepRow) -> None:
        self.trades += len(row.trades)

    # What a pipeline tells.

    def on_closed(self, kline: Kline) -> None:
        self._made.on_closed(kline)

    def on_incomplete(self, kline: Kline) -> None: ...

    def on_book_lost(self, symbol: str, cause: str, reason: str) -> None: ...

    def on_book_live(self, symbol: str, event_time: int, *, is_unbroken: bool) -> None: ...

    def on_trades_missed(self, before: Trade, after: Trade) -> None: ...

    def on_quotes_missed(self, symbol: str, reason: str) -> None: ...

    def on_candle_missed(self, symbol: str, open_time: int) -> None: ...

    # What an empty database remembers.

    def past(
        self, _venue: str, _symbols: Sequence[str], _intervals: Sequence[str], _most: int
    ) -> Mapping[tuple[str, str], Past]:
        return {}

    def newest_klines(self, _venue: str, _symbols: Sequence[str], _per_series: int) -> list[Kline]:
        return []

    def owed_closes(
        self, _venue: str, _symbols: Sequence[str], _intervals: Sequence[str], _most: int
    ) -> Mapping[tuple[str, str], Sequence[int]]:
        return {}

    def minutes(self, _venue: str, _symbols: Sequence[str], _since: int) -> Mapping[str, Minutes]:
        return {}

    def paper_states(self, _venue: str) -> list[tuple[str, int, dict[str, Any]]]:
        return []

    def recent_signals(self, _venue: str, _since: int) -> list[tuple[SignalRow, set[int]]]:
        return []


class Stored(Scoring):
    """The scoreboard's view of what was lived, as the database would give it."""

    def __init__(self, lived: Lived) -> None:
        self.rows: list[Mapping[str, Any]] = []
        self._lived = lived

    def keys(self, since: int) -> list[ScoreKey]:
        rows = self._lived.signals.values()
        return sorted({ScoreKey(r.rule, r.venue, r.interval) for r in rows if r.ts >= since})

    def fired(self, key: ScoreKey, since: int, most: int) -> list[Fired]:
        chosen = [
            Fired(r.symbol, r.side, r.ts, r.spread_bps, self._lived.net_bps.get(name, {}))
            for name, r in self._lived.signals.items()
            if (r.rule, r.venue, r.interval) == key and r.ts >= since
        ]
        return sorted(chosen, key=lambda f: f.ts)[-most:]

    def first_minute(self, _venue: str, since: int) -> int | None:
        return min((at for at in self._lived.opens if at >= since), default=None)

    def opens(self, _venue: str, _symbol: str, times: Sequence[int]) -> tuple[list[int], list[float]]:
        wanted = sorted({at // MINUTE_MS * MINUTE_MS for at in times} & self._lived.opens.keys())
        return wanted, [self._lived.opens[at] for at in wanted]

    def save(self, rows: Sequence[Mapping[str, Any]], _computed_at: int) -> None:
        self.rows += rows

    def drop_before(self, _computed_at: int) -> None: ...


def score(lived: Lived) -> list[Mapping[str, Any]]:
    """The scoreboard of what was lived."""
    stored = Stored(lived)

    @contextmanager
    def turn() -> Iterator[Scoring]:
        yield stored

    board = Scoreboard(turn, lambda _venue: TAKER_BPS)
    board._stopping.wait = lambda _pause: False  # type: ignore[method-assign,assignment,misc]  # without rest
    board.compute(max(lived.opens) + MINUTE_MS)
    return stored.rows


def verdicts(seeds: Sequence[int], days: int) -> Counter[str]:
    """How often each verdict is given in markets where nothing that was says what will be."""
    found: Counter[str] = Counter()
    for seed in seeds:
        lived = Lived()
        rng = random.Random(seed)
        for kline in wander(rng, days * 1440):
            lived.live(kline, rng.uniform(-0.9, 0.9))
        found.update(str(row["verdict"]) for row in score(lived))
    return found


def wander(rng: random.Random, count: int) -> Iterator[Kline]:
    """Closed minutes without memory of their direction."""
    price, mood = 100.0, 0.0
    for index in range(count):
        mood = 0.99 * mood + 0.1 * rng.gauss(0, 1)
        size = MINUTE_BPS * math.exp(mood / 2) / math.sqrt(3)
        path = [price]
        for _ in range(3):
            path.append(path[-1] * (1 + rng.gauss(0, size) / 1e4))
        price, open_time, volume = path[-1], START + index * MINUTE_MS, rng.lognormvariate(0, 0.8)
        closed_at = close_of(open_time, "1m")
        yield Kline(
            SYMBOL, "1m", open_time, path[0], max(path), min(path), price, volume, volume * price, True,
            closed_at, closed_at,
        )  # fmt: skip


def run() -> list[Result]:
    """Measure; about a minute."""
    found = verdicts(range(SEEDS), DAYS)
    judged = found.total() - found["too few"]
    share = found["better than chance"] / max(1, judged)
    return [
        Result(
            f"live verdicts that praise luck, {SEEDS} seeds of {DAYS} days without an edge",
            f"≤ {MOST:.0%}",
            f"{share:.1%} of {judged}",
            judged > 0 and share <= MOST,
        )
    ]
