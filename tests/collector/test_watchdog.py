"""When a topic is dead, and when its market is only quiet."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.watchdog import BASE_S, CAREFUL, EVIDENCE_LAG_S, LEARN_S, PATIENCE_S, Clock, judge

NEVER = -math.inf
CHANNELS = sorted(BASE_S)


def heard(*times: float) -> Clock:
    """A clock that was asked for at 0 and heard at these times."""
    clock = Clock()
    clock.ask(0.0)
    for time in times:
        clock.hear(time)
        if time == times[0]:
            clock.learn(time)
    return clock


def steady(every_s: float, until: float) -> Clock:
    """A clock that was heard every so often."""
    return heard(*(every_s * n for n in range(1, int(until / every_s) + 1)))


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_liquid_topic_is_dead_soon(channel: str) -> None:
    """It is usually silent for a second at most."""
    clock = steady(1.0, 100.0)
    limit = BASE_S[channel]
    assert judge(clock, channel, 99.9 + limit, moved_at=NEVER, rests=False, greets=False) is None
    verdict = judge(clock, channel, 100.1 + limit, moved_at=NEVER, rests=False, greets=False)
    assert verdict is not None and verdict.is_sure


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_market_that_rests_is_not_dead(channel: str) -> None:
    """While its ticker speaks, long silence is only asked about again, and nothing is claimed."""
    clock = steady(1.0, 100.0)
    now = 100.0 + PATIENCE_S[channel]
    assert judge(clock, channel, now, moved_at=NEVER, rests=True, greets=False) is None
    verdict = judge(clock, channel, now + 1, moved_at=NEVER, rests=True, greets=False)
    assert verdict is not None and not verdict.is_sure


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_quiet_topic_is_given_its_time(channel: str) -> None:
    """Several times its longest silence of late, and that proves nothing."""
    longest = PATIENCE_S[channel]
    clock = heard(1.0, 1.0 + longest)
    now = 1.0 + longest + CAREFUL * longest
    assert judge(clock, channel, now, moved_at=NEVER, rests=False, greets=False) is None
    verdict = judge(clock, channel, now + 1, moved_at=NEVER, rests=False, greets=False)
    assert verdict is not None and not verdict.is_sure


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_topic_heard_for_a_moment_has_no_habit_yet(channel: str) -> None:
    """Two quotes within 10 ms, then none for 12 s: so a thin market was recorded. Nothing is claimed."""
    clock = heard(1.0, 1.01)
    now = 1.01 + PATIENCE_S[channel]
    assert judge(clock, channel, now, moved_at=NEVER, rests=False, greets=False) is None
    verdict = judge(clock, channel, now + 1, moved_at=NEVER, rests=False, greets=False)
    assert verdict is not None and not verdict.is_sure


@pytest.mark.parametrize("channel", CHANNELS)
def test_evidence_tells_at_however_quiet_a_market(channel: str) -> None:
    """A sister that moved later than this topic must have told."""
    clock = heard(1.0, 500.0)
    now = 500.1 + BASE_S[channel]
    late = 500.1 + EVIDENCE_LAG_S[channel]
    verdict = judge(clock, channel, now, moved_at=late, rests=True, greets=False)
    assert verdict is not None and verdict.is_sure
    assert judge(clock, channel, now, moved_at=500.0, rests=True, greets=False) is None


def test_a_first_datum_has_a_deadline() -> None:
    """Where the venue greets it is short; elsewhere a quiet market may be the reason."""
    clock = heard()
    greeted = judge(clock, "book", 4.3, moved_at=NEVER, rests=True, greets=True)
    assert greeted is not None and greeted.is_sure
    assert judge(clock, "book", 19.0, moved_at=NEVER, rests=False, greets=False) is None
    unsure = judge(clock, "book", 21.0, moved_at=NEVER, rests=False, greets=False)
    assert unsure is not None and not unsure.is_sure


def test_a_topic_that_is_not_asked_for_is_not_dead() -> None:
    """Its connection is gone: that is said elsewhere."""
    clock = steady(1.0, 10.0)
    clock.close()
    assert clock.age(1_000.0) == 0.0
    assert judge(clock, "book", 1_000.0, moved_at=999.0, rests=False, greets=True) is None


def test_the_wait_after_asking_anew_is_no_silence_to_learn_from() -> None:
    """Else every fault would make the next one harder to see."""
    clock = steady(1.0, 10.0)
    clock.ask(100.0)
    clock.hear(130.0)
    assert clock.longest == 1.0


def test_old_silences_are_forgotten() -> None:
    """After one to two periods."""
    clock = heard(1.0, 31.0)
    clock.learn(31.0)
    assert clock.longest == 30.0
    clock.learn(31.0 + LEARN_S)
    assert clock.longest == 30.0
    clock.hear(32.0 + LEARN_S)
    clock.last_at = 33.0 + LEARN_S
    clock.learn(31.0 + 2 * LEARN_S)
    clock.learn(31.0 + 3 * LEARN_S)
    assert clock.longest == 0.0


@given(
    st.lists(st.floats(0.01, 50), min_size=1, max_size=50),
    st.sampled_from(CHANNELS),
    st.floats(0, 1000),
    st.booleans(),
)
def test_no_topic_is_dead_before_its_base_and_all_are_asked_about_in_the_end(
    silences: list[float], channel: str, wait: float, rests: bool
) -> None:
    """Whatever it did before."""
    clock = heard()
    now = 0.0
    for silence in silences:
        now += silence
        clock.hear(now)
    verdict = judge(clock, channel, now + wait, moved_at=NEVER, rests=rests, greets=False)
    if wait < BASE_S[channel] - 0.001:
        assert verdict is None
    if wait > max(PATIENCE_S[channel], CAREFUL * clock.longest) + 0.001:
        assert verdict is not None
