"""A worker's side of the budget: shared while Redis answers, its own share while it does not."""

import time

from hypothesis import given
from hypothesis import strategies as st

from collector.backfill.budget import Budget, OwnShare
from collector.venues import Limits, venue_for
from db.errors import StoreUnavailable
from db.hot.budget import SharedBudget, Wait
from db.hot.connect import live_client

SLOW = Limits(limit=1e9, window_s=3600, per_s=0.01, burst=90)


class FakeShared:
    """The shared budget, full or spent, reachable or not."""

    def __init__(self) -> None:
        self.wait = Wait(0)
        self.broken = False
        self.calls: list[tuple[object, ...]] = []

    def take(self, weight: float, *, is_urgent: bool) -> Wait:
        self._call("take", weight, is_urgent)
        return self.wait

    def note(self, used: int) -> None:
        self._call("note", used)

    def close(self, for_ms: int, reason: str) -> None:
        self._call("close", for_ms, reason)

    def _call(self, *call: object) -> None:
        self.calls.append(call)
        if self.broken:
            raise StoreUnavailable("gone")


def test_the_shared_budget_decides() -> None:
    """Also when the worker's own share would say otherwise."""
    shared = FakeShared()
    budget = Budget(SLOW, shared)
    assert all(budget.take(60, is_urgent=True).ms == 0 for _ in range(3))
    shared.wait = Wait(5, "status 429")
    assert budget.take(1, is_urgent=False) == Wait(5, "status 429")
    budget.note(17)
    assert shared.calls[-2:] == [("take", 1, False), ("note", 17)]


def test_without_redis_each_worker_has_its_part() -> None:
    """Of three processes a third; Redis is left alone for some seconds."""
    shared = FakeShared()
    shared.broken = True
    budget = Budget(SLOW, shared, processes=3)
    assert budget.take(20, is_urgent=False).ms == 0
    assert budget.take(1, is_urgent=False).ms > 0
    assert budget.take(10, is_urgent=True).ms == 0
    assert budget.take(1, is_urgent=True).ms > 0
    assert len(shared.calls) == 1


def test_what_was_spent_together_is_remembered_alone() -> None:
    """A Redis that goes does not give the budget back."""
    shared = FakeShared()
    budget = Budget(SLOW, shared)
    assert budget.take(85, is_urgent=True).ms == 0
    shared.broken = True
    assert budget.take(10, is_urgent=True).ms > 0
    assert budget.take(5, is_urgent=True).ms == 0


def test_a_ban_holds_with_and_without_redis() -> None:
    """Nothing is asked while it lasts, and the others are told again and again."""
    shared = FakeShared()
    budget = Budget(SLOW, shared)
    budget.close(60, "status 418")
    budget.close(5, "status 429")
    wait = budget.take(1, is_urgent=True)
    assert 55_000 < wait.ms <= 60_001
    assert wait.reason == "status 418"
    assert [call[0] for call in shared.calls] == ["close", "close", "close"]
    assert all(str(call[2]) == "status 418" for call in shared.calls)
    shared.broken = True
    assert budget.take(1, is_urgent=True).reason == "status 418"


def test_alone_there_is_no_other_to_tell() -> None:
    """`./dev doctor` and tests do without Redis."""
    budget = Budget(SLOW)
    budget.note(5)
    budget.close(60, "status 418")
    assert budget.take(1, is_urgent=True).reason == "status 418"


def test_a_redis_that_is_gone_never_blocks() -> None:
    """The real client, with nobody there: one short try, then none for some seconds."""
    shared = SharedBudget(live_client("redis://127.0.0.1:1"), "binance", **SLOW._asdict())
    budget = Budget(SLOW, shared)
    budget.note(1)
    began = time.monotonic()
    assert [budget.take(1, is_urgent=True).ms for _ in range(50)] == [0] * 50
    assert time.monotonic() - began < 5


jobs = st.lists(
    st.tuples(st.floats(0, 30), st.sampled_from([1, 2, 5, 20, 40]), st.booleans()), min_size=1, max_size=300
)


@given(jobs=jobs, venue=st.sampled_from(["bybit", "binance"]))
def test_no_window_ever_holds_more_than_the_venue_allows(
    jobs: list[tuple[float, int, bool]], venue: str
) -> None:
    """Whatever is asked for and when; and what is not urgent stays below two thirds."""
    limits = venue_for(venue).rest.LIMITS
    share, now = OwnShare(limits, 1, 1e6), 1e6
    spent: list[tuple[float, int, bool]] = []
    for pause, weight, is_urgent in jobs:
        now += pause * limits.window_s / 60
        if not share.take(weight, now, is_urgent=is_urgent).ms:
            spent.append((now, weight, is_urgent))
    for at, _, _ in spent:
        inside = [(w, urgent) for when, w, urgent in spent if at <= when < at + limits.window_s]
        assert sum(w for w, _ in inside) <= limits.limit
        assert sum(w for w, urgent in inside if not urgent) <= limits.limit * 2 / 3


def test_waiting_as_long_as_told_is_enough() -> None:
    """Neither a moment too short nor for ever, for both kinds of job."""
    for is_urgent in (True, False):
        share, now = OwnShare(venue_for("binance").rest.LIMITS, 4, 1e6), 1e6
        waited = 0
        for _ in range(200):
            if wait := share.take(20, now, is_urgent=is_urgent).ms:
                waited += 1
                now += wait / 1000
                assert share.take(20, now, is_urgent=is_urgent).ms == 0
        assert waited > 50


def test_the_venues_count_holds_for_the_own_share_too() -> None:
    """Until the window ends."""
    limits = Limits(limit=1000, window_s=60, per_s=10, burst=1000)
    share = OwnShare(limits, 1, 600.0)
    share.note(640, 601.0)
    assert share.take(20, 601.0, is_urgent=False).ms == 0
    assert share.take(20, 601.0, is_urgent=False).ms == 59_001
    assert share.take(280, 601.0, is_urgent=True).ms == 0
    assert share.take(20, 660.0, is_urgent=False).ms == 0
