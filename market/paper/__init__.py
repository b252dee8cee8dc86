"""Paper trades: `model` is what is remembered, `trading` how it changes, `desk` one instrument's trading."""

from market.paper.desk import PaperDesk
from market.paper.model import PaperState, PaperTrade
from market.paper.trading import Step, on_close, on_quote, on_signal

__all__ = ["PaperDesk", "PaperState", "PaperTrade", "Step", "on_close", "on_quote", "on_signal"]
