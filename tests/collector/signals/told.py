"""What is made of an instrument in a test: kept, with what a database would hold of it."""

from typing import Any

import msgspec

from collector.signals.instrument import InstrumentSignals, Terms
from db.rows import IndicatorRow, OutcomeRow, PaperStepRow, PaperTradeRow, SignalRow
from market import measures
from market.events import Kline
from market.intervals import INTERVAL_MS
from market.quotes import Quote, quote_around
from market.signal_settings import SignalSettings
from market.signals import BookView

SPREAD_BPS = 1.0
TERMS = Terms(SignalSettings(), 5.0, tuple(INTERVAL_MS))
ONE = Terms(SignalSettings(), 5.0, ("1m",))


class Told:
    """Takes every row, as the writer does."""

    has_room = True

    def __init__(self) -> None:
        self.indicators: list[IndicatorRow] = []
        self.signals: list[SignalRow] = []
        self.outcomes: list[OutcomeRow] = []
        self.steps: list[PaperStepRow] = []

    def add_indicators(self, row: IndicatorRow) -> None:
        self.indicators.append(row)

    def add_signal(self, row: SignalRow) -> None:
        self.signals.append(row)

    def add_outcome(self, row: OutcomeRow) -> None:
        self.outcomes.append(row)

    def add_paper_step(self, row: PaperStepRow) -> None:
        self.steps.append(row)

    @property
    def trades(self) -> list[PaperTradeRow]:
        """As they are stored in the end, ascending."""
        told = [trade for step in self.steps for trade in step.trades]
        found = {(t.interval, t.rule, t.entry_ts): t for t in told}
        return sorted(found.values(), key=lambda t: (t.entry_ts, t.interval, t.rule))

    def paper_states(self, venue: str) -> list[tuple[str, int, dict[str, Any]]]:
        """The last state of each rule."""
        last = {row[:4]: row for row in sorted(self.steps, key=lambda row: row.step) if row.venue == venue}
        return [(row.symbol, row.step, msgspec.json.decode(row.state)) for row in last.values()]

    def recent_signals(self, venue: str, since: int) -> list[tuple[SignalRow, set[int]]]:
        """Those since then, with the horizons that are priced."""
        return [
            (s, {o.horizon_s for o in self.outcomes if o[:5] == s[:5]})
            for s in self.signals
            if s.venue == venue and s.ts >= since
        ]


def view_of(quote: Quote, imbalance_10: float = 0.0) -> BookView:
    """A book with this top, which leans to the side of `imbalance_10`."""
    lean = quote.mid * (1 + imbalance_10 * 1e-5)
    return BookView(quote.time, quote.mid, lean, quote.spread_bps, imbalance_10, imbalance_10)


def look(made: InstrumentSignals, price: float, time: int, imbalance_10: float = 0.0) -> None:
    """Have it look at a book around a price."""
    quote = quote_around(price, SPREAD_BPS, time)
    assert measures.spread_bps(quote.bid, quote.ask)
    made.look(view_of(quote, imbalance_10), quote)


def live(made: InstrumentSignals, kline: Kline) -> None:
    """A minute as it comes: books all along it, its close told 50 ms after its end."""
    one = kline
    for wait, price in ((100, one.open), (500, one.open), (30_000, one.low), (40_000, one.high)):
        look(made, price, one.open_time + wait)
    at = one.open_time + 60_050
    look(made, one.close, one.open_time + 59_999)
    made.close([one], at, quote_around(one.close, SPREAD_BPS, at), at)
