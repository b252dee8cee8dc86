"""Hand-made stand-ins for what surrounds a pipeline."""

from collector.books import Books
from collector.pipeline import Pipeline
from collector.venues import Plan, venue_for
from db.rows import KlineRow, TickRow
from market.events import Kline, Trade
from market.instruments import unknown_instrument


class Rows:
    """Keeps what a pipeline would have written."""

    def __init__(self) -> None:
        self.ticks: list[TickRow] = []
        self.klines: list[KlineRow] = []
        self.news: list[KlineRow] = []

    def add_tick(self, row: TickRow) -> None:
        self.ticks.append(row)

    def add_kline(self, row: KlineRow, *, is_news: bool) -> None:
        self.klines.append(row)
        if is_news:
            self.news.append(row)


class Bench:
    """A pipeline of one venue with everything it tells."""

    def __init__(
        self,
        venue: str,
        *symbols: str,
        depth: int = 200,
        uses_rest: bool = True,
        max_event_age_days: float = 0,
        tick_interval_ms: int = 0,
    ) -> None:
        self.rows = Rows()
        self.closed: list[Kline] = []
        self.incomplete: list[Kline] = []
        self.lost: list[tuple[str, str]] = []
        self.missed: list[tuple[str, str]] = []
        self.missed_quotes: list[tuple[str, str]] = []
        self.missed_candles: list[tuple[str, int]] = []
        self.venue = venue_for(venue)
        self.plan = Plan(("1m", "5m", "15m", "1h", "4h", "1d"), depth, uses_rest)
        self.pipeline = Pipeline(
            venue,
            self.venue,
            self.plan,
            self.rows,
            tick_interval_ms=tick_interval_ms,
            max_event_age_days=max_event_age_days,
            listener=self,
        )
        self.listener: Books | None = None
        self.pipeline.follow(unknown_instrument(venue, s) for s in symbols)

    def on_book_lost(self, symbol: str, cause: str, reason: str) -> None:
        self.lost.append((symbol, reason))
        if self.listener is not None:
            self.listener.on_book_lost(symbol, cause, reason)

    def on_book_live(self, symbol: str, event_time: int, *, is_unbroken: bool) -> None:
        if self.listener is not None:
            self.listener.on_book_live(symbol, event_time, is_unbroken=is_unbroken)

    def on_trades_missed(self, before: Trade, after: Trade) -> None:
        self.missed.append((before.trade_id, after.trade_id))

    def on_quotes_missed(self, symbol: str, reason: str) -> None:
        self.missed_quotes.append((symbol, reason))

    def on_candle_missed(self, symbol: str, open_time: int) -> None:
        self.missed_candles.append((symbol, open_time))

    def on_closed(self, kline: Kline) -> None:
        self.closed.append(kline)

    def on_incomplete(self, kline: Kline) -> None:
        self.incomplete.append(kline)


class FakeFeed:
    """What a publisher reads of a feed, over a bench's pipeline."""

    def __init__(self, bench: Bench) -> None:
        self.pipeline = bench.pipeline
        self.name = bench.pipeline.name
        self.state = ("live", "")
        self.connected_at = 0
        self.clock_skew_ms: int | None = None
        self.open_gaps = self.silent_topics = 0
        self.unlisted = ""
        self.connections: list[object] = [object()]
