"""The laws of a book, for each venue's rules."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.book_rules import (
    ANEW_MS,
    DiffBook,
    PartialBook,
    RangeLeft,
    SequencedBook,
    SequenceGap,
    SnapshotTooOld,
)
from market.events import BookDelta, BookSnapshot, Levels

levels = st.lists(
    st.tuples(st.integers(1, 40).map(float), st.sampled_from([0.0, 0.5, 1.0, 7.25])), max_size=12
)
bids = levels
asks = levels.map(lambda side: [(price + 100, size) for price, size in side])
changes = st.lists(st.tuples(bids, asks), max_size=20)


def snapshot(update_id: int, bids: Levels, asks: Levels) -> BookSnapshot:
    return BookSnapshot("BTCUSDT", bids, asks, update_id, update_id, update_id + 1)


def delta(update_id: int, bids: Levels, asks: Levels, previous: int | None = None) -> BookDelta:
    return BookDelta("BTCUSDT", bids, asks, update_id, update_id, update_id + 1, None, previous)


def straightforward(
    start: tuple[Levels, Levels], steps: list[tuple[Levels, Levels]]
) -> list[dict[float, float]]:
    """The two sides as plain dicts, by the definition."""
    sides: list[dict[float, float]] = [dict(start[0]), dict(start[1])]
    for step in steps:
        for side, changed in zip(sides, step, strict=True):
            side.update(changed)
    return [{price: size for price, size in side.items() if size > 0} for side in sides]


def both_sides(rules: SequencedBook | DiffBook) -> list[dict[float, float]]:
    return [dict(rules.book.bids.sizes), dict(rules.book.asks.sizes)]


@given(st.tuples(bids, asks), changes)
def test_a_sequenced_book_is_its_snapshot_and_every_delta(
    start: tuple[Levels, Levels], steps: list[tuple[Levels, Levels]]
) -> None:
    """Sizes are absolute, 0 deletes, and the prices stay sorted and equal to the sizes' keys."""
    rules = SequencedBook(depth=200)
    rules.on_snapshot(snapshot(10, *start))
    for number, step in enumerate(steps):
        assert rules.on_delta(delta(11 + number, *step))
    assert both_sides(rules) == straightforward(start, steps)
    for side in (rules.book.bids, rules.book.asks):
        assert side.prices == sorted(side.sizes)


@given(changes.filter(lambda steps: len(steps) > 1), st.data())
def test_a_lost_delta_is_noticed_and_keeps_the_book(
    steps: list[tuple[Levels, Levels]], data: st.DataObject
) -> None:
    """The delta after the lost one raises, and the levels stay as they were."""
    lost = data.draw(st.integers(0, len(steps) - 2))
    rules = SequencedBook(depth=200)
    rules.on_snapshot(snapshot(10, [(1.0, 1.0)], [(101.0, 1.0)]))
    for number, step in enumerate(steps[:lost]):
        rules.on_delta(delta(11 + number, *step))
    before = both_sides(rules)
    with pytest.raises(SequenceGap) as gap:
        rules.on_delta(delta(12 + lost, *steps[lost + 1]))
    assert (gap.value.expected, gap.value.found) == (11 + lost, 12 + lost)
    assert both_sides(rules) == before
    assert not rules.book.is_live


@given(changes)
def test_repeated_deltas_change_nothing(steps: list[tuple[Levels, Levels]]) -> None:
    """A delta at or below the last `u` is dropped."""
    rules = SequencedBook(depth=200)
    rules.on_snapshot(snapshot(10, [(1.0, 1.0)], [(101.0, 1.0)]))
    for number, step in enumerate(steps):
        rules.on_delta(delta(11 + number, *step))
        expected = both_sides(rules)
        assert not rules.on_delta(delta(11 + number, [(9.0, 9.0)], []))
        assert both_sides(rules) == expected


def test_a_delta_before_any_snapshot_is_dropped() -> None:
    """Nothing is ever applied to an empty book."""
    rules = SequencedBook(depth=50)
    assert not rules.on_delta(delta(5, [(1.0, 1.0)], []))
    assert rules.book.bids.prices == []


