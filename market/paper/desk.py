"""All paper trading on one instrument."""

from collections.abc import Iterable
from math import inf

from market.intervals import BOOK
from market.paper.model import PaperState
from market.paper.trading import Step, on_close, on_quote, on_signal
from market.quotes import Quote
from market.signal_settings import SignalSettings
from market.signals.model import Signal


class PaperDesk:
    """All paper trading on one instrument: every rule × interval that has an order or a position.

    A quote that changes nothing costs three comparisons, however many positions are held.
    """

    def __init__(self, settings: SignalSettings, taker_bps: float, states: Iterable[PaperState] = ()) -> None:
        self._settings = settings
        self._taker_bps = taker_bps
        self._states = {(state.rule, state.interval): state for state in states}
        self._watch()

    def on_signal(self, signal: Signal, atr: float | None) -> PaperState:
        """Take a signal of this instrument; the state to remember."""
        key = (signal.rule, signal.interval)
        before = self._states.get(key) or PaperState(*key)
        state = self._states[key] = on_signal(before, signal, atr, self._settings)
        self._watch()
        return state

    def on_close(self, interval: str, closed_at: int) -> list[PaperState]:
        """Take the end of a candle, before its signals; the states to remember that changed."""
        changed = []
        for key, state in self._states.items():
            if state.interval == interval and (after := on_close(state, closed_at)) is not state:
                self._states[key] = after
                changed.append(after)
        if changed:
            self._watch()
        return changed

    def on_quote(self, quote: Quote) -> list[Step]:
        """Take a quote; what it changed."""
        if quote.bid > self._floor and quote.ask < self._ceiling and quote.time < self._due:
            return []
        steps = []
        for key, state in self._states.items():
            if state.order is not None or state.position is not None:
                step = on_quote(state, quote, self._taker_bps)
                if step.state != state:
                    self._states[key] = step.state
                    steps.append(step)
        self._watch()
        return steps

    def _watch(self) -> None:
        """Note the highest stop below, the lowest above, and the first moment at which something is due."""
        orders = [state.order for state in self._states.values() if state.order is not None]
        held = [state.position for state in self._states.values() if state.position is not None]
        self._floor = max((p.stop_price for p in held if p.side == "buy"), default=0.0)
        self._ceiling = min((p.stop_price for p in held if p.side == "sell"), default=inf)
        ends = [p.ends_at for p in held if p.is_over]
        ends += [s.position.ends_at for s in self._states.values() if s.position and s.interval == BOOK]
        self._due = min([*(o.placed_at + 1 for o in orders), *ends], default=inf)
