"""What the Symbol page reads: one text for each instrument and interval, made at most twice a second for all.

Redis is asked by the request that finds the text old; whoever comes meanwhile gets the one before. Postgres
is asked in the background.
"""

import itertools
import threading
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import structlog

from app.lately import Lately
from app.ports import Clock, Fields, History, HotReader
from app.read_model import ReadModel
from app.shared import Shared
from app.symbol_history import Parts, SeriesHistory
from app.symbol_view import (
    Digits,
    Values,
    digits_of,
    newest_of,
    read_book,
    read_forming,
    read_indicator,
    read_ticker,
    read_trades,
    text_of,
)
from app.view import MarketView, OverviewRow, feed_words
from db.errors import StoreUnavailable
from market.intervals import INTERVAL_MS

log = structlog.get_logger()

MAX_AGE_S = 0.5
"""A text this old is made anew when somebody asks."""
LOOK_EVERY_S = 20.0
"""How often the collector is told that a symbol is looked at; it forgets a look after a minute."""
FIRST_WAIT_S = 1.0
"""The first reply waits so long for the history: a page that begins full is worth a moment."""
MOST_SERIES = 64
"""Each takes some 300 kB."""
READERS = 2
"""Queries of Postgres at a time: the pool's third connection stays for the API."""
TRADES = 200
TRADE_TAIL = 50
"""Trades in a reply to who has the earlier ones."""

Series = tuple[str, str, str]
"""Venue, symbol, interval."""
Start = Callable[[Callable[[], None]], None]
NUMBERS = itertools.count()
"""Of views, whatever they are of: a reply that was compressed once is known by it."""


class Asked(msgspec.Struct, frozen=True):
    """What a browser asks: which series, and what of it it has. None: nothing, so all of it.

    ``last``: open time of the newest closed candle held; ``until``: up to when the strips are held;
    ``marks``: version of the signals and gaps held.
    """

    venue: str
    symbol: str
    interval: str
    last: int | None = None
    until: int | None = None
    marks: str | None = None

    @property
    def series(self) -> Series:
        """What is asked for."""
        return self.venue, self.symbol, self.interval


class Reply(NamedTuple):
    """The text for a browser; replies of one name are the same text."""

    now: int
    name: str
    text: str


class Sources(NamedTuple):
    """Where the page's parts come from. `start` runs a job without waiting for it."""

    read_model: ReadModel
    hot: HotReader
    history: History
    clock: Clock
    start: Start


class _Hot(NamedTuple):
    ticker: Fields | None = None
    book: Fields | None = None
    forming: Fields | None = None
    indicator: Fields | None = None
    trades: tuple[Fields, ...] = ()
    is_old: bool = False


class _View(NamedTuple):
    now: int
    number: int
    is_old: bool
    """Whether Redis did not answer when it was made."""
    common: Values
    trades: tuple[Fields, ...]
    digits: Digits
    parts: Parts
    texts: dict[tuple[bool, bool], str]
    """Those that somebody asked for, by whether they are whole and whether they have the marks."""

    def text(self, *, is_whole: bool, has_marks: bool) -> str:
        """What browsers get: everything, or the tails; the marks where theirs are others."""
        text = self.texts.get((is_whole, has_marks))
        if text is None:
            text = text_of(self.common | self._series(is_whole=is_whole, has_marks=has_marks))
            self.texts[is_whole, has_marks] = text
        return text

    def _series(self, *, is_whole: bool, has_marks: bool) -> Values:
        parts = self.parts
        candles, strips = (parts.candles, parts.strips) if is_whole else (parts.candle_tail, parts.strip_tail)
        trades = read_trades(self.trades if is_whole else self.trades[:TRADE_TAIL], self.digits)
        marks = parts.marks.part if has_marks else None
        return {"candles": candles, "strips": strips, "trades": trades, "marks": marks}

    def has_gap_before(self, asked: Asked) -> bool:
        """Whether the tails alone would leave a hole in what this browser holds."""
        parts = self.parts
        if asked.last is None or asked.until is None or asked.until < parts.strip_tail_from:
            return True
        return parts.tail_from is not None and parts.tail_from > asked.last + INTERVAL_MS[asked.interval]


