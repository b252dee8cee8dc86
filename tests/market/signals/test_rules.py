"""When each rule fires and which way, by numbers small enough for the head."""

import pytest

from market.signal_settings import SignalSettings
from market.signals.model import BOOK_INPUTS, CANDLE_INPUTS, BookRule, CandleRule, Firing
from market.signals.rules import (
    BOOK_RULES,
    CANDLE_RULES,
    bollinger_reentry,
    book_pressure,
    macd_trend,
    rsi_reversal,
    stoch_rsi_cross,
    volume_surge,
)

SETTINGS = SignalSettings()


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        (25.0, 30.0, Firing("buy", 0.5)),
        (5.0, 31.0, Firing("buy", 1.0)),
        (30.0, 31.0, None),
        (25.0, 29.9, None),
        (75.0, 70.0, Firing("sell", 0.5)),
        (70.0, 60.0, None),
        (75.0, 70.1, None),
    ],
)
def test_rsi_reversal(before: float, now: float, wanted: Firing | None) -> None:
    """Fires on the way back over 30 and 70, by how far beyond it had been."""
    assert rsi_reversal(before, now, SETTINGS) == wanted


@pytest.mark.parametrize(
    ("before", "now", "wanted"),
    [
        ((5.0, 10.0), (20.0, 15.0), Firing("buy", 0.25)),
        ((0.0, 0.0), (30.0, 10.0), Firing("buy", 1.0)),
        ((5.0, 10.0), (25.0, 20.0), None),
        ((11.0, 10.0), (20.0, 15.0), None),
        ((95.0, 90.0), (80.0, 85.0), Firing("sell", 0.25)),
        ((95.0, 90.0), (70.0, 79.0), None),
        ((50.0, 55.0), (60.0, 58.0), None),
        ((0.0, 0.0), (1e-9, 0.0), None),
    ],
)
def test_stoch_rsi_cross(
    before: tuple[float, float], now: tuple[float, float], wanted: Firing | None
) -> None:
    """K over D counts only while D is in the zone at both candles, and never as float noise."""
    assert stoch_rsi_cross(*before, *now, SETTINGS) == wanted


@pytest.mark.parametrize(
    ("lines", "close", "wanted"),
    [
        ((1.0, 1.0, 2.0, 1.5), 101.0, Firing("buy", 0.5)),
        ((1.0, 1.0, 2.0, 1.5), 99.0, None),
        ((-2.0, -2.0, -1.0, -1.5), 101.0, None),
        ((-1.0, -1.0, -2.0, -1.5), 99.0, Firing("sell", 0.5)),
        ((-1.0, -1.0, -2.0, -1.5), 101.0, None),
        ((2.0, 1.0, 3.0, 1.5), 101.0, None),
        ((0.0, 0.0, 2e-14, 1e-14), 101.0, None),
    ],
)
def test_macd_trend(lines: tuple[float, float, float, float], close: float, wanted: Firing | None) -> None:
    """A cross counts along the trend only, and never as float noise."""
    assert macd_trend(*lines, ema_slow=100.0, close=close, atr=10.0) == wanted


@pytest.mark.parametrize(
    ("before", "close", "wanted"),
    [
        (88.0, 91.0, Firing("buy", 0.8)),
        (80.0, 91.0, Firing("buy", 1.0)),
        (88.0, 89.0, None),
        (91.0, 92.0, None),
        (112.0, 109.0, Firing("sell", 0.8)),
        (112.0, 111.0, None),
        (88.0, 111.0, None),
    ],
)
def test_bollinger_reentry(before: float, close: float, wanted: Firing | None) -> None:
    """From outside a band to inside both."""
    assert bollinger_reentry(before, 90.0, 110.0, close, 90.0, 110.0) == wanted


def test_bands_that_meet_are_no_reentry() -> None:
    """In a still market the close is outside its bands by rounding alone."""
    assert bollinger_reentry(0.1, 0.1 + 2e-17, 0.1 + 2e-17, 0.1, 0.1, 0.1) is None


@pytest.mark.parametrize(
    ("close", "volume", "mean", "wanted"),
    [
        (105.0, 30.0, 10.0, Firing("buy", 1 / 3)),
        (95.0, 60.0, 10.0, Firing("sell", 2 / 3)),
        (105.0, 29.0, 10.0, None),
        (104.0, 30.0, 10.0, None),
        (105.0, 30.0, 0.0, None),
    ],
)
def test_volume_surge(close: float, volume: float, mean: float, wanted: Firing | None) -> None:
    """Three times the mean and a body of half an ATR."""
    assert volume_surge(100.0, close, volume, mean, 10.0, SETTINGS) == wanted


def test_a_surge_without_a_body_has_no_direction() -> None:
    """Not even where nothing ranges."""
    assert volume_surge(100.0, 100.0, 99.0, 10.0, 0.0, SETTINGS) is None


def test_book_pressure() -> None:
    """Imbalance, where the microprice leans the same way."""
    assert book_pressure(0.7, 100.1, 100.0) == 0.7
    assert book_pressure(-0.7, 99.9, 100.0) == -0.7
    assert book_pressure(0.7, 99.9, 100.0) == 0.0
    assert book_pressure(0.7, 100.0, 100.0) == 0.0


def test_every_rule_says_who_it_is_and_what_it_reads() -> None:
    """Names are unique, words are for people, inputs are the parameters, all of them known."""
    rules: list[CandleRule | BookRule] = [*CANDLE_RULES, *BOOK_RULES]
    assert len({rule.name for rule in rules}) == len(rules)
    assert all(" " in rule.words for rule in rules)
    assert all(rule.inputs and set(rule.inputs) <= CANDLE_INPUTS.keys() for rule in CANDLE_RULES)
    assert all(rule.inputs and set(rule.inputs) <= BOOK_INPUTS.keys() for rule in BOOK_RULES)
