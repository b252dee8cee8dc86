"""One instrument's public trades, added up by minutes.

Every trade counts once, in whatever order and however often it comes; a bar does not depend on the order
either. Whether all trades of a minute are known is a question of its own (`TradeBars.covers`):

- Ids that rise by one (Binance) prove it: an unbroken run of ids from before the minute to a trade at or
  after its end.
- Ids without an order (Bybit) cannot. There one subscription without an interruption stands for it, which
  began before the minute and has brought a trade at or after its end: a stream is in order, and what was
  sent before that trade has come.

So nothing is proven by silence: a minute after which no trade has come yet is not covered yet.
"""

from collections.abc import Sequence

from market.events import Trade
from market.intervals import MINUTE_MS, open_of
from market.named_trades import NamedTrades
from market.numbered_trades import NumberedTrades
from market.received import Received

KEPT = 64
"""Minutes that are kept, and may still be completed by trades that come late."""

_SIZE_UNIT, _TURNOVER_UNIT = 1e8, 1e12
"""Sums are whole numbers of these parts, so that they are exact and the same in any order."""


class TradeBar:
    """The trades of one minute: first and last by (time, order), the extremes and the sums.

    Its prices mean nothing while `trades` is 0.
    """

    __slots__ = (
        "_bought", "_first", "_last", "_turnover", "_volume", "close", "end_time", "high", "low", "open",
        "open_time", "recv_time", "trades",
    )  # fmt: skip

    def __init__(self, open_time: int) -> None:
        self.open_time, self.end_time = open_time, open_time + MINUTE_MS
        self.open = self.high = self.low = self.close = 0.0
        self.trades = self.recv_time = 0
        self._first = self._last = (-1, 0)
        self._volume = self._turnover = self._bought = 0

    @property
    def last_time(self) -> int:
        """Venue time of the last trade."""
        return self._last[0]

    @property
    def volume(self) -> float:
        """In base."""
        return self._volume / _SIZE_UNIT

    @property
    def turnover(self) -> float:
        """In quote."""
        return self._turnover / _TURNOVER_UNIT

    @property
    def taker_buy_volume(self) -> float:
        """The part of the volume whose taker bought, in base."""
        return self._bought / _SIZE_UNIT

    def add(self, trade: Trade, order: int) -> None:
        """Add a trade of this minute that is not in it yet; `order` ranks trades of the same ms."""
        price, size = trade.price, trade.size
        at = (trade.event_time, order)
        if not self.trades:
            self._first, self.open, self.high, self.low = at, price, price, price
        if at > self._last:
            self._last, self.close = at, price
        elif at < self._first:
            self._first, self.open = at, price
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        parts = int(size * _SIZE_UNIT + 0.5)
        self._volume += parts
        self._turnover += int(price * size * _TURNOVER_UNIT + 0.5)
        if trade.taker_side == "buy":
            self._bought += parts
        self.trades += trade.fills
        if trade.recv_time > self.recv_time:
            self.recv_time = trade.recv_time


class TradeBars:
    """The newest minutes of one instrument."""

    def __init__(self, *, ids_rise_by_one: bool) -> None:
        """`ids_rise_by_one`: trade ids are whole numbers without holes, per symbol."""
        self.symbol = ""
        self.changes = 0
        """Rises whenever something became known."""
        self.late: set[int] = set()
        """Settled minutes (open_time) that got a trade since."""
        self._settled = -1
        self._bars: dict[int, TradeBar] = {}
        self._newest = TradeBar(-MINUTE_MS)
        self._received: Received = NumberedTrades() if ids_rise_by_one else NamedTrades()

    def add(self, trade: Trade) -> None:
        """Take a trade of the stream."""
        bar = self._newest
        if not bar.open_time <= trade.event_time < bar.end_time:
            found = self._bar_of(trade)
            if found is None:
                return
            bar = found
        order = self._received.take(trade)
        if order < 0:
            return
        bar.add(trade, order)
        self.changes += 1
        if bar.open_time <= self._settled:
            self.late.add(bar.open_time)

    def misses_before(self, trade: Trade) -> bool:
        """Whether this trade of the stream shows that others were lost before it, on a sound connection."""
        return self._received.misses_before(trade)

    def recover(self, trades: Sequence[Trade], bridged: tuple[int, int] | None = None) -> None:
        """Take trades that were asked for: an unbroken list, oldest first; of several lists the older first.

        `bridged`: venue times of the last trade before a hole and of the first one after it, where the list
        has every trade between those. Without it, a list joins what was known where the ids do or, without
        an order of ids, where it overlaps that by more than a ms.
        """
        if not trades and bridged is None:
            return
        for trade in trades:
            bar = self._bar_of(trade)
            order = self._received.take_old(trade) if bar is not None else -1
            if bar is not None and order >= 0:
                bar.add(trade, order)
                if bar.open_time <= self._settled:
                    self.late.add(bar.open_time)
        # A list may begin and end in the middle of a ms.
        start, until = bridged or (trades[0].event_time + 1, trades[-1].event_time)
        self._received.cover(trades, start, until)
        self.changes += 1

    def interrupt(self) -> None:
        """Trades may be lost from the newest one on, until the next one comes.

        To be called when a subscription ends or is no longer trusted, and when another begins; not where a
        second connection takes over before the first one ends.
        """
        self._received.interrupt()

    def bar(self, open_time: int) -> TradeBar | None:
        """The trades that are known of a minute; None if there are none."""
        found = self._bars.get(open_time)
        return found if found is not None and found.trades else None

    def covers(self, open_time: int) -> bool:
        """Whether all trades of a minute are known."""
        return self._received.covers(open_time, open_time + MINUTE_MS)

    def covers_so_far(self, open_time: int) -> bool:
        """Whether all trades of a minute are known up to the newest of them, and trades are followed now."""
        bar, since = self.bar(open_time), self._received.live_since
        if bar is None or since is None:
            return False
        return since <= open_time or self._received.covers(open_time, max(bar.last_time, open_time + 1))

    def is_live(self, open_time: int) -> bool:
        """Whether trades are followed now, and were at the end of that minute."""
        since = self._received.live_since
        return since is not None and since < open_time + MINUTE_MS

    def price_before(self, open_time: int) -> float | None:
        """Price of the last trade before a minute; None if one may have come after those that are known."""
        before = [t for t in self._bars if t < open_time and self._bars[t].trades]
        if not before:
            return None
        bar = self._bars[max(before)]
        return bar.close if self._received.covers(bar.last_time, open_time) else None

    def settle(self, open_time: int) -> None:
        """A minute was closed with what is known of it; trades that still come for it are `late`."""
        self._settled = max(self._settled, open_time)
        self.late.discard(open_time)

    def _bar_of(self, trade: Trade) -> TradeBar | None:
        """The bar a trade belongs to; None where it is too old to matter."""
        open_time = open_of(trade.event_time, "1m")
        bar = self._bars.get(open_time)
        if bar is None:
            oldest = max(open_time, self._newest.open_time) - KEPT * MINUTE_MS
            if open_time <= oldest:
                return None
            bar = self._bars[open_time] = TradeBar(open_time)
            if open_time > self._newest.open_time:
                self._newest, self.symbol = bar, trade.symbol
                self._bars = {t: b for t, b in self._bars.items() if t > oldest}
                self._received.forget(oldest)
        return bar
