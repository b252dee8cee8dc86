"""What is known of one instrument right now, and which parts of it changed since they were published."""

from collections import deque
from collections.abc import Sequence
from typing import Any

from collector.tape import Tape
from collector.venues import Plan, Venue
from db.rows import TickerRow, TickRow
from market.audit import LEVELS, Seen
from market.book_rules import DiffBook
from market.events import BookDelta, BookSnapshot, Kline, TickerUpdate, Top, Trade
from market.instruments import Instrument
from market.klines import Candles
from market.ticker import PARTS, Ticker
from market.ticks import Best, Sampler, Tick

AGREED_MS = 60_000
"""Events of a recording may come with those of another time: then each instrument has a clock of its own."""
NO_BEST: Best = (None, None, None, None)


class InstrumentState:
    """Book, ticker, candles and trades of one instrument. Not thread-safe: the pipeline holds its lock.

    `book_state` is what readers are told: ``syncing`` until a book is whole, ``live``, or ``stale`` while
    its connection is gone or silent.
    """

    def __init__(self, instrument: Instrument, venue: Venue, plan: Plan, tick_interval_ms: int) -> None:
        self.instrument = instrument
        self.rules = venue.stream.make_book(plan)
        self.epoch: int | None = 0
        """By which lease this worker publishes it; 0 while that is not known, None if another worker does."""
        self.book_state = "syncing"
        self.crossed_since: float | None = None
        self.ticker = Ticker()
        self.candles = Candles(
            rolls_up=plan.uses_rest,
            ids_rise_by_one=venue.stream.TRADE_IDS_RISE_BY_ONE,
            opens_at_last_close=venue.stream.OPENS_AT_LAST_CLOSE,
        )
        self.best: Best = NO_BEST
        self.tape = Tape()
        self.last_trade: Trade | None = None
        self.moving_trades = 0
        """Counts the trades that the book must have shown."""
        self.is_attached = False
        """Whether the book's connection is open; a snapshot that comes late is not taken without it."""
        self.is_unsaved = False
        """Whether there is news that the database has not been told."""
        self.recv_time: int | None = None
        self.event_time: int | None = None
        self.book_changed = True
        self.ticker_changed = self.candles_changed = self.row_changed = False
        self.indicators: dict[str, dict[str, str | int]] = {}
        """By interval, as they are published."""
        self.indicators_changed: set[str] = set()
        self.overview_part = "{}"
        """The indicators of the overview row, as JSON."""
        self.flow_part = ""
        """Depth and the day's figures of the overview row, as the inside of a JSON object."""
        self.watched: deque[Seen] | None = None
        """Every state of the book's top while it is audited."""
        self._ticks_from_top = venue.stream.TICKS_FROM_TOP
        self._sampler = Sampler(tick_interval_ms)

    @property
    def is_crossed(self) -> bool:
        """Whether the book is crossed or locked and therefore withheld."""
        return self.crossed_since is not None

    @property
    def takes_snapshot(self) -> bool:
        """Whether a REST snapshot is of use: the book is lost, or goes on and is to be renewed."""
        if not self.rules.book.is_live:
            return True
        return isinstance(self.rules, DiffBook) and self.rules.is_renewing and self.book_state == "live"

    def remember(self, row: TickerRow) -> None:
        """Start from what was last known, unless there is news already."""
        if self.recv_time is not None:
            return
        for part in PARTS:
            setattr(self.ticker, part, getattr(row, part))
        self.ticker.event_time, self.ticker.recv_time = row.event_time, row.recv_time
        self.best = (row.best_bid_price, row.best_bid_size, row.best_ask_price, row.best_ask_size)
        self.ticker_changed = self.row_changed = True

    def known(self) -> TickerRow:
        """What is to be remembered."""
        names = ("best_bid_price", "best_bid_size", "best_ask_price", "best_ask_size")
        known: dict[str, Any] = {part: getattr(self.ticker, part) for part in PARTS}
        known |= zip(names, self.best, strict=True)
        known |= {"event_time": self.event_time, "recv_time": self.recv_time}
        return TickerRow(self.instrument.venue, self.instrument.symbol, **known)

    def on_book(self, event: BookSnapshot | BookDelta, now: float) -> tuple[bool, TickRow | None]:
        """Take a book event: whether it changed the book, and a tick to keep. Raises as the rules do.

        See market.book_rules.
        """
        if isinstance(event, BookSnapshot):
            changed = self.rules.on_snapshot(event)
        else:
            changed = self.rules.on_delta(event)
        if not changed:
            return False, None
        self._stamp(event.event_time, event.recv_time)
        book = self.rules.book
        if self.watched is not None and book.is_live:
            order = event.update_id if event.sequence is None else event.sequence
            self.watched.append(Seen(order, *book.best(2 * LEVELS)))
        if book.is_crossed:
            self.crossed_since = self.crossed_since or now
            return True, None
        self.crossed_since = None
        self.book_state = "live"
        self.book_changed = True
        if self._ticks_from_top:
            return True, None
        tick = Tick(book.top(), event.update_id, event.event_time, event.recv_time)
        return True, self._see(tick, now)

    def knows(self, event: BookSnapshot | BookDelta) -> bool:
        """Whether the live book is as new as what another connection told, which would set it back."""
        book = self.rules.book
        if not book.is_live:
            return False
        if event.sequence is not None and book.sequence is not None:  # `u` begins again with the service
            return (event.sequence, event.update_id) <= (book.sequence, book.update_id)
        return isinstance(event, BookSnapshot) and event.update_id <= book.update_id

    def is_top_out_of_turn(self, top: Top) -> bool:
        """Whether an event's id is not above the last one's: it is old, or the venue counts anew."""
        return self._sampler.begins_anew(top.update_id)

    def is_old_top(self, top: Top) -> bool:
        """Whether a best-quote event is not newer than the last one."""
        return self._sampler.is_old(top.update_id, top.event_time)

    def on_top(self, top: Top, now: float) -> TickRow | None:
        """Take a best-quote event that is not old; returns a tick to keep."""
        self._stamp(top.event_time, top.recv_time)
        best = (top.bid_price, top.bid_size, top.ask_price, top.ask_size)
        return self._see(Tick(best, top.update_id, top.event_time, top.recv_time), now)

    def on_ticker(self, update: TickerUpdate) -> bool:
        """Take a ticker message; False if it is a difference and there is nothing to add it to."""
        if not self.ticker.on_update(update):
            return False
        self.ticker_changed = True
        self._stamp(update.event_time, update.recv_time)
        return True

    def on_trade(self, trade: Trade) -> bool:
        """Take a public trade; False if it came before."""
        known = self.candles.trades.changes
        self.candles.trades.add(trade)
        if self.candles.trades.changes == known:
            return False
        self.tape.add(trade)
        self.last_trade = trade
        self.moving_trades += trade.moves_book
        self.ticker.on_trade(trade)
        self.ticker_changed = True
        self._stamp(trade.event_time, trade.recv_time)
        return True

    def lacks_quoted(self, snapshot: BookSnapshot) -> bool:
        """Whether a side of a snapshot is empty of which no quote has said that it is."""
        bid, ask = self.best[0], self.best[2]
        is_quoted = self._sampler.has_seen and self._ticks_from_top
        return (not snapshot.bids and not (is_quoted and bid is None)) or (
            not snapshot.asks and not (is_quoted and ask is None)
        )

    def on_kline(self, kline: Kline) -> list[Kline]:
        """Take a candle; returns every candle that closed or was revised by it."""
        closed = self.candles.upsert(kline)
        self.candles_changed = True
        self._stamp(kline.event_time, kline.recv_time)
        return closed

    def on_history(self, kline: Kline) -> list[Kline]:
        """Take a candle that is not news; returns every candle that closed or was revised by it."""
        self.candles_changed = True
        return self.candles.upsert(kline)

    def on_history_trades(
        self, trades: Sequence[Trade], bridged: tuple[int, int] | None = None
    ) -> list[Kline]:
        """Take trades that REST told (see TradeBars.recover); returns every candle that they change."""
        closed = self.candles.recover(trades, bridged)
        self.candles_changed = self.candles_changed or bool(closed)
        return closed

    def expire(self, venue_time: int | None = None) -> list[Kline]:
        """Candles whose close is overdue, and those that trades have changed since.

        `venue_time` is the venue's clock; without it, time goes as far as this instrument's own events.
        """
        closed = self.candles.expire(venue_time or self.event_time or 0)
        self.candles_changed = self.candles_changed or bool(closed)
        return closed

    def overdue(self, now: float) -> TickRow | None:
        """The tick whose bucket is overdue. `now`: monotonic seconds."""
        return self._row(self._sampler.overdue(now))

    def venue_time(self, now: int, lag: int | None) -> int:
        """The venue's clock. `lag`: how far it is behind ours (`now`), ms, as all its instruments show.

        That counts where this instrument's own events agree; else time goes as far as those.
        """
        own = self.event_time or 0
        if lag is None or self.recv_time is None or abs(self.recv_time - own - lag) > AGREED_MS:
            return own
        return max(own, now - lag)

    def flush(self) -> TickRow | None:
        """The tick whose bucket is still open."""
        return self._row(self._sampler.flush())

    def attach(self) -> None:
        """A new connection: its sequence does not continue the old one's."""
        self.lose_book("syncing")
        if isinstance(self.rules, DiffBook):
            self.rules.forget()
        self.is_attached = True

    def detach(self) -> None:
        """The connection is gone: the last good levels stay, and nothing builds on them."""
        self.lose_book("stale")
        if isinstance(self.rules, DiffBook):
            self.rules.forget()
        self.is_attached = False

    def begin(self, channel: str) -> None:
        """A new connection carries this channel."""
        if channel == "book":
            self.attach()
        elif channel == "top":
            self._sampler.forget_sequence()
        elif channel == "ticker":
            self.ticker.reset()
        elif channel == "trade":
            self.candles.trades.interrupt()

    def lose_book(self, state: str) -> None:
        """The book waits for a snapshot; its last good levels stay to be shown."""
        self.rules.reset()
        self.crossed_since = None
        self._mark_book(state)

    def silence_book(self) -> None:
        """The book is whole as far as is known, but nothing comes any more."""
        self._mark_book("stale")

    def revive_book(self) -> None:
        """Something comes again: a book that was only silent, not broken, is live."""
        if self.book_state == "stale" and self.rules.book.is_live and not self.is_crossed:
            self._mark_book("live")

    def show_indicators(
        self, fields: dict[str, dict[str, str | int]], overview_part: str, flow_part: str
    ) -> None:
        """Have indicators published: the hashes of some intervals, and the parts of the overview row."""
        self.indicators |= fields
        self.indicators_changed |= fields.keys()
        self.overview_part, self.flow_part = overview_part, flow_part
        self.row_changed = True

    def mark_all(self) -> None:
        """Everything is to be published again."""
        self.book_changed = self.ticker_changed = self.candles_changed = self.row_changed = True
        self.indicators_changed = set(self.indicators)
        self.tape.is_lost = True

    def _mark_book(self, state: str) -> None:
        if self.book_state != state:
            self.book_state = state
            self.book_changed = self.row_changed = True

    def _see(self, tick: Tick, now: float) -> TickRow | None:
        if tick.best != self.best:
            self.best = tick.best
            self.row_changed = True
        return self._row(self._sampler.see(tick, now))

    def _row(self, tick: Tick | None) -> TickRow | None:
        if tick is None:
            return None
        venue, symbol = self.instrument.venue, self.instrument.symbol
        return TickRow(venue, symbol, tick.event_time, tick.update_id, *tick.best, tick.recv_time)

    def _stamp(self, event_time: int, recv_time: int) -> None:
        self.event_time = max(self.event_time or 0, event_time)
        self.recv_time = recv_time
        self.row_changed = self.is_unsaved = True
