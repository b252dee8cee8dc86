"""Candles of one instrument: every interval, closed on time.

A minute is closed by the venue's word. Where that has not come by a grace time after the minute's end, it is
closed here from what is known of it (market.provisional) and the venue's word replaces that when it comes:
trades < rollup < stream < rest. Each such change, and each change by trades that come late, rolls up again.
"""

from collections.abc import Sequence

from market.events import Kline, Trade
from market.intervals import INTERVAL_MS, MINUTE_MS, open_of
from market.kline_series import KlineSeries, is_venues_word
from market.provisional import Evidence, provisional, with_counts, with_trades_so_far
from market.rollup import Rollups
from market.trade_bars import KEPT, TradeBars

GRACE_MS = 5_000
"""How long after its end a candle may wait for the venue to close it."""
LOST_MS = 20_000
"""So long after its end nothing of a candle is on its way any more."""


class Candles:
    """All intervals of one instrument: 1m from the stream, each higher one rolled up from the one below.

    With `rolls_up` False (no REST to begin from) every interval comes from the venue's own stream, and a
    rollup stands in only where a close is late. `ids_rise_by_one` and `opens_at_last_close` say how the venue
    numbers its trades (market.received) and opens its candles (market.provisional).

    What closes or changes is returned by the call that caused it, lower intervals first; a candle may be
    among it more than once, and then the last one holds.
    """

    def __init__(
        self, *, rolls_up: bool = True, ids_rise_by_one: bool = False, opens_at_last_close: bool = True
    ) -> None:
        self.series = {i: KlineSeries(i) for i in INTERVAL_MS}
        self.series["1m"] = self._minutes = KlineSeries("1m", kept=KEPT)
        self.trades = TradeBars(ids_rise_by_one=ids_rise_by_one)
        self._opens_at_last_close = opens_at_last_close
        self._rollups = Rollups(self.series, leads=rolls_up)
        self._recv_time = 0
        self._judged: int | None = None
        """The newest minute whose grace is over."""
        self._waiting: set[int] = set()
        """Minutes whose grace is over and of which not everything is known."""
        self._reviewed = 0
        self.missed: list[int] = []
        """Minutes of which nothing at all was received, for whoever empties this."""
        self._unknown: set[int] = set()
        """Minutes that may be among them."""

    @property
    def revisions(self) -> int:
        """How often a closed candle of any interval came to have other numbers."""
        return sum(series.revisions for series in self.series.values())

    def upsert(self, kline: Kline) -> list[Kline]:
        """Take a candle from the stream, REST or the database."""
        self._recv_time = max(self._recv_time, kline.recv_time)
        if kline.interval != "1m":
            return self._spread(self.series[kline.interval].upsert(kline))
        open_time = kline.open_time
        if kline.is_closed:
            changed = self._minutes.upsert(with_counts(kline, self.trades.bar(open_time)))
            self.trades.settle(open_time)
            self._wait_for(open_time)
            return self._spread(changed)
        self._minutes.upsert(kline)
        return self._settle(open_time) if self._is_judged(open_time) else []

    def expire(self, venue_time: int) -> list[Kline]:
        """Close what the venue should have closed by now, and review what was closed without its word.

        `venue_time` is the venue's clock, also where the instrument's own streams are silent.
        """
        newest = open_of(venue_time - GRACE_MS, "1m") - MINUTE_MS
        first = newest - (KEPT - 1) * MINUTE_MS
        if self._judged is not None:
            first = max(first, self._judged + MINUTE_MS)
        found: list[Kline] = []
        for open_time in range(first, newest + 1, MINUTE_MS):
            self._judged = open_time
            found += self._settle(open_time)
            if open_time not in self._minutes.closed:
                self._unknown.add(open_time)
        self._note_missed(venue_time)
        self._waiting = {t for t in self._waiting if t > newest - KEPT * MINUTE_MS}
        return [*found, *self._review(), *self._rollups.expire(venue_time - GRACE_MS)]

    def recover(self, trades: Sequence[Trade], bridged: tuple[int, int] | None = None) -> list[Kline]:
        """Take trades that were asked for (see TradeBars.recover)."""
        self.trades.recover(trades, bridged)
        return self._review()

    def forming(self) -> dict[str, Kline]:
        """The forming candle of each interval; one whose parts are not all known is left out."""
        return self._forming(self._minutes.forming)

    def forming_of_trades(self) -> dict[str, Kline]:
        """The same, with what takers bought out of the trades where the venue does not tell it."""
        minute = self._minutes.forming
        if minute is not None:
            bar, are_all = self.trades.bar(minute.open_time), self.trades.covers_so_far(minute.open_time)
            minute = with_trades_so_far(minute, bar, are_all=are_all)
        return self._forming(minute)

    def newest(self) -> dict[str, Kline]:
        """The newest known candle of each interval: the forming one, else the last that closed."""
        found = self.forming()
        for interval, series in self.series.items():
            last = series.newest_open_time
            if interval not in found and last is not None:
                found[interval] = series.closed[last]
        return found

    def _forming(self, minute: Kline | None) -> dict[str, Kline]:
        """Those in which `minute` lies; without one, the next, unless a minute is over that is not closed."""
        last = self._minutes.newest_open_time
        if minute is not None:
            return self._rollups.forming(minute, minute.open_time)
        is_next = last is not None and self._judged is not None and last >= self._judged
        return self._rollups.forming(None, last + MINUTE_MS if last is not None and is_next else None)

    def _note_missed(self, venue_time: int) -> None:
        due = sorted(t for t in self._unknown if t + MINUTE_MS + LOST_MS <= venue_time)
        self.missed += [t for t in due if t not in self._minutes.closed and self._minutes.reaches(t)]
        self._unknown.difference_update(due)

    def _review(self) -> list[Kline]:
        """Close again what trades that became known since may change."""
        if self._reviewed == self.trades.changes:
            return []
        self._reviewed = self.trades.changes
        due = [t for t in self._waiting | self.trades.late if self._is_judged(t)]
        return [k for t in sorted(due) for k in self._settle(t)]

    def _is_judged(self, open_time: int) -> bool:
        is_over = self._judged is not None and open_time <= self._judged
        return is_over or open_time in self._minutes.closed

    def _settle(self, open_time: int) -> list[Kline]:
        """Close a minute with what is known of it, unless the venue has; then only its counts can grow."""
        self.trades.settle(open_time)
        if not self._minutes.reaches(open_time):
            return []
        held, made = self._minutes.closed.get(open_time), self._provisional(open_time)
        if held is not None and is_venues_word(held):
            made = with_counts(held, self.trades.bar(open_time))
        elif held is not None and made is not None and not made.complete and made.volume < held.volume:
            made = None
        changed = self._minutes.revise(made) if made is not None and made is not held else None
        self._wait_for(open_time)
        return self._spread(changed)

    def _provisional(self, open_time: int) -> Kline | None:
        """The candle of what is known of a minute; None where nothing was received of it."""
        trades, closed = self.trades, self._minutes.closed
        bar, word = trades.bar(open_time), self._minutes.last_word(open_time)
        is_covered = trades.covers(open_time)
        if not (bar or word or is_covered or trades.is_live(open_time)):
            return None
        previous = closed.get(open_time - MINUTE_MS)
        price = previous.close if previous is not None and previous.complete else None
        price = price if price is not None else trades.price_before(open_time)
        guess = previous.close if previous is not None else None
        evidence = Evidence(
            symbol=word.symbol if word else trades.symbol,
            open_time=open_time,
            bar=bar,
            is_covered=is_covered,
            last_word=word,
            price_before=price if price is not None else guess,
            is_price_before_sure=price is not None,
            recv_time=self._recv_time,
        )
        return provisional(evidence, opens_at_last_close=self._opens_at_last_close)

    def _wait_for(self, open_time: int) -> None:
        """Note whether trades may still complete a minute."""
        held = self._minutes.closed.get(open_time)
        is_open = self._minutes.reaches(open_time) if held is None else not is_venues_word(held)
        if is_open and not (held and held.complete):
            self._waiting.add(open_time)
        else:
            self._waiting.discard(open_time)

    def _spread(self, changed: Kline | None) -> list[Kline]:
        """What follows from a change: rollups, and the next minute where it was made on this one's close."""
        if changed is None:
            return []
        found = [changed, *self._rollups.after(changed)]
        after = changed.open_time + MINUTE_MS
        if changed.interval == "1m" and after in self._minutes.closed:
            found += self._settle(after)
        return found
