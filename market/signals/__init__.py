"""Signals: `rules` has all rules, `judge` asks them, `score` sums up a series."""

from market.signal_settings import SignalSettings
from market.signals.judge import BookJudge, CandleJudge
from market.signals.model import BookRule, BookView, CandleRule, Signal
from market.signals.rules import BOOK_RULES, CANDLE_RULES
from market.signals.score import Rating, rate

__all__ = [
    "BOOK_RULES",
    "CANDLE_RULES",
    "BookJudge",
    "BookRule",
    "BookView",
    "CandleJudge",
    "CandleRule",
    "Rating",
    "Signal",
    "SignalSettings",
    "rate",
]
