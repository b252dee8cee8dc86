"""Which changes become ticks."""

from hypothesis import given
from hypothesis import strategies as st

from market.book_rules import ANEW_MS
from market.ticks import Best, Sampler, Tick

sizes = st.sampled_from([1.0, 2.0, 3.0])
steps = st.lists(st.tuples(st.integers(0, 900), sizes), max_size=60)


def ticks_of(steps: list[tuple[int, float]]) -> list[Tick]:
    """A stream of states: each step is (ms since the one before, best bid size)."""
    found, now = [], 1_000_000
    for update_id, (elapsed, size) in enumerate(steps):
        now += elapsed
        best: Best = (100.0, size, 101.0, 1.0)
        found.append(Tick(best, update_id, now, now + 5))
    return found


def changes_of(ticks: list[Tick]) -> list[Tick]:
    """By the definition: a first state is one, and each that differs from the one before."""
    return [t for n, t in enumerate(ticks) if n == 0 or t.best != ticks[n - 1].best]


@given(steps)
def test_in_full_mode_every_change_is_kept_and_nothing_else(steps: list[tuple[int, float]]) -> None:
    """One row per change, none lost, none twice."""
    sampler, ticks = Sampler(0), ticks_of(steps)
    kept = [k for t in ticks if (k := sampler.see(t, 0.0))]
    assert kept == changes_of(ticks)
    assert sampler.flush() is None


@given(steps, st.sampled_from([100, 250, 1000]))
def test_sampled_the_last_change_of_every_bucket_is_kept(
    steps: list[tuple[int, float]], interval: int
) -> None:
    """Buckets are floor(event_time / interval); the open one is kept at the end."""
    sampler, ticks = Sampler(interval), ticks_of(steps)
    kept = [k for t in ticks if (k := sampler.see(t, 0.0))]
    if last := sampler.flush():
        kept.append(last)
    expected = {t.event_time // interval: t for t in changes_of(ticks)}
    assert kept == list(expected.values())


def test_a_bucket_without_a_later_one_is_kept_after_two_intervals() -> None:
    """On our own clock, because the venue's stands still when nothing comes."""
    sampler = Sampler(1000)
    (tick,) = ticks_of([(0, 1.0)])
    assert sampler.see(tick, 10.0) is None
    assert sampler.overdue(11.9) is None
    assert sampler.overdue(12.0) == tick
    assert sampler.overdue(20.0) is None


def test_a_bucket_that_was_overdue_once_waits_for_the_next() -> None:
    """Venue time that runs slower than ours does not make a row of every two seconds."""
    sampler = Sampler(1000)
    ticks = [Tick((100.0, float(n), 101.0, 1.0), n, 5_000 + n, 0) for n in range(4)]
    kept = [
        sampler.see(ticks[0], 0.0),
        sampler.overdue(3.0),
        sampler.see(ticks[1], 4.0),
        sampler.overdue(9.0),
    ]
    assert kept == [None, ticks[0], None, None]
    later = Tick((100.0, 9.0, 101.0, 1.0), 9, 6_000, 0)
    assert sampler.see(later, 9.5) == ticks[1]


def test_time_that_steps_back_by_little_stays_in_its_bucket() -> None:
    """An older bucket never takes the place of a newer one's held change."""
    sampler = Sampler(1000)
    first, back = Tick((1.0, 1.0, 2.0, 1.0), 1, 6_000, 0), Tick((1.0, 2.0, 2.0, 1.0), 2, 5_999, 0)
    assert sampler.see(first, 0.0) is None
    assert sampler.see(back, 0.1) is None
    assert sampler.flush() == back


def test_a_new_connection_may_count_anew() -> None:
    """Ids start over; an unchanged best is no change."""
    sampler = Sampler(0)
    (tick,) = ticks_of([(0, 1.0)])
    sampler.see(tick._replace(update_id=1_000), 0.0)
    assert sampler.is_old(5, 0)
    sampler.forget_sequence()
    assert not sampler.is_old(5, 0)
    assert sampler.see(tick._replace(update_id=5), 0.0) is None


def test_older_updates_are_known_as_such() -> None:
    """Also after a repeat that changed nothing."""
    sampler = Sampler(0)
    first, second = ticks_of([(0, 1.0), (5, 1.0)])
    sampler.see(first, 0.0)
    sampler.see(second, 0.0)
    assert sampler.is_old(1, 5)
    assert not sampler.is_old(2, 5)


def test_lower_ids_of_a_later_time_are_a_new_count() -> None:
    """Not those of a moment later: a repeat may come with a time of its own."""
    sampler = Sampler(0)
    (tick,) = ticks_of([(0, 1.0)])
    sampler.see(tick._replace(update_id=1_000), 0.0)
    assert sampler.is_old(5, tick.event_time + ANEW_MS)
    assert not sampler.is_old(5, tick.event_time + ANEW_MS + 1) and sampler.begins_anew(5)
    assert not sampler.begins_anew(1_001)