class SymbolModel:
    """The texts of all series that somebody looked at lately."""

    def __init__(self, sources: Sources) -> None:
        self.intervals = sources.read_model.intervals
        self._sources = sources
        self._lock = threading.Lock()
        self._series = Lately[Series, _SeriesModel](
            lambda series: _SeriesModel(series, sources), sources.clock.monotonic, MOST_SERIES
        )
        self._looked: dict[tuple[str, str], float] = {}
        """When a look at a symbol was told last, monotonic seconds."""

    def reply(self, asked: Asked) -> Reply:
        """What is new to this browser; never raises StoreUnavailable, but says in the text what is old."""
        view = self._series.get(asked.series).view()
        if not view.is_old:
            self._look(asked.venue, asked.symbol)
        is_whole = view.has_gap_before(asked)
        has_marks = is_whole or asked.marks != view.parts.marks.version
        kind = f"{'whole' if is_whole else 'tail'}{'-marks' if has_marks else ''}"
        name = ":".join((*asked.series, str(view.number), kind))
        return Reply(view.now, name, view.text(is_whole=is_whole, has_marks=has_marks))

    def _look(self, venue: str, symbol: str) -> None:
        """Tell the collector that this symbol is on a screen."""
        now = self._sources.clock.monotonic()
        with self._lock:
            if now - self._looked.get((venue, symbol), float("-inf")) < LOOK_EVERY_S:
                return
            self._looked = {name: at for name, at in self._looked.items() if now - at < LOOK_EVERY_S}
            self._looked[venue, symbol] = now
        try:
            self._sources.hot.look(venue, symbol, self._sources.clock.now_ms())
        except StoreUnavailable as error:
            log.warning("look.untold", reason=str(error))


class _SeriesModel:
    """One series: the view of it, made by one request at a time."""

    def __init__(self, series: Series, sources: Sources) -> None:
        self._series = series
        self._sources = sources
        self._clock = sources.clock
        self._history = SeriesHistory(series, sources.history, sources.clock)
        self._hot = _Hot()
        self._view = Shared[_View](sources.clock.monotonic, MAX_AGE_S)
        self._is_first = True

    def view(self) -> _View:
        return self._view.get(self._make)

    def _make(self) -> _View:
        if self._history.is_due():
            self._sources.start(self._history.refresh)
        hot = self._hot = self._read_hot()
        number = next(NUMBERS)
        if self._is_first:
            self._is_first = False
            self._history.was_read.wait(FIRST_WAIT_S)
        parts = self._history.parts
        market = self._sources.read_model.market()
        row = next((row for row in market.rows if (row.venue, row.symbol) == self._series[:2]), None)
        digits = parts.digits
        if digits.price is None and row is not None:
            digits = Digits(digits_of(row.tick_size, None).price, digits.size)
        common = self._common(hot, parts, market, row, digits)
        return _View(self._clock.now_ms(), number, hot.is_old, common, hot.trades, digits, parts, {})

    def _read_hot(self) -> _Hot:
        (venue, symbol, interval), reader = self._series, self._sources.hot
        try:
            found = _Hot(
                reader.ticker(venue, symbol),
                reader.book(venue, symbol),
                reader.kline(venue, symbol, interval),
                reader.indicator(venue, symbol, interval),
                tuple(reader.trades(venue, symbol, TRADES)),
            )
            if found.ticker or found.book:
                return found
            held = self._hot.book  # keys end two minutes after their feed: the page keeps what it had
            return self._hot._replace(is_old=False, book={**held, "state": "stale"} if held else None)
        except StoreUnavailable:  # logged, and told in a notice, by the read model
            return self._hot._replace(is_old=True)

    def _common(
        self, hot: _Hot, parts: Parts, market: MarketView, row: OverviewRow | None, digits: Digits
    ) -> Values:
        """What every browser gets, whatever it has already."""
        venue, symbol, interval = self._series
        ticker = read_ticker(hot.ticker, digits) or _ticker_of(row)
        book, forming = read_book(hot.book, digits), read_forming(hot.forming, digits)
        return {
            "venue": venue,
            "symbol": symbol,
            "interval": interval,
            "interval_ms": INTERVAL_MS[interval],
            "price_places": digits.price,
            "size_places": digits.size,
            "tick_size": parts.tick_size if parts.tick_size or row is None else row.tick_size,
            "feeds": feed_words(market.feeds),
            "notices": market.notices,
            "newest": newest_of(ticker, book, forming),
            "is_old": hot.is_old,
            "history": parts.state,
            "ticker": ticker,
            "book": book,
            "forming": forming,
            "indicator": read_indicator(hot.indicator, digits),
            "marks_version": parts.marks.version,
        }


def _ticker_of(row: OverviewRow | None) -> Values | None:
    """The ticker as the overview knows it, where Redis holds none of its own."""
    if row is None or row.recv_time is None:
        return None
    names = ("last_price", "mark_price", "funding_rate", "next_funding_time", "volume_24h", "turnover_24h")
    found: Values = {
        name: getattr(row, name) for name in (*names, "change_24h_pct", "event_time", "recv_time")
    }
    return found | dict.fromkeys(("index_price", "high_24h", "low_24h", "open_interest"))


def in_background(limit: int = READERS) -> Start:
    """Runs jobs in threads, at most `limit` at a time; one more is left out and comes with the next round."""
    places = threading.BoundedSemaphore(limit)

    def start(job: Callable[[], None]) -> None:
        if not places.acquire(blocking=False):
            return

        def run() -> None:
            try:
                job()
            finally:
                places.release()

        threading.Thread(target=run, daemon=True, name="symbol-history").start()

    return start
