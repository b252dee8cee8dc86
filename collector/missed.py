"""What was missed on connections that are sound, as the data itself shows: told to the ledger."""

from collections.abc import Iterator, Sequence

from collector.ledger import Ledger
from collector.line import Line
from collector.venues import Topic
from collector.watchdog import Clock
from market.events import Trade
from market.intervals import MINUTE_MS


class Missed:
    """Of one venue. Called under the pipeline's lock."""

    def __init__(self, lines: Sequence[Line], ledger: Ledger) -> None:
        """`lines` is the feed's own list, as it changes."""
        self._lines = lines
        self._ledger = ledger

    def on_trades(self, before: Trade, after: Trade) -> None:
        """Two trades follow one another, and should not."""
        for _, topic, _ in self._watched(after.symbol, "trade"):
            words = f"trade {after.trade_id} came after {before.trade_id}"
            if self._ledger.lose(topic, before.event_time, "sequence", words):
                self._ledger.regain(topic, after.event_time)

    def on_quotes(self, symbol: str, reason: str) -> None:
        """Best quotes since the last good one were taken for old ones; the next that comes is good."""
        for line, topic, _ in self._watched(symbol, "top"):
            line.losses.lose(topic, "sequence", reason)

    def on_candle(self, symbol: str, open_time: int) -> None:
        """Nothing was received of a minute that is over: no candle, and no trade that would make one.

        What was before the candles began to come is not missed.
        """
        found = next(self._watched(symbol, "kline"), None)  # of several intervals the first is the shortest
        if found is None:
            return
        line, topic, clock = found
        if not clock.first_time or open_time < clock.first_time:
            return
        words = f"nothing came of the minute from {open_time}"
        if clock.good_time < open_time + MINUTE_MS:
            line.losses.lose(topic, "silent", words)
        elif self._ledger.ended_at(topic) <= open_time and self._ledger.lose(
            topic, open_time, "silent", words
        ):
            self._ledger.regain(topic, open_time + MINUTE_MS)

    def _watched(self, symbol: str, channel: str) -> Iterator[tuple[Line, Topic, Clock]]:
        for line in list(self._lines):
            for topic, clock in line.losses.watched:
                if topic.symbol == symbol and topic.channel == channel:
                    yield line, topic, clock
