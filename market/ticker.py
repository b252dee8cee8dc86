"""One instrument's ticker, put together from messages that each say a part."""

from market.events import TickerUpdate, Trade

PARTS = (
    "last_price",
    "mark_price",
    "index_price",
    "funding_rate",
    "next_funding_time",
    "open_interest",
    "high_24h",
    "low_24h",
    "volume_24h",
    "turnover_24h",
    "change_24h_pct",
)


class Ticker:
    """The last known value of each part; None until it is said. Times are epoch ms, of the newest message."""

    __slots__ = (*PARTS, "_has_base", "_priced_at", "event_time", "recv_time")

    last_price: float | None
    mark_price: float | None
    index_price: float | None
    funding_rate: float | None
    next_funding_time: int | None
    open_interest: float | None
    high_24h: float | None
    low_24h: float | None
    volume_24h: float | None
    turnover_24h: float | None
    change_24h_pct: float | None

    def __init__(self) -> None:
        for part in PARTS:
            setattr(self, part, None)
        self.event_time: int | None = None
        self.recv_time: int | None = None
        self._priced_at = 0
        self._has_base = False

    def on_update(self, update: TickerUpdate) -> bool:
        """Take a message; False if it is a difference and there is nothing to add it to."""
        if update.needs_base and not self._has_base:
            return False
        self._has_base = self._has_base or update.replaces
        for part in PARTS[1:]:
            value = getattr(update, part)
            if value is not None or update.replaces:
                setattr(self, part, value)
        for part in update.cleared:
            setattr(self, part, None)
        self._price(update.last_price, update.event_time)
        self._stamp(update.event_time, update.recv_time)
        return True

    def on_trade(self, trade: Trade) -> None:
        """The last price is the newest trade's or ticker's."""
        self._price(trade.price, trade.event_time)
        self._stamp(trade.event_time, trade.recv_time)

    def reset(self) -> None:
        """A new connection: differences mean nothing until the next full state."""
        self._has_base = False

    def _price(self, price: float | None, event_time: int) -> None:
        if price is not None and event_time >= self._priced_at:
            self.last_price, self._priced_at = price, event_time

    def _stamp(self, event_time: int, recv_time: int) -> None:
        self.event_time = max(self.event_time or 0, event_time)
        self.recv_time = max(self.recv_time or 0, recv_time)
