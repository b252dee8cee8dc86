"""The comparison of a kept book with the venue's snapshot."""

from hypothesis import given
from hypothesis import strategies as st

from market.audit import LEVELS, Seen, differences
from market.events import BookSnapshot, Levels


def sides(bid_sizes: list[float], ask_sizes: list[float]) -> tuple[Levels, Levels]:
    """Levels one apart: bids from 100 down, asks from 101 up; size 0 is no level."""
    bids = [(100.0 - n, size) for n, size in enumerate(bid_sizes) if size]
    asks = [(101.0 + n, size) for n, size in enumerate(ask_sizes) if size]
    return bids, asks


def snapshot(bids: Levels, asks: Levels, order: int = 5) -> BookSnapshot:
    return BookSnapshot("X", bids, asks, 77, 0, 0, order)


FULL = [1.0] * 15


def test_the_same_book_agrees() -> None:
    """At the same number, and between two that are the same."""
    book = sides(FULL, FULL)
    assert differences(snapshot(*book), [Seen(5, *book)]) == []
    assert differences(snapshot(*book), [Seen(4, *book), Seen(6, *book)]) == []


def test_a_level_that_should_be_gone_is_found() -> None:
    """A deletion that was missed: the book holds what the venue does not."""
    ours = sides(FULL, FULL)
    theirs = sides(FULL, [1.0, 0.0, *FULL[2:]])
    assert differences(snapshot(*theirs), [Seen(5, *ours), Seen(6, *ours)]) == [102.0]


def test_a_level_that_is_not_held_is_found() -> None:
    """And one whose size is another."""
    ours = sides([1.0, 0.0, 2.0, *FULL], FULL)
    theirs = sides([1.0, 1.0, 3.0, *FULL], FULL)
    assert sorted(differences(snapshot(*theirs), [Seen(5, *ours)]) or []) == [98.0, 99.0]


def test_what_changed_meanwhile_is_no_difference() -> None:
    """The snapshot may show either state, or one in between."""
    before, after = sides([1.0, *FULL], FULL), sides([3.0, *FULL], FULL)
    middle = sides([2.0, *FULL], FULL)
    for told in (before, middle, after):
        assert differences(snapshot(*told), [Seen(4, *before), Seen(6, *after)]) == []


def test_a_snapshot_outside_of_what_was_seen_says_nothing() -> None:
    """Neither for nor against."""
    book = sides(FULL, FULL)
    assert differences(snapshot(*book, order=3), [Seen(4, *book), Seen(6, *book)]) is None
    assert differences(snapshot(*book, order=7), [Seen(4, *book), Seen(6, *book)]) is None
    assert differences(snapshot(*book), []) is None


SIZES = st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=LEVELS, max_size=20)


@given(SIZES, SIZES, SIZES, SIZES, st.booleans())
def test_no_true_state_differs(
    bids: list[float], asks: list[float], later_bids: list[float], later_asks: list[float], is_later: bool
) -> None:
    """Whatever changed between two updates, the venue's own book before or after agrees."""
    before, after = sides(bids, asks), sides(later_bids, later_asks)
    told = after if is_later else before
    assert differences(snapshot(*told), [Seen(5 - is_later, *before), Seen(6 - is_later, *after)]) == []


@given(SIZES, SIZES, st.integers(0, LEVELS - 1))
def test_any_wrong_size_near_the_top_is_found(bids: list[float], asks: list[float], level: int) -> None:
    """One level of ours is another than the venue's."""
    ours = sides(bids, asks)
    if level >= len(ours[0]):
        return
    price = ours[0][level][0]
    theirs = [(p, s + 5.0 if p == price else s) for p, s in ours[0]]
    assert differences(snapshot(theirs, ours[1]), [Seen(5, *ours)]) == [price]
