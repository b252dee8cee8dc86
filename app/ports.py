"""What the web asks of the stores; `db` fills these, tests have fakes. All methods raise StoreUnavailable."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from db.history.ledger import GapFilter, GapPage, GapPlace
from db.history.reader import Sizes, TickPage, TickPlace
from db.history.record import Equity, Newest, RecordedSignal, RecordedTrade, RecordFilter
from db.history.runs import SignalRun
from db.history.status import Cells, EventCell, GapCell, Incident
from db.history.track import SignalPage, TrackFilter, TrackPlace, TradePage
from db.hot.reader import StreamEntry, Usage
from db.rows import IndicatorRow, TickerRow, TickRow
from market.events import Kline
from market.instruments import Instrument

Fields = dict[str, str]


class HotReader(Protocol):
    """The latest state, as text under the names of `db.hot.keys`."""

    def market(self, venue: str) -> dict[str, bytes]:
        """Symbol -> overview row as JSON; empty for an unknown venue."""

    def feeds(self, venues: Iterable[str]) -> dict[str, Fields]:
        """Venue -> the fields of its feed; none for a feed without a heartbeat."""

    def workers(self) -> dict[str, Fields]:
        """Worker id -> the fields of that collector; none without a heartbeat."""

    def feed_parts(self, venues: Iterable[str], workers: Iterable[str]) -> dict[tuple[str, str], Fields]:
        """(venue, worker id) -> how that worker's part of the feed is doing."""

    def usage(self) -> Usage:
        """What the server says of itself."""

    def book(self, venue: str, symbol: str) -> Fields | None:
        """The latest book, or None."""

    def ticker(self, venue: str, symbol: str) -> Fields | None:
        """The latest ticker, or None."""

    def kline(self, venue: str, symbol: str, interval: str) -> Fields | None:
        """The forming candle, or None."""

    def indicator(self, venue: str, symbol: str, interval: str) -> Fields | None:
        """The indicators of the forming candle, or of the one that has just closed, or None."""

    def trades(self, venue: str, symbol: str, count: int = 200) -> list[Fields]:
        """The newest public trades, newest first."""

    def events(self, after_id: str = "0", count: int = 100) -> list[StreamEntry]:
        """Entries of `events` that came after `after_id`, oldest first."""

    def event_bounds(self) -> tuple[str, str] | None:
        """Ids of the oldest and the newest entry of `events`; None if there is none."""

    def look(self, venue: str, symbol: str, now_ms: int) -> None:
        """Say that somebody looks at a symbol, so that the collector has its history first."""


class History(Protocol):
    """What happened. Times are epoch ms; what is unknown is empty."""

    def klines(
        self,
        venue: str,
        symbol: str,
        interval: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
    ) -> list[Kline]:
        """Closed candles that open in [start, end), ascending: the first `limit`; without start the last."""

    def klines_downsampled(
        self, venue: str, symbol: str, interval: str, *, start: int, end: int, max_points: int
    ) -> list[Kline]:
        """Candles joined into at most `max_points`."""

    def packed_klines(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> dict[tuple[str, str], bytes]:
        """(symbol, interval) -> the newest `most` closed candles, ascending, `packed.WIDTH` doubles each."""

    def signal_runs(
        self, venues: Sequence[str], interval: str, most: int
    ) -> dict[tuple[str, str], SignalRun]:
        """(venue, symbol) -> the signal of the newest close and since when it holds, `most` closes back."""

    def ticks(
        self, venue: str, symbol: str, *, start: int | None = None, end: int | None = None, limit: int = 500
    ) -> list[TickRow]:
        """Changes of the top in [start, end), ascending: the first `limit`, without a start the last."""

    def tick_page(
        self, venue: str, symbol: str, since: int | TickPlace, *, end: int | None = None, limit: int = 500
    ) -> TickPage:
        """The first `limit` changes from `since` on, or behind the end of a page; before `end`."""

    def ticks_downsampled(
        self, venue: str, symbol: str, *, start: int, end: int, max_points: int
    ) -> list[TickRow]:
        """At most `max_points` of them, with the lowest and the highest mid of each stretch."""

    def gaps(self, wanted: GapFilter, *, after: GapPlace | None = None, limit: int = 500) -> GapPage:
        """The first `limit` gaps wanted, behind the end of a page if given; without both the last ones."""

    def indicators(
        self,
        venue: str,
        symbol: str,
        interval: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
        every: int = 1,
    ) -> list[IndicatorRow]:
        """Of closes in [start, end), ascending: the first `limit`, without a start the last; thinned."""

    def signals(
        self, wanted: TrackFilter, *, after: TrackPlace | None = None, limit: int = 500
    ) -> SignalPage:
        """The first `limit` signals wanted, behind the end of a page if given; without both the last ones."""

    def paper_trades(
        self, wanted: TrackFilter, *, after: TrackPlace | None = None, limit: int = 500
    ) -> TradePage:
        """The same of paper trades."""

    def newest_signals(
        self, wanted: RecordFilter, *, before: TrackPlace | None = None, limit: int = 100
    ) -> Newest[RecordedSignal]:
        """The newest signals wanted, each with its outcomes, older than the end of a page if given."""

    def newest_trades(
        self, wanted: RecordFilter, *, is_open: bool, before: TrackPlace | None = None, limit: int = 100
    ) -> Newest[RecordedTrade]:
        """The same of paper trades, each with its signal: open ones by entry, closed ones by exit."""

    def open_trades(self, wanted: RecordFilter) -> int:
        """How many paper trades are open."""

    def equity(self, wanted: RecordFilter, since: int) -> Equity:
        """What trades made that closed from epoch ms `since` on, step by step."""

    def scoreboard(self) -> list[dict[str, Any]]:
        """Every row of the scoreboard, by the names of its columns."""

    def tickers(self) -> list[TickerRow]:
        """The last known ticker of every instrument."""

    def instruments(self) -> list[Instrument]:
        """Every instrument that was ever seen."""

    def schema_version(self) -> str | None:
        """The version of the schema; None where there is none."""

    def server_version(self) -> str:
        """The version of the database server."""

    def sizes(self) -> Sizes:
        """How much is stored."""

    def oldest_tick(self) -> int | None:
        """Epoch ms of the oldest tick stored, None if there is none."""

    def last_feed_events(
        self, limit: int = 100, *, event: str | None = None
    ) -> list[tuple[int, str, str, str, str]]:
        """(ts, venue, worker, event, detail) of the newest, of that event if one is named."""

    def gap_cells(self, cells: Cells) -> list[GapCell]:
        """The gaps that overlap a span, by venue, channel and cell; also for the whole of it."""

    def event_cells(self, cells: Cells) -> list[EventCell]:
        """What happened to each feed in a span, by event and cell."""

    def incidents(self, limit: int = 50) -> list[Incident]:
        """What the newest gaps of the ledger were, newest first."""


class Clock(NamedTuple):
    """The two clocks: epoch ms for what people see, monotonic seconds for ages and time-outs."""

    now_ms: Callable[[], int]
    monotonic: Callable[[], float]