def test_update_id_1_is_a_snapshot_in_all_but_name() -> None:
    """After a restart of the venue's service the book begins anew."""
    rules = SequencedBook(depth=50)
    rules.on_snapshot(snapshot(10, [(1.0, 1.0)], [(101.0, 1.0)]))
    assert rules.on_delta(delta(1, [(2.0, 3.0)], [(102.0, 4.0)]))
    assert rules.book.top() == (2.0, 3.0, 102.0, 4.0)


def test_levels_beyond_the_subscribed_depth_are_dropped() -> None:
    """The worst level goes when one too many is held."""
    rules = SequencedBook(depth=2)
    rules.on_snapshot(snapshot(10, [(2.0, 1.0), (1.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)]))
    rules.on_delta(delta(11, [(3.0, 1.0)], [(100.0, 1.0)]))
    assert rules.book.best(5) == ([(3.0, 1.0), (2.0, 1.0)], [(100.0, 1.0), (101.0, 1.0)])


def test_a_missing_side_is_none() -> None:
    """The best of an empty side is None, never the other side."""
    rules = SequencedBook(depth=2)
    rules.on_snapshot(snapshot(10, [(2.0, 1.0)], []))
    assert rules.book.top() == (2.0, 1.0, None, None)
    assert not rules.book.is_crossed


@given(changes.filter(lambda steps: len(steps) > 2), st.data())
def test_a_diff_book_is_the_same_from_any_snapshot(
    steps: list[tuple[Levels, Levels]], data: st.DataObject
) -> None:
    """Wherever in the chain the snapshot was taken and however late it comes, the book ends the same."""
    taken_at = data.draw(st.integers(0, len(steps)))
    arrives_after = data.draw(st.integers(taken_at, len(steps)))
    chain = [delta(10 * (n + 1), *step, previous=10 * n) for n, step in enumerate(steps)]
    sides = [list(side.items()) for side in straightforward(([], []), steps[:taken_at])]
    rules = DiffBook(snapshot_limit=1000, least=20)
    for event in chain[:arrives_after]:
        assert not rules.on_delta(event)
    rules.on_snapshot(snapshot(10 * taken_at, sides[0], sides[1]))
    for event in chain[arrives_after:]:
        rules.on_delta(event)
    assert both_sides(rules) == straightforward(([], []), steps)


def test_only_pu_tells_a_gap_of_a_diff_book() -> None:
    """`pu` must be the last `u`; the deltas since then wait for the next snapshot."""
    rules = DiffBook(snapshot_limit=1000, least=20)
    rules.on_snapshot(snapshot(10, [(1.0, 1.0)], [(101.0, 1.0)]))
    rules.on_delta(delta(20, [(2.0, 1.0)], [], previous=8))
    with pytest.raises(SequenceGap):
        rules.on_delta(delta(40, [(4.0, 1.0)], [], previous=30))
    assert not rules.on_delta(delta(50, [(5.0, 1.0)], [], previous=40))
    rules.on_snapshot(snapshot(35, [(3.0, 1.0)], [(101.0, 1.0)]))
    assert rules.book.best(3)[0] == [(5.0, 1.0), (4.0, 1.0), (3.0, 1.0)]


def test_a_snapshot_older_than_the_buffer_is_refused_and_the_buffer_kept() -> None:
    """A newer snapshot later builds on the same buffer."""
    rules = DiffBook(snapshot_limit=1000, least=20)
    rules.on_delta(delta(20, [(2.0, 1.0)], [], previous=15))
    with pytest.raises(SnapshotTooOld):
        rules.on_snapshot(snapshot(12, [(1.0, 1.0)], []))
    rules.on_snapshot(snapshot(17, [(1.0, 1.0)], []))
    assert rules.book.best(3)[0] == [(2.0, 1.0), (1.0, 1.0)]


