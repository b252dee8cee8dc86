"""The newest public trades of one instrument: the list that Redis holds, and what of it must yet go there."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from db.hot.keys import TRADES_LENGTH
from market.events import Trade


class Tape:
    """As many trades as Redis is to hold, in the order in which they came. Not thread-safe."""

    __slots__ = ("_trades", "is_lost", "new")

    def __init__(self) -> None:
        self._trades: deque[Trade] = deque(maxlen=TRADES_LENGTH)
        self.new = 0
        """How many trades came since they were last taken."""
        self.is_lost = False
        """Whether Redis may lack any of the list."""

    def add(self, trade: Trade) -> None:
        """Take a trade that has just come."""
        self._trades.append(trade)
        self.new += 1

    def recall(self, held: Sequence[Trade]) -> None:
        """Have what Redis holds, oldest first, precede what this worker received and has not published."""
        known = {trade.trade_id for trade in held}
        # older than the oldest of a full list has gone from it again
        floor = held[0].event_time if len(held) == TRADES_LENGTH else float("-inf")
        new = [t for t in self._trades if t.trade_id not in known and t.event_time > floor]
        self._trades = deque([*held, *new], maxlen=TRADES_LENGTH)
        self.new = len(new)

    def take_new(self) -> list[Trade]:
        """Those that came since the last call, in order, as far as they are kept."""
        count, self.new = min(self.new, len(self._trades)), 0
        return list(islice(self._trades, len(self._trades) - count, None))

    def take_all(self) -> list[Trade]:
        """The whole list, in order, each trade once; then Redis is taken to have it."""
        self.new, self.is_lost = 0, False
        return list({trade.trade_id: trade for trade in self._trades}.values())
