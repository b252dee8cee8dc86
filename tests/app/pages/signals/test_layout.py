"""The page's choices and its terms."""

from app.pages.signals.layout import Choices, layout
from app.pages.signals.terms import terms_of
from market.rule_words import RULE_WORDS
from tests.app.fakes import settings


def test_every_filter_offers_what_there_is() -> None:
    """Venues and symbols as they are shown, every interval with the book, every rule, both sides."""
    page = str(layout(Choices(["bybit"], ["BTCUSDT", "ETHUSDT"]), []).to_plotly_json())
    for value in ("bybit", "BTCUSDT", "ETHUSDT", "1m", "1d", "book", *RULE_WORDS, "buy", "sell"):
        assert f"value='{value}'" in page, value
    for name in ("venue", "symbol", "interval", "rule", "side"):
        assert f"'data-filter': '{name}'" in page or f"data-filter='{name}'" in page, name


def test_a_page_needs_no_plotly_and_no_grid() -> None:
    """Its curve is drawn by a script of ours, its tables are tables."""
    page = str(layout(Choices([], []), []).to_plotly_json())
    assert "Graph" not in page
    assert "AgGrid" not in page


def test_the_terms_are_those_of_the_settings() -> None:
    """Fees by venue, stop, time limits."""
    given = settings(
        taker_fee_bps="bybit:2.5,binance:4", signal_stop_atr=3.5, signal_hold_bars=12, signal_book_hold_s=600
    )
    words = {term.head: term.words for term in terms_of(given, ["bybit", "sim-binance"])}
    assert words["Taker fee"].startswith("bybit 2.5 bps, sim-binance 4 bps, paid twice")
    assert "3.5 ATR" in words["Out"]
    assert "12 candles" in words["Out"]
    assert "10 minutes" in words["Out"]
