"""Trades over a hole, from a venue made of arithmetic."""

import json

from hypothesis import given
from hypothesis import strategies as st

from collector.backfill.jobs import AUDIT, Jobs
from collector.backfill.trades import MOST_PAGES, MOST_WALKS, Walk, by_id, newest
from collector.venues import RestError, venue_for
from market.events import Trade


def trade(number: int, *, trade_id: str = "", time: int | None = None) -> Trade:
    return Trade("X", trade_id or str(number), 1.0, 1.0, "buy", number if time is None else time, 0)


class Venue:
    """Binance's aggregate trades 0 … `newest`, one a millisecond, but for those that are `gone`."""

    def __init__(self, newest: int, gone: range = range(0)) -> None:
        self.trades = [n for n in range(newest + 1) if n not in gone]
        self.rest = venue_for("binance").rest
        self.requests = 0
        self.refuse_after = 10**9

    def walk(self, last: int, until: int) -> tuple[list[int], bool]:
        """What a walk gives."""
        jobs, results = Jobs(), list[tuple[list[int], bool]]()
        Walk(
            self.rest,
            jobs.put,
            "X",
            trade(last),
            until,
            lambda found, whole: results.append(([int(t.trade_id) for t in found], whole)),
        ).step()
        while (job := jobs.take(0.0, AUDIT, ())) is not None:
            request = job.make()
            assert request is not None
            try:
                job.on_body(self._answer(int(request.params["fromId"])))
            except RestError:
                job.on_refused()
        (result,) = results
        return result

    def _answer(self, first: int) -> bytes:
        self.requests += 1
        if self.requests > self.refuse_after:
            return b'{"code":-1130,"msg":"fromId is too old"}'
        page = [n for n in self.trades if n >= first][:1000]
        return json.dumps([{"a": n, "p": "1", "q": "1", "T": n, "m": False} for n in page]).encode()


def test_a_walk_by_id_bridges_a_hole() -> None:
    """Page by page up to the end, none missing, none twice, none after it."""
    venue = Venue(newest=9_000)
    assert venue.walk(100, 5_500) == (list(range(101, 5_501)), True)
    assert venue.requests == 6
    assert Venue(newest=120).walk(100, 5_500) == (list(range(101, 121)), True)
    assert Venue(newest=100).walk(100, 5_500) == ([], True)


def test_a_walk_that_is_too_long_is_cut() -> None:
    """What was had is given, and that it does not bridge."""
    venue = Venue(newest=100_000)
    found, whole = venue.walk(0, 90_000)
    assert (len(found), found[-1], whole) == (MOST_PAGES * 1000, 20_000, False)
    assert venue.requests == MOST_PAGES


def test_trades_that_the_venue_lacks_are_a_hole() -> None:
    """At the beginning (too old) or between."""
    found, whole = Venue(newest=3_000, gone=range(200)).walk(100, 3_000)
    assert (found, whole) == (list(range(200, 3_001)), False)
    found, whole = Venue(newest=3_000, gone=range(1_500, 1_501)).walk(100, 3_000)
    assert (len(found), whole) == (2_899, False)


def test_a_refusal_ends_the_walk() -> None:
    """With what came before it."""
    venue = Venue(newest=9_000)
    venue.refuse_after = 2
    found, whole = venue.walk(100, 9_000)
    assert (found, whole) == (list(range(101, 2_101)), False)


@given(
    count=st.integers(0, 60),
    kept=st.integers(0, 30),
    last=st.integers(0, 59),
    per_ms=st.integers(1, 4),
)
def test_the_newest_trades_bridge_only_if_they_reach_back(
    count: int, kept: int, last: int, per_ms: int
) -> None:
    """Never a wrong yes: then nothing between the last one seen and the first new one is missing."""
    everything = [trade(n, trade_id=f"id-{n}", time=n // per_ms) for n in range(count)]
    seen = trade(last, trade_id=f"id-{last}", time=last // per_ms)
    bridge = newest(seen, everything[max(0, count - kept) :])
    if bridge.is_whole:
        assert bridge.trades == everything[last + 1 :]
    later = {t.trade_id for t in bridge.trades}
    assert later <= {t.trade_id for t in everything[last + 1 :]}
    if count - kept <= last < count:
        assert bridge.is_whole


def test_without_the_last_ones_id_its_time_decides() -> None:
    """Only if no other trade has the same."""
    seen = trade(5, trade_id="other")
    assert newest(seen, [trade(4), trade(6)]) == ([trade(6)], True)
    assert newest(seen, [trade(4), trade(5), trade(6)]) == ([trade(6)], False)
    assert newest(seen, [trade(6)]) == ([trade(6)], False)
    assert newest(seen, []) == ([], False)


def test_ids_that_count_on_bridge() -> None:
    """From the last one seen; a jump does not."""
    assert by_id(trade(5), [trade(6), trade(7)]).is_whole
    assert by_id(trade(5), []).is_whole
    assert not by_id(trade(5), [trade(7)]).is_whole
    assert not by_id(trade(5), [trade(6), trade(8)]).is_whole


def test_holes_that_nobody_answers_for_do_not_pile_up() -> None:
    """A venue whose REST is gone for hours while its sockets come and go."""
    jobs, rest = Jobs(), venue_for("binance").rest
    for number in range(1_000):
        Walk(rest, jobs.put, "X", trade(1), 2, lambda _found, _whole: None, number).step()
    assert len(jobs) == MOST_WALKS
