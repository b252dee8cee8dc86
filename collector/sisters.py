"""What the streams of one instrument show about one another: whether its market moves without one of them."""

from collections.abc import Iterable

from collector.state import InstrumentState
from collector.venues import Topic
from collector.watchdog import BASE_S, Clock

NEVER = float("-inf")
TOGETHER_S = 2.0
"""If none of an instrument's streams spoke for so long, they rest together, or are dead together."""


class Sisters:
    """The streams of one instrument. Times are monotonic seconds, -inf for never."""

    __slots__ = (
        "_candle", "_clocks", "_heard_at", "_missed_trade_at", "_moved_best_at", "_moving_trades", "_price",
        "_ticker_clocks", "_traded_at",
    )  # fmt: skip

    def __init__(self) -> None:
        self._candle: tuple[int, float, int] | None = None
        self._price: float | None = None
        self._missed_trade_at = NEVER
        self._moved_best_at = NEVER
        self._heard_at = NEVER
        """When the last trade came."""
        self._traded_at = NEVER
        """When the last one came that the book must have shown."""
        self._moving_trades = 0
        self._ticker_clocks: list[Clock] = []
        self._clocks: list[Clock] = []
        """Of all but the candles, which rest longer."""

    def look(self, state: InstrumentState, topics: Iterable[tuple[Topic, Clock]], now: float) -> None:
        """Compare with the last look; call it a few times a second, under the pipeline's lock."""
        clocks: dict[str, list[Clock]] = {}
        for topic, clock in topics:
            clocks.setdefault(topic.channel, []).append(clock)
        self._ticker_clocks = clocks.get("ticker", [])
        self._clocks = [clock for channel, held in clocks.items() if channel != "kline" for clock in held]
        trades = clocks.get("trade", [])
        last_trade = max((c.good_time for c in trades), default=0)
        self._heard_at = max(_heard(trades), default=NEVER)
        if state.moving_trades != self._moving_trades:
            self._moving_trades, self._traded_at = state.moving_trades, self._heard_at
        if self._shows_trade(state, last_trade):
            self._missed_trade_at = now
        book = state.rules.book
        if clocks.get("top") and book.is_live and book.top() != state.best:
            self._moved_best_at = max(_heard(clocks.get("book", [])), default=NEVER)

    def moved_at(self, channel: str) -> float:
        """When the market last moved in a way that a stream of `channel` must have told."""
        if channel == "trade":
            return self._missed_trade_at
        missed_at = self._missed_trade_at if self._missed_trade_at > self._heard_at else NEVER
        if channel == "top":
            return max(self._traded_at, missed_at, self._moved_best_at)
        return max(self._traded_at, missed_at)

    def ticks_on(self, now: float) -> bool:
        """Whether the ticker speaks as usual, trade or not."""
        return any(clock.is_usual(now, BASE_S["ticker"]) for clock in self._ticker_clocks)

    def rest_together(self, now: float) -> bool:
        """Whether none of the streams speaks."""
        return all(clock.is_silent or now - clock.last_at > TOGETHER_S for clock in self._clocks)

    def _shows_trade(self, state: InstrumentState, last_trade: int) -> bool:
        """Whether candle or ticker moved between two moments that both lie after the last trade we have.

        Only then was there a trade since: a candle may tell of one half a minute late.
        """
        found = False
        forming = state.candles.series["1m"].forming
        if forming is not None:
            before = self._candle
            self._candle = (forming.open_time, forming.volume, forming.event_time)
            if before is not None and before[2] > last_trade:
                grew = forming.volume > (before[1] if before[0] == forming.open_time else 0.0)
                found = bool(last_trade) and grew
        price = state.ticker.last_price
        found = found or (
            None not in (price, self._price)
            and price != self._price
            and bool(last_trade)
            and (state.ticker.event_time or 0) > last_trade
        )
        self._price = price
        return found


def _heard(clocks: Iterable[Clock]) -> list[float]:
    """When those spoke last that did."""
    return [clock.last_at for clock in clocks if not clock.is_silent]
