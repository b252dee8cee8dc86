"""The score and its words."""

import random
from collections import Counter
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.indicators import CandleClose, ClosedIndicators, closes
from market.signals import Rating, rate
from market.signals.score import word_of
from tests.market.walks import kline, walk
from tests.sizes import sized

NEUTRAL = ClosedIndicators(
    rsi=50.0, stoch_rsi_k=50.0, stoch_rsi_d=50.0, ema_fast=100.0, ema_slow=100.0, macd=0.0,
    macd_signal=0.0, bb_upper=110.0, bb_lower=90.0, atr=10.0, open_time=0, bars=400, reason="",
)  # fmt: skip


def score(*, close: float = 100.0, **changes: object) -> Rating | None:
    """The rating of a neutral candle with these changes."""
    indicators = msgspec.structs.replace(NEUTRAL, **changes)
    return rate(CandleClose(indicators, NEUTRAL, 100.0, 100.0, 100.0, close, 100.0, 1.0, 1.0))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, Rating(0.0, "neutral")),
        ({"ema_fast": 107.5}, Rating(22.5, "buy")),
        ({"ema_fast": 130.0}, Rating(45.0, "buy")),
        ({"ema_fast": 70.0, "macd": -4.0}, Rating(-80.0, "strong_sell")),
        ({"ema_fast": 130.0, "macd": 4.0}, Rating(80.0, "strong_buy")),
        ({"rsi": 85.0, "stoch_rsi_k": 100.0, "close": 112.0}, Rating(-20.0, "sell")),
        ({"rsi": 70.0, "stoch_rsi_k": 80.0, "close": 108.0}, Rating(0.0, "neutral")),
        ({"rsi": 22.5, "stoch_rsi_k": 10.0, "close": 90.0}, Rating(10.0, "neutral")),
    ],
)
def test_each_vote_by_its_weight(changes: dict[str, float], wanted: Rating) -> None:
    """Trend and momentum go along, what is stretched goes against."""
    found = score(**changes)
    assert found is not None
    assert (found.score, found.signal) == (pytest.approx(wanted.score), wanted.signal)


def test_all_votes_together_reach_both_ends() -> None:
    """-100 and 100, and not beyond."""
    up = score(ema_fast=130.0, macd=4.0, rsi=10.0, stoch_rsi_k=0.0, close=80.0)
    down = score(ema_fast=70.0, macd=-4.0, rsi=90.0, stoch_rsi_k=100.0, close=120.0)
    assert (up, down) == (Rating(100.0, "strong_buy"), Rating(-100.0, "strong_sell"))


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (60.0, "strong_buy"), (59.9, "buy"), (20.0, "buy"), (19.9, "neutral"), (0.0, "neutral"),
        (-19.9, "neutral"), (-20.0, "sell"), (-59.9, "sell"), (-60.0, "strong_sell"),
    ],
)  # fmt: skip
def test_words(value: float, word: str) -> None:
    """At their bounds, mirrored."""
    assert word_of(value) == word


def test_no_score_of_what_is_not_to_be_relied_on() -> None:
    """Warming, across a hole, or not yet computed."""
    assert score(reason="warming") is None
    assert score(reason="hole") is None
    for name in (
        "rsi",
        "stoch_rsi_k",
        "ema_fast",
        "ema_slow",
        "macd",
        "macd_signal",
        "bb_upper",
        "bb_lower",
        "atr",
    ):
        assert score(**cast(Any, {name: None})) is None


def test_a_still_market_is_neutral() -> None:
    """RSI is 100 there by definition, which says nothing."""
    rated = [rate(close) for close in closes([kline(n, 0.1) for n in range(200)])]
    assert rated == [None] * 149 + [Rating(0.0, "neutral")] * 51


@settings(max_examples=sized(10), deadline=None)
@given(st.integers())
def test_scores_are_within_bounds_and_change_sign_with_the_market(seed: int) -> None:
    """Every walk without a still stretch, turned upside down, has the opposite score."""
    rng, price, klines = random.Random(seed), 1000.0, []
    for index in range(260):
        price = max(price + rng.gauss(0, 5), 100.0)
        klines.append(kline(index, price, high=price + rng.random(), low=price - rng.random()))
    top = 2 * max(k.high for k in klines)
    mirrored = [
        msgspec.structs.replace(k, open=top - k.open, high=top - k.low, low=top - k.high, close=top - k.close)
        for k in klines
    ]
    for close, other in zip(closes(klines)[150:], closes(mirrored)[150:], strict=True):
        rating, opposite = rate(close), rate(other)
        assert rating is not None
        assert opposite is not None
        assert -100 <= rating.score <= 100
        assert rating.score == pytest.approx(-opposite.score, abs=1e-6)


def test_no_word_is_dead() -> None:
    """On walks each is said, and neutral most of all."""
    words = Counter(r.signal for n in range(3) for c in closes(walk(n, 1_500)) if (r := rate(c)))
    assert words.keys() == {"strong_buy", "buy", "neutral", "sell", "strong_sell"}
    assert words.most_common(1)[0][0] == "neutral"
