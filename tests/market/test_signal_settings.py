"""Thresholds are checked together."""

import pytest

from market.signals import SignalSettings


def test_every_bad_threshold_is_named_at_once() -> None:
    """With what was expected and found."""
    with pytest.raises(ValueError, match="rsi_oversold") as told:
        SignalSettings(
            rsi_oversold=80.0, book_leave=0.7, stop_atr=0.0, book_cooldown_s=-1.0, late_s=float("nan")
        )
    problems = str(told.value).split("; ")
    assert "rsi_oversold: expected between 0 and 70, found 80" in problems
    assert "book_leave: expected between 0 and 0.6, found 0.7" in problems
    assert "stop_atr: expected above 0 and at most 1e+09, found 0" in problems
    assert "book_cooldown_s: expected from 0 to 1e+09, found -1" in problems
    assert "late_s: expected above 0 and at most 1e+09, found nan" in problems


def test_an_impossible_threshold_is_blamed_alone() -> None:
    """The other of its pair is held to no bound of its making."""
    with pytest.raises(ValueError, match="rsi_oversold") as told:
        SignalSettings(rsi_oversold=200.0, book_enter=float("nan"))
    assert str(told.value).split("; ") == [
        "rsi_oversold: expected between 0 and 70, found 200",
        "book_enter: expected between 0.3 and 1, found nan",
    ]


def test_settings_cannot_be_changed() -> None:
    """A rule that ran under them ran under all of them."""
    with pytest.raises(AttributeError):
        SignalSettings().rsi_oversold = 20.0  # type: ignore[misc]
