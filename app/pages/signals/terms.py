"""On which terms paper trades and outcomes are counted, in words: no result is shown without them."""

from collections.abc import Iterable
from typing import NamedTuple

from db.settings import Settings


class Term(NamedTuple):
    """One of them: what it is about, and what holds."""

    head: str
    words: str


def terms_of(settings: Settings, venues: Iterable[str]) -> list[Term]:
    """The terms that these settings make."""
    rules = settings.signal_settings
    fees = ", ".join(f"{venue} {settings.taker_bps(venue):g} bps" for venue in venues)
    return [
        Term("Taker fee", f"{fees}, paid twice: in and out. Every net figure has both in it."),
        Term("Spread", "In at the far side of the book, out at the other side: never at the middle."),
        Term(
            "In",
            f"At the first quote after the signal, within {rules.entry_within_s:g} s of the candle's end. "
            "One position at a time for each rule, market and interval.",
        ),
        Term(
            "Out",
            f"At the stop, {rules.stop_atr:g} ATR from the entry; on the opposite signal; or when time is "
            f"up: {rules.hold_bars} candles, for rules of the book {rules.book_hold_s / 60:g} minutes.",
        ),
        Term(
            "Not counted",
            "Funding, impact beyond the best level, the delay between signal and order, refused orders. "
            "Nothing here was ever traded.",
        ),
        Term("Units", "1 bps is 0.01 % of the entry price. Sums take every trade as equally large."),
    ]
