"""Whether signals ever paid: `board` makes a row, `baseline` what chance made, `statistics` how sure."""

from market.scoreboard.baseline import Moment, Result, matched_moments, price_moments
from market.scoreboard.board import Key, ScoreboardRow, Verdict, scoreboard_row

__all__ = [
    "Key",
    "Moment",
    "Result",
    "ScoreboardRow",
    "Verdict",
    "matched_moments",
    "price_moments",
    "scoreboard_row",
]
