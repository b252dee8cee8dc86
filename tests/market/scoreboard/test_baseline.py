"""Random moments in the same markets and hours."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.intervals import DAY_MS
from market.quotes import CandlePrices
from market.scoreboard.baseline import HOUR_MS, MOST, Moment, matched_moments, price_moments
from tests.market.walks import DAY
from tests.sizes import sized

SPAN = (DAY, DAY + 3 * DAY_MS)


@settings(max_examples=sized(30), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A", "B"]), st.sampled_from(["buy", "sell"]), st.integers(0, 3 * DAY_MS - 1)
        ),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 2**32),
)
def test_moments_match_their_signals(signals: list[tuple[str, str, int]], seed: int) -> None:
    """As many of each market, side and hour of the day, ten a signal, on whole minutes, on other days."""
    fired = [Moment(symbol, side, DAY + time) for symbol, side, time in signals]  # type: ignore[arg-type]
    moments = matched_moments(fired, SPAN, seed)

    def hours(some: list[Moment]) -> Counter[tuple[str, str, int]]:
        return Counter((m.symbol, m.side, m.time % DAY_MS // HOUR_MS) for m in some)

    assert hours(moments) == Counter({key: 10 * n for key, n in hours(fired).items()})
    assert all(SPAN[0] <= m.time < SPAN[1] and m.time % 60_000 == 0 for m in moments)
    for signal, own in zip(fired, zip(*[iter(moments)] * len(fired), strict=True), strict=False):
        assert own[fired.index(signal)].time // DAY_MS != signal.time // DAY_MS
    assert matched_moments(fired, SPAN, seed) == moments


def test_every_other_day_is_drawn() -> None:
    """About as often as any."""
    moments = matched_moments([Moment("A", "buy", DAY + DAY_MS)] * 300, SPAN, 1)
    days = Counter((m.time - DAY) // DAY_MS for m in moments)
    assert days.keys() == {0, 2}
    assert min(days.values()) > 1_300


def test_one_day_alone_has_no_other() -> None:
    """Nor is there anything to match without signals."""
    assert matched_moments([Moment("A", "buy", DAY)], (DAY, DAY + DAY_MS), 1) == []
    assert matched_moments([], SPAN, 1) == []


def test_moments_stay_within_the_span() -> None:
    """Where the first and last day are cut, those outside are left out."""
    span = (DAY + DAY_MS // 2, DAY + 3 * DAY_MS - DAY_MS // 2)
    moments = matched_moments(
        [Moment("A", "buy", DAY + DAY_MS + hour * HOUR_MS) for hour in range(24)], span, 1
    )
    assert 0 < len(moments) < 240
    assert all(span[0] <= m.time < span[1] for m in moments)


def test_many_signals_are_sampled() -> None:
    """20,000 moments are enough."""
    assert len(matched_moments([Moment("A", "buy", DAY + n) for n in range(5_000)], SPAN, 1)) == MOST


def test_moments_are_priced_like_signals() -> None:
    """In and out at the far sides, two fees; without a quote they are left out."""
    prices = {"A": CandlePrices([0, 60_000], [100.0, 110.0], spread_bps=20.0)}
    moments = [
        Moment("A", "sell", 0),
        Moment("A", "buy", 0),
        Moment("A", "buy", 60_000),
        Moment("B", "buy", 0),
    ]
    results = price_moments(moments, prices, 60, 5.0)
    assert [r.time for r in results] == [0, 0]
    bought = 1e4 * (109.89 / 100.1 - 1) - 10
    sold = 1e4 * (1 - 110.11 / 99.9) - 10
    assert [r.net_bps for r in results] == pytest.approx([bought, sold])
