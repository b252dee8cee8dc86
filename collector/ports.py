"""What a pipeline asks of those around it, and what it tells them."""

from typing import NamedTuple, Protocol

from db.rows import KlineRow, TickRow
from market.events import ControlEvent, Kline, Trade


class Sink(Protocol):
    """Where rows for the history go."""

    def add_tick(self, row: TickRow) -> None:
        """Keep a tick."""

    def add_kline(self, row: KlineRow, *, is_news: bool) -> None:
        """Keep a closed candle; news if it closed just now, history otherwise."""


class Listener(Protocol):
    """Who is told what happens to books, trades and candles. Called under the pipeline's lock."""

    def on_book_lost(self, symbol: str, cause: str, reason: str) -> None:
        """A book needs a new snapshot. `cause`: as in the ledger, "" where no data is missing."""

    def on_book_live(self, symbol: str, event_time: int, *, is_unbroken: bool) -> None:
        """A book is whole again; `is_unbroken` if its sequence shows that no update is missing."""

    def on_trades_missed(self, before: Trade, after: Trade) -> None:
        """Trades between these two were lost, as their ids show, though the connection is sound."""

    def on_quotes_missed(self, symbol: str, reason: str) -> None:
        """Best quotes before the one at hand were taken for old ones and are lost."""

    def on_candle_missed(self, symbol: str, open_time: int) -> None:
        """Of a minute that is over nothing was received at all."""

    def on_closed(self, kline: Kline) -> None:
        """A candle closed, just now or long ago, or a closed one came to have other numbers."""

    def on_incomplete(self, kline: Kline) -> None:
        """A candle closed without all of its parts, or by what the trades alone told."""


class Taken(NamedTuple):
    """What came of a frame.

    ``good_time``: venue time of its newest datum that could be used, else 0; ``refused``: why one was not
    let in, else "".
    """

    topic: str
    is_data: bool
    good_time: int
    answers: list[ControlEvent]
    refused: str = ""
