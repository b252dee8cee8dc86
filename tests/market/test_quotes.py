"""What one could trade at."""

import numpy as np
import pytest

from market.measures import spread_bps
from market.quotes import CandlePrices, Quote, candle_quotes, quote_around
from tests.market.walks import DAY, kline


def test_a_taker_pays_the_spread() -> None:
    """In at the far side, out at the other."""
    quote = Quote(99.0, 101.0, 0)
    assert (quote.opens_at("buy"), quote.closes_at("buy")) == (101.0, 99.0)
    assert (quote.opens_at("sell"), quote.closes_at("sell")) == (99.0, 101.0)
    assert (quote.mid, quote.spread_bps) == (100.0, 200.0)


def test_a_quote_around_a_price_has_the_spread_that_is_stated() -> None:
    """Half of it on each side."""
    quote = quote_around(100.0, 200.0, 5)
    assert quote == Quote(99.0, 101.0, 5)
    assert spread_bps(quote.bid, quote.ask) == pytest.approx(200.0)


def test_a_candle_stands_for_its_open_low_and_high() -> None:
    """The open at its own time, the extremes on the way somewhere until the last ms."""
    candle = kline(1, 100.0, open_=100.0, high=110.0, low=90.0)
    assert list(candle_quotes(candle, 0.0)) == [
        Quote(100.0, 100.0, DAY + 60_000),
        Quote(90.0, 90.0, DAY + 119_999, is_reached=True),
        Quote(110.0, 110.0, DAY + 119_999, is_reached=True),
    ]


def test_prices_of_the_past() -> None:
    """The first open at a moment or soon after; none where a candle is missing or the series ends."""
    prices = CandlePrices([DAY, DAY + 60_000, DAY + 180_000], [1.0, 2.0, 4.0], 0.0)
    minute = DAY + 60_000
    assert prices.at(minute) == Quote(2.0, 2.0, minute)
    assert prices.at(minute - 1) == Quote(2.0, 2.0, minute)
    assert prices.at(minute - 10_001) is None
    assert prices.at(minute + 1) is None
    assert prices.at(DAY + 180_001) is None
    times = [DAY, minute - 1, minute - 10_001, minute + 1, DAY + 180_001]
    assert prices.mids(np.array(times)).tolist() == pytest.approx([1, 2, np.nan, np.nan, np.nan], nan_ok=True)
