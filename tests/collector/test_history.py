"""What REST is asked for: at the start by what the database holds, later by what memory holds."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from collector.history import WANTED, Span, Stored, holes, lacking, missing_spans
from market.events import Kline
from market.intervals import INTERVAL_MS
from market.klines import Candles

MINUTE = 60_000
NOW = 1_763_596_800_000 + 30 * MINUTE + 5_000
RUNNING = NOW - NOW % MINUTE


def test_without_memory_every_interval_is_asked_for_whole() -> None:
    """400 closed candles each, the long intervals first."""
    spans = missing_spans(["X"], ["1m", "1h"], {}, now=NOW)
    assert [(s.interval, s.length) for s in spans] == [("1h", WANTED), ("1m", WANTED)]
    assert spans[1].end == RUNNING


def test_with_memory_only_what_came_since_is_asked_for() -> None:
    """And nothing when nothing closed since."""
    first = RUNNING - 401 * MINUTE
    held = Stored(399, first, first + 398 * MINUTE)
    assert missing_spans(["X"], ["1m"], {("X", "1m"): held}, now=NOW) == [
        Span("X", "1m", first + 399 * MINUTE, 2)
    ]
    full = Stored(401, first, RUNNING - MINUTE)
    assert missing_spans(["X"], ["1m"], {("X", "1m"): full}, now=NOW) == []


def test_memory_with_a_hole_is_asked_for_again() -> None:
    """A hole is not bridged in silence."""
    first = RUNNING - 401 * MINUTE
    held = Stored(390, first, RUNNING - MINUTE)
    assert missing_spans(["X"], ["1m"], {("X", "1m"): held}, now=NOW)[0].length == WANTED


def kline(interval: str, open_time: int, *, complete: bool = True, source: str = "stream") -> Kline:
    end = open_time + INTERVAL_MS[interval]
    made = Kline("X", interval, open_time, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, True, end, end, source=source)
    return msgspec.structs.replace(made, complete=complete)


def candles(*klines: Kline) -> Candles:
    """An instrument's memory that holds just these."""
    made = Candles()
    for k in klines:
        made.series[k.interval].closed[k.open_time] = k
    return made


kinds = st.sampled_from(["stream", "rollup", "rest", "trades", "incomplete", "missing"])


@given(
    series=st.dictionaries(st.sampled_from(list(INTERVAL_MS)), st.lists(kinds, max_size=40), max_size=3),
    since_close=st.integers(0, 3 * 1440 * MINUTE),
)
def test_holes_are_exactly_what_memory_lacks(series: dict[str, list[str]], since_close: int) -> None:
    """From its oldest candle up to the running one; disjoint, ascending, short intervals first."""
    held: list[Kline] = []
    expected: set[tuple[str, int]] = set()
    now = 1_763_596_800_000 + 10 * 1440 * MINUTE + since_close
    for interval, states in series.items():
        step = INTERVAL_MS[interval]
        first = now - now % step - len(states) * step
        for n, kind in enumerate(states):
            time = first + n * step
            if kind != "missing":
                source = kind if kind != "incomplete" else "stream"
                held.append(kline(interval, time, complete=kind != "incomplete", source=source))
            if kind in ("missing", "incomplete", "trades"):
                expected.add((interval, time))
        kept = [k.open_time for k in held if k.interval == interval]
        expected = {(i, t) for i, t in expected if i != interval or (kept and t >= min(kept))}
    found = holes("X", candles(*held), now=now)
    times = [(s.interval, t) for s in found for t in range(s.start, s.end, INTERVAL_MS[s.interval])]
    assert len(times) == len(set(times))
    assert set(times) == expected
    assert found == sorted(found, key=lambda s: (INTERVAL_MS[s.interval], s.start))
    assert not any(a.interval == b.interval and a.end == b.start for a, b in pairwise(found))


def test_what_is_older_than_the_last_400_is_the_databases_business() -> None:
    """However much memory holds."""
    old = candles(kline("1m", RUNNING - 1000 * MINUTE))
    assert holes("X", old, now=NOW) == [Span("X", "1m", RUNNING - WANTED * MINUTE, WANTED)]
    assert holes("X", candles(), now=NOW) == []


def test_what_a_span_lacks_does_not_depend_on_what_is_kept() -> None:
    """Also before the oldest candle, and a candle made of trades is not final."""
    memory = candles(kline("1m", 3 * MINUTE), kline("1m", 4 * MINUTE, source="trades"))
    assert lacking("X", memory, "1m", MINUTE, 6 * MINUTE) == [
        Span("X", "1m", MINUTE, 2),
        Span("X", "1m", 4 * MINUTE, 2),
    ]
    assert lacking("X", memory, "1m", 6 * MINUTE, 6 * MINUTE) == []
