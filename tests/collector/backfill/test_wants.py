"""Spans of candles, against plain sets of open times."""

from hypothesis import given
from hypothesis import strategies as st

from collector.backfill.jobs import GAP, HISTORY
from collector.backfill.wants import GIVEN_UP_MS, JOIN, MOST, SETTLE_MS, Spans, Wants

STEP = 60_000
FAR = 10**9 * STEP

spans = st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda s: (s[0] * STEP, (s[0] + s[1]) * STEP))


def times(start: int, end: int) -> set[int]:
    return set(range(start, end, STEP))


def held(found: Spans) -> set[int]:
    return {time for span in found for time in range(*span, STEP)}


@given(changes=st.lists(st.tuples(st.booleans(), spans), max_size=20), probe=spans)
def test_spans_are_a_set_of_candles(
    changes: list[tuple[bool, tuple[int, int]]], probe: tuple[int, int]
) -> None:
    """Whatever is added and removed; ascending, disjoint, none empty, none that touch."""
    found, model = Spans(STEP), set[int]()
    for is_added, span in changes:
        (found.add if is_added else found.remove)(*span)
        model = model | times(*span) if is_added else model - times(*span)
    assert held(found) == model
    assert found.count == len(model)
    assert bool(found) == bool(model)
    assert found.count_in(*probe) == len(model & times(*probe))
    flat = [edge for span in found for edge in span]
    assert flat == sorted(set(flat))


@given(wanted=st.lists(spans, max_size=8), most=st.integers(0, 30))
def test_a_cut_keeps_the_newest(wanted: list[tuple[int, int]], most: int) -> None:
    """And says what went."""
    found = Spans(STEP)
    for span in wanted:
        found.add(*span)
    before = sorted(held(found))
    cut = {time for span in found.cut(most) for time in range(*span, STEP)}
    assert held(found) == set(before[max(0, len(before) - most) :])
    assert cut == set(before) - held(found)


@given(
    wanted=st.lists(spans, min_size=1, max_size=6),
    now=st.integers(0, 80 * STEP),
    limit=st.integers(1, 40),
)
def test_a_request_begins_with_the_oldest_and_asks_for_nothing_unsettled(
    wanted: list[tuple[int, int]], now: int, limit: int
) -> None:
    """Of at most `limit` candles; it ends with one that is wanted; None only if nothing is due."""
    wants = Wants(STEP)
    wants.ask(wanted, GAP)
    model = held(wants.missing)
    due = {time for time in model if time + STEP + SETTLE_MS <= now}
    request = wants.next_request(now, limit)
    if request is None:
        assert not due
        return
    start, end = request
    assert start == min(due)
    assert 0 < end - start <= limit * STEP
    assert end <= max(due) + STEP
    assert times(start, end) & due


@given(
    wanted=st.lists(spans, min_size=1, max_size=6),
    there=st.sets(st.integers(0, 80).map(lambda n: n * STEP)),
    limit=st.integers(1, 40),
)
def test_asking_until_nothing_is_missing_gets_all_that_is_there(
    wanted: list[tuple[int, int]], there: set[int], limit: int
) -> None:
    """In a bounded number of requests; what is not there is known to be absent and not asked again."""
    wants = Wants(STEP)
    wants.ask(wanted, HISTORY)
    model = held(wants.missing)
    for _ in range(len(model) + 1):
        request = wants.next_request(FAR, limit)
        if request is None:
            break
        assert wants.take(request, there & times(*request), FAR) == bool(held(wants.had) & times(*request))
    assert not wants.missing
    assert held(wants.had) == model & there
    assert held(wants.absent) == model - there
    wants.ask(wanted, HISTORY)
    assert held(wants.missing) == model & there


def test_a_candle_that_may_still_come_stays_wanted_for_a_minute() -> None:
    """Then the venue never had it."""
    wants = Wants(STEP)
    wants.ask([(0, 2 * STEP)], GAP)
    assert wants.next_request(STEP + SETTLE_MS - 1, 10) is None
    assert wants.due_in(STEP) == SETTLE_MS
    assert wants.next_request(STEP + SETTLE_MS, 10) == (0, STEP)
    assert not wants.take((0, STEP), set(), STEP + GIVEN_UP_MS - 1)
    assert held(wants.missing) == {0, STEP}
    assert wants.take((0, 2 * STEP), {STEP}, STEP + GIVEN_UP_MS)
    assert held(wants.had) == {STEP}
    assert not wants.missing
    assert held(wants.absent) == {0}
    assert wants.due_in(0) is None


def test_near_spans_are_asked_for_together() -> None:
    """Far ones are not: a request costs more than a candle, up to a point."""
    wants = Wants(STEP)
    wants.ask([(0, STEP), (50 * STEP, 51 * STEP), ((52 + JOIN) * STEP, (53 + JOIN) * STEP)], GAP)
    assert wants.next_request(FAR, 1000) == (0, 51 * STEP)
    assert wants.next_request(FAR, 20) == (0, STEP)


def test_what_memory_holds_meanwhile_is_not_asked_for() -> None:
    """Of one span; what else is wanted stays."""
    wants = Wants(STEP)
    wants.ask([(0, 10 * STEP), (20 * STEP, 21 * STEP)], GAP)
    wants.keep_missing(0, 10 * STEP, [(2 * STEP, 3 * STEP), (5 * STEP, 7 * STEP)])
    assert held(wants.missing) == {2 * STEP, 5 * STEP, 6 * STEP, 20 * STEP}


def test_too_much_is_not_wanted() -> None:
    """Only the newest; the rest is known not to come."""
    wants = Wants(STEP)
    wants.ask([(0, (MOST + 5) * STEP)], GAP)
    assert wants.missing.count == MOST
    assert held(wants.absent) == times(0, 5 * STEP)
    wants.forget_absent()
    assert not wants.absent


def test_what_is_urgent_goes_before_the_past_and_does_not_take_it_along() -> None:
    """Also while it cannot be asked for yet; whether it comes or is not to be had, the past is next."""
    past, gap, lost = (0, 400 * STEP), (400 * STEP, 401 * STEP), (390 * STEP, 391 * STEP)
    wants = Wants(STEP)
    wants.ask([past], HISTORY)
    wants.ask([gap], GAP)
    assert (wants.urgency, wants.next_request(gap[0], 1_000), wants.due_in(gap[1])) == (GAP, None, SETTLE_MS)
    assert wants.next_request(FAR, 1_000) == gap
    wants.take(gap, {gap[0]}, FAR)
    assert (wants.urgency, wants.next_request(FAR, 1_000)) == (HISTORY, past)
    wants.ask([lost], GAP)
    assert (wants.urgency, wants.next_request(FAR, 1_000)) == (GAP, lost)
    wants.refuse(*lost)
    assert (wants.urgency, wants.next_request(FAR, 1_000)) == (HISTORY, past)
