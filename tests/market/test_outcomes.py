"""Signals priced again, at prices one could have had."""

import pytest

from market.intervals import HORIZONS_S
from market.outcomes import Outcome, OutcomeTracker, outcome
from market.quotes import Quote
from tests.market.makes import signal


def test_a_buy_is_left_at_the_bid() -> None:
    """In at the ask of the signal's book, out at the bid of the horizon's, two fees."""
    fired = signal(0, "buy", price=100.0, spread_bps=20.0)
    found = outcome(fired, 60, Quote(101.0, 101.2, fired.ts + 60_000), taker_bps=5.0)
    made = 1e4 * (101.0 / 100.1 - 1)
    assert found == (fired, 60, 101.0, pytest.approx(made), pytest.approx(made - 10))


def test_a_sell_is_left_at_the_ask() -> None:
    """The mirror."""
    fired = signal(0, "sell", price=100.0, spread_bps=20.0)
    found = outcome(fired, 60, Quote(98.8, 99.0, fired.ts + 60_000), taker_bps=5.0)
    assert found is not None
    assert (found.price_at, found.return_bps) == (99.0, pytest.approx(1e4 * (1 - 99.0 / 99.9)))


def test_what_cannot_be_priced_is_missing() -> None:
    """No book then, or none when it fired."""
    assert outcome(signal(0), 60, None, 5.0) is None
    assert outcome(signal(0, spread_bps=None), 60, Quote(1.0, 1.0, 0), 5.0) is None


def told(tracker: OutcomeTracker, ts: int, *offsets_s: float) -> list[Outcome]:
    return [o for s in offsets_s for o in tracker.on_quote(Quote(100.0, 100.0, ts + int(s * 1000)))]


def test_each_horizon_is_priced_once_by_the_first_quote_after_it() -> None:
    """1, 5, 15 and 60 minutes."""
    tracker, fired = OutcomeTracker(5.0), signal(0)
    tracker.add(fired)
    found = told(tracker, fired.ts, 59.9, 60, 61, 305, 900.5, 3_000, 3_609, 4_000)
    assert [o.horizon_s for o in found] == list(HORIZONS_S)


def test_a_quote_that_comes_too_late_prices_nothing() -> None:
    """Ten seconds are allowed; the other horizons go on."""
    tracker, fired = OutcomeTracker(5.0), signal(0)
    tracker.add(fired)
    assert [o.horizon_s for o in told(tracker, fired.ts, 70.001, 300)] == [300]


def test_signals_wait_side_by_side_and_go_on_after_a_restart() -> None:
    """Sooner ones first; horizons that are known are not asked again."""
    tracker, first, second = OutcomeTracker(5.0), signal(0), signal(1)
    tracker.add(second)
    tracker.add(first, done=(60,))
    found = told(tracker, first.ts, 60, 120, 300, 360)
    assert [(o.signal, o.horizon_s) for o in found] == [(second, 60), (first, 300), (second, 300)]