def test_a_diff_book_holds_only_what_its_snapshot_proved() -> None:
    """Levels beyond a cut snapshot's range are unknown, so changes there are not taken in."""
    rules = DiffBook(snapshot_limit=2, least=1)
    rules.on_snapshot(snapshot(10, [(9.0, 1.0), (8.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)]))
    rules.on_delta(delta(20, [(7.0, 5.0), (8.5, 1.0)], [(103.0, 5.0)], previous=10))
    assert rules.book.best(5) == ([(9.0, 1.0), (8.5, 1.0), (8.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)])


def test_a_diff_book_knows_the_near_side_of_a_market_that_leaves_its_snapshot() -> None:
    """What is bid above the highest ask that was known came later, so it is proven; asks up there are not."""
    rules = DiffBook(snapshot_limit=2, least=1)
    rules.on_snapshot(snapshot(10, [(9.0, 1.0), (8.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)]))
    with pytest.raises(RangeLeft):
        rules.on_delta(
            delta(20, [(105.0, 1.0)], [(101.0, 0.0), (102.0, 0.0), (106.0, 1.0)], previous=10),
        )
    assert rules.book.top() == (105.0, 1.0, None, None)
    assert not rules.book.is_live
    rules.on_snapshot(snapshot(30, [(9.0, 1.0), (8.0, 1.0)], [(101.0, 1.0), (102.0, 1.0)]))
    with pytest.raises(RangeLeft):
        rules.on_delta(delta(40, [(9.0, 0.0), (8.0, 0.0), (3.0, 1.0)], [(4.0, 1.0)], previous=30))
    assert rules.book.top() == (None, None, 4.0, 1.0)


def sinking(count: int) -> list[BookDelta]:
    """Deltas that each take the best of 100 bids from 100 down, and add one below all of them."""
    return [
        delta(20 + n, [(100.0 - n, 0.0), (-float(n), 1.0)], [], previous=19 + n if n else 10)
        for n in range(count)
    ]


def sunk(update_id: int, gone: int) -> BookSnapshot:
    """What the exchange holds after so many."""
    return snapshot(update_id, [(100.0 - n, 1.0) for n in range(gone, gone + 100)], [(101.0, 1.0)])


@pytest.mark.parametrize("at", [50, 60, 75])
@pytest.mark.parametrize("arrives_after", [50, 60, 75])
def test_a_diff_book_that_runs_low_goes_on_while_its_next_snapshot_comes(at: int, arrives_after: int) -> None:
    """Whenever that was taken, and whenever it arrives: the book is that of the exchange again."""
    rules = DiffBook(snapshot_limit=100, least=20)
    rules.on_snapshot(sunk(10, 0))
    chain = sinking(80)
    for number, event in enumerate(chain[: max(at, arrives_after)], 1):
        assert not rules.is_low or number > 50
        assert rules.on_delta(event)
        if number == 50:
            assert not rules.is_low
            rules.renew()
    assert rules.on_snapshot(sunk(19 + at, at))
    assert not rules.is_renewing
    for event in chain[max(at, arrives_after) :]:
        assert rules.on_delta(event)
    assert rules.book.best(3)[0] == [(20.0, 1.0), (19.0, 1.0), (18.0, 1.0)]
    assert len(rules.book.bids.prices) == 100 - (80 - at)


def test_a_snapshot_behind_a_book_that_goes_on_is_refused() -> None:
    """It is older than all that was kept since it was asked for."""
    rules = DiffBook(snapshot_limit=100, least=20)
    rules.on_snapshot(sunk(10, 0))
    chain = sinking(60)
    for event in chain[:55]:
        rules.on_delta(event)
    assert rules.is_low
    rules.renew()
    for _ in range(2):
        with pytest.raises(SnapshotTooOld):
            rules.on_snapshot(sunk(60, 41))
        rules.on_delta(chain[55])
    assert rules.book.is_live
    assert rules.on_snapshot(sunk(75, 56))
    assert rules.book.top()[0] == 44.0


