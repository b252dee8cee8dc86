"""What a minute's candle is when the venue has not closed it."""

import pytest

from market.events import Kline, Trade
from market.provisional import Evidence, provisional, with_counts
from market.trade_bars import TradeBar
from tests.market.candles import DAY, candle, trade


def bar_of(*trades: Trade) -> TradeBar:
    bar = TradeBar(DAY)
    for order, each in enumerate(trades):
        bar.add(each, order)
    return bar


def evidence(**known: object) -> Evidence:
    nothing = {
        "symbol": "BTCUSDT",
        "open_time": DAY,
        "bar": None,
        "is_covered": False,
        "last_word": None,
        "price_before": None,
        "is_price_before_sure": False,
        "recv_time": 5,
    }
    return Evidence(**{**nothing, **known})  # type: ignore[arg-type]  # fields by name


def word(**told: object) -> Kline:
    """A forming candle, told 30 s into the minute."""
    return candle(0, is_closed=False, after_ms=30_000, **told)  # type: ignore[arg-type]  # fields by name


def make(known: Evidence, *, opens_at_last_close: bool = True) -> Kline:
    made = provisional(known, opens_at_last_close=opens_at_last_close)
    assert made is not None
    assert (made.source, made.is_closed, made.open_time) == ("trades", True, DAY)
    return made


TWO = bar_of(trade(0, 10, price=3.0, size=2.0), trade(1, 50, price=4.0, taker_side="sell", fills=2))


def test_all_trades_and_a_known_open_make_it_whole() -> None:
    """Bybit's open is the price before, and high and low include it."""
    made = make(evidence(bar=TWO, is_covered=True, price_before=5.0, is_price_before_sure=True))
    assert (made.open, made.high, made.low, made.close) == (5.0, 5.0, 3.0, 4.0)
    assert (made.volume, made.turnover, made.trades, made.taker_buy_volume) == (3.0, 10.0, 3, 2.0)
    assert made.complete


def test_binance_opens_at_the_first_trade() -> None:
    """The price before does not matter."""
    made = make(evidence(bar=TWO, is_covered=True, price_before=5.0), opens_at_last_close=False)
    assert (made.open, made.high, made.low, made.complete) == (3.0, 4.0, 3.0, True)


@pytest.mark.parametrize("opens_at_last_close", [True, False])
def test_a_minute_without_trades_is_flat_at_the_price_before(opens_at_last_close: bool) -> None:
    """With no volume; whole if that is known."""
    known = evidence(is_covered=True, price_before=5.0, is_price_before_sure=True)
    for sure in (True, False):
        made = make(known._replace(is_price_before_sure=sure), opens_at_last_close=opens_at_last_close)
        assert {made.open, made.high, made.low, made.close} == {5.0}
        assert (made.volume, made.turnover, made.trades, made.taker_buy_volume) == (0.0, 0.0, 0, 0.0)
        assert made.complete == sure
        assert made.recv_time == 5


def test_the_venue_said_where_it_opens() -> None:
    """Its word goes before the price before and the first trade."""
    known = evidence(bar=TWO, is_covered=True, last_word=word(open=3.5, high=3.5, low=3.0), price_before=9.0)
    for opens_at_last_close in (True, False):
        made = make(known, opens_at_last_close=opens_at_last_close)
        assert (made.open, made.complete) == (3.5, True)


def test_without_all_trades_it_is_the_best_of_both_and_not_whole() -> None:
    """The higher high, the lower low, the larger volume with its counts, the newer price."""
    told = word(
        open=3.6, high=6.0, low=3.5, close=3.7, volume=9.0, turnover=33.0, trades=11, taker_buy_volume=4.0
    )
    made = make(evidence(bar=TWO, last_word=told))
    assert (made.open, made.high, made.low, made.close) == (3.6, 6.0, 3.0, 4.0)
    assert (made.volume, made.turnover, made.trades, made.taker_buy_volume) == (9.0, 33.0, 11, 4.0)
    assert not made.complete


def test_a_word_newer_than_the_newest_trade_closes() -> None:
    """A trade after the last one that came may have been lost."""
    early = bar_of(trade(0, 10, price=3.0))
    assert make(evidence(bar=early, last_word=word(close=1.5))).close == 1.5
    assert make(evidence(last_word=word(close=1.5))).close == 1.5


def test_a_word_of_more_volume_says_that_trades_are_missing() -> None:
    """However unbroken the stream seemed; the rounding of a sum says nothing."""
    for volume, is_whole in ((3.0 * (1 + 1e-12), True), (3.001, False)):
        made = make(evidence(bar=TWO, is_covered=True, last_word=word(volume=volume)))
        assert made.complete == is_whole
        assert made.volume == (3.0 if is_whole else volume)


def test_an_unknown_open_is_guessed_and_not_whole() -> None:
    """By the first trade; without one there is no candle."""
    made = make(evidence(bar=TWO, is_covered=True))
    assert (made.open, made.complete) == (3.0, False)
    assert provisional(evidence(is_covered=True), opens_at_last_close=True) is None


def test_counts_are_told_where_the_trades_add_up_to_the_volume() -> None:
    """Only where the venue tells none."""
    bare = candle(0, volume=3.0, trades=None, taker_buy_volume=None)
    told = with_counts(bare, TWO)
    assert (told.trades, told.taker_buy_volume, told.volume) == (3, 2.0, 3.0)
    assert with_counts(candle(0, volume=3.0), TWO) == candle(0, volume=3.0)
    other = candle(0, volume=3.1, trades=None)
    assert with_counts(other, TWO) is other
    assert with_counts(other, None) is other
    empty = with_counts(candle(0, volume=0.0, trades=None, taker_buy_volume=None), None)
    assert (empty.trades, empty.taker_buy_volume) == (0, 0.0)
