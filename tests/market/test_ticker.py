"""A ticker put together from parts."""

from market.events import TickerUpdate, Trade
from market.ticker import Ticker


def test_differences_need_a_base_and_keep_what_they_do_not_name() -> None:
    """None means unchanged; a difference before any full state is dropped."""
    ticker = Ticker()
    assert not ticker.on_update(TickerUpdate("X", 10, 11, 1.0, needs_base=True))
    assert ticker.last_price is None
    assert ticker.on_update(TickerUpdate("X", 20, 21, 2.0, mark_price=3.0, replaces=True))
    assert ticker.on_update(TickerUpdate("X", 30, 31, mark_price=4.0, needs_base=True))
    assert (ticker.last_price, ticker.mark_price, ticker.event_time, ticker.recv_time) == (2.0, 4.0, 30, 31)


def test_what_has_no_value_any_more_is_cleared() -> None:
    """Which is something else than not being mentioned."""
    ticker = Ticker()
    ticker.on_update(TickerUpdate("X", 20, 21, 2.0, open_interest=3.0, funding_rate=0.1, replaces=True))
    ticker.on_update(TickerUpdate("X", 30, 31, needs_base=True, cleared=("open_interest",)))
    assert (ticker.open_interest, ticker.funding_rate, ticker.last_price) == (None, 0.1, 2.0)


def test_a_full_state_replaces() -> None:
    """What it does not name is not known any more."""
    ticker = Ticker()
    ticker.on_update(TickerUpdate("X", 20, 21, 2.0, open_interest=3.0, replaces=True))
    ticker.on_update(TickerUpdate("X", 30, 31, 2.5, replaces=True))
    assert (ticker.last_price, ticker.open_interest) == (2.5, None)


def test_after_a_reset_differences_wait_for_a_full_state_again() -> None:
    """A new connection does not continue the old one; values stay to be shown."""
    ticker = Ticker()
    ticker.on_update(TickerUpdate("X", 20, 21, 2.0, replaces=True))
    ticker.reset()
    assert not ticker.on_update(TickerUpdate("X", 30, 31, 9.0, needs_base=True))
    assert ticker.last_price == 2.0


def test_messages_that_each_say_a_part_add_up() -> None:
    """As on Binance, where ticker and mark price are streams of their own."""
    ticker = Ticker()
    ticker.on_update(TickerUpdate("X", 20, 21, 2.0, high_24h=5.0))
    ticker.on_update(TickerUpdate("X", 25, 26, mark_price=3.0))
    assert (ticker.last_price, ticker.high_24h, ticker.mark_price) == (2.0, 5.0, 3.0)


def test_the_last_price_is_the_newest_trades_or_tickers() -> None:
    """By the venue's time, not by arrival."""
    ticker = Ticker()
    ticker.on_trade(Trade("X", "1", 7.0, 1.0, "buy", 50, 51))
    ticker.on_update(TickerUpdate("X", 40, 52, 6.0))
    assert ticker.last_price == 7.0
    ticker.on_update(TickerUpdate("X", 60, 61, 8.0))
    assert ticker.last_price == 8.0