def test_a_gap_in_a_book_that_is_being_renewed_begins_a_new_chain() -> None:
    """What was kept before the gap does not lead on to what comes after it."""
    rules = DiffBook(snapshot_limit=100, least=20)
    rules.on_snapshot(sunk(10, 0))
    rules.renew()
    rules.on_delta(delta(20, [(100.0, 2.0)], [], previous=10))
    with pytest.raises(SequenceGap):
        rules.on_delta(delta(40, [(99.0, 2.0)], [], previous=30))
    with pytest.raises(SnapshotTooOld):
        rules.on_snapshot(sunk(20, 0))
    assert rules.on_snapshot(sunk(35, 0))
    assert rules.book.best(2)[0] == [(100.0, 1.0), (99.0, 2.0)]


def test_a_partial_book_is_its_newest_message() -> None:
    """Each message replaces; an older one is dropped; a first one needs nothing before it."""
    rules = PartialBook()
    assert rules.on_snapshot(snapshot(10, [(1.0, 1.0)], [(101.0, 1.0)]))
    assert not rules.on_snapshot(snapshot(9, [(9.0, 1.0)], [(101.0, 1.0)]))
    assert rules.on_snapshot(snapshot(11, [(2.0, 1.0)], [(101.0, 1.0)]))
    assert rules.book.top() == (2.0, 1.0, 101.0, 1.0)


def test_a_crossed_book_says_so() -> None:
    """Crossed and locked books are both impossible."""
    rules = SequencedBook(depth=50)
    rules.on_snapshot(snapshot(10, [(101.0, 1.0)], [(101.0, 1.0)]))
    assert rules.book.is_crossed


def test_lower_ids_that_go_on_in_a_later_time_are_a_gap() -> None:
    """The venue counts anew, and its snapshot was lost; a repeat is of a time that is known."""
    rules = SequencedBook(depth=200)
    rules.on_snapshot(snapshot(5_000, [(1.0, 1.0)], [(2.0, 1.0)]))
    late = msgspec.structs.replace(delta(2, [(1.0, 2.0)], []), event_time=5_000 + ANEW_MS)
    assert not rules.on_delta(late)
    with pytest.raises(SequenceGap):
        rules.on_delta(msgspec.structs.replace(late, update_id=3, event_time=late.event_time + 1))
    assert not rules.book.is_live


@pytest.mark.parametrize("chained", [False, True])
def test_a_chain_that_goes_on_lower_is_a_gap_though_it_is_whole(*, chained: bool) -> None:
    """The snapshot that comes then is of the new count, and fits."""
    rules = DiffBook(snapshot_limit=1000, least=20)
    rules.on_snapshot(snapshot(9_000, [(1.0, 1.0)], [(2.0, 1.0)]))
    if chained:
        assert rules.on_delta(delta(9_010, [(1.0, 2.0)], [], 8_999))
    lower = msgspec.structs.replace(delta(100, [(1.0, 3.0)], [], 90), event_time=9_010 + ANEW_MS + 1)
    assert not rules.on_delta(msgspec.structs.replace(lower, event_time=9_000))
    with pytest.raises(SequenceGap):
        rules.on_delta(lower)
    assert rules.on_snapshot(snapshot(95, [(1.0, 1.0)], [(2.0, 1.0)]))
    assert rules.book.update_id == 100 and rules.book.bids.sizes == {1.0: 3.0}


def test_whole_tops_of_a_lower_count_are_taken_after_a_gap() -> None:
    """One that is late is dropped."""
    rules = PartialBook()
    rules.on_snapshot(snapshot(9_000, [(1.0, 1.0)], [(2.0, 1.0)]))
    assert not rules.on_snapshot(snapshot(8_999, [(1.0, 5.0)], [(2.0, 1.0)]))
    lower = msgspec.structs.replace(snapshot(7, [(1.0, 6.0)], [(2.0, 1.0)]), event_time=9_001 + ANEW_MS)
    with pytest.raises(SequenceGap):
        rules.on_snapshot(lower)
    assert rules.on_snapshot(lower) and rules.book.update_id == 7
