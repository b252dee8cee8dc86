"""The laws of one interval's candles."""

from hypothesis import given
from hypothesis import strategies as st

from market.events import Kline
from market.intervals import MINUTE_MS
from market.kline_series import RANK, KlineSeries
from tests.market.candles import DAY, candle

VENUES = ("stream", "rest")


@st.composite
def told(draw: st.DrawFn, sources: tuple[str, ...] = tuple(RANK)) -> Kline:
    """A candle of the first minute from any source; what the venue closes is whole."""
    source = draw(st.sampled_from(sources))
    return candle(
        0,
        close=draw(st.integers(1, 5)) / 2,
        source=source,
        complete=source in VENUES or draw(st.booleans()),
        trades=draw(st.sampled_from((None, 4))),
    )


@given(st.lists(told(), min_size=1, max_size=12))
def test_no_source_loses_to_a_lower_one(candles: list[Kline]) -> None:
    """Whatever comes in whatever order: the rank falls only to repair, and whole never becomes broken."""
    series = KlineSeries("1m")
    for kline in candles:
        held = series.closed.get(DAY)
        changed = series.upsert(kline)
        now = series.closed[DAY]
        assert now is (held if changed is None else kline)
        if held is not None:
            assert now.complete >= held.complete
            assert RANK[now.source] >= RANK[held.source] or now.complete > held.complete


@given(st.lists(told(("trades", "stream", "rest")), min_size=1, max_size=12))
def test_a_minute_ends_as_the_best_source_told_it(candles: list[Kline]) -> None:
    """As REST told it last; without REST as the stream told it first."""
    series = KlineSeries("1m")
    for kline in candles:
        series.upsert(kline)
    rest = [k.close for k in candles if k.source == "rest"]
    stream = [k.close for k in candles if k.source == "stream"]
    if rest or stream:
        assert series.closed[DAY].close == [*stream[:1], *rest][-1]
        assert series.closed[DAY].complete


@given(st.lists(told(), min_size=1, max_size=12))
def test_replaying_what_is_held_changes_nothing(candles: list[Kline]) -> None:
    """Each held candle told again is no news and no revision."""
    series = KlineSeries("1m")
    for kline in candles:
        series.upsert(kline)
        revisions = series.revisions
        assert series.upsert(series.closed[DAY]) is None
        assert series.revisions == revisions


def test_the_same_candle_twice_is_news_once() -> None:
    """A repeated close, a late forming update and a lesser source change nothing."""
    series = KlineSeries("1m")
    assert series.upsert(candle(0)) is not None
    assert series.upsert(candle(0)) is None
    assert series.upsert(candle(0, close=9.0, is_closed=False)) is None
    assert series.upsert(candle(0, close=9.0, source="rollup")) is None
    assert series.upsert(candle(0, close=9.0, source="rest")) is not None
    assert series.upsert(candle(0, close=5.0)) is None
    assert series.closed[DAY].close == 9.0
    assert series.forming is None
    assert series.revisions == 1


def test_rest_that_agrees_is_no_news() -> None:
    """Numbers that differ by the rounding of a sum alone are equal."""
    series = KlineSeries("1m")
    series.upsert(candle(0))
    assert series.upsert(candle(0, source="rest", volume=1.5 * (1 + 1e-12))) is None
    assert series.closed[DAY].source == "stream"


def test_the_venues_word_is_news_also_where_a_provisional_candle_was_right() -> None:
    """Its source is to be told; it is no revision."""
    series = KlineSeries("1m")
    series.revise(candle(0, source="trades"))
    assert series.upsert(candle(0)) is not None
    assert series.revisions == 0
    assert series.revise(candle(0, close=9.0, source="trades")) is None


def test_a_revision_made_here_is_newer_than_what_it_replaces() -> None:
    """Stores order rows of one source by the time of receiving."""
    series = KlineSeries("1m")
    first = series.revise(candle(0, close=1.0, source="trades"))
    second = series.revise(candle(0, close=1.1, source="trades"))
    assert first is not None
    assert second is not None
    assert second.recv_time > first.recv_time
    assert series.revisions == 1


def test_counts_are_added_to_a_closed_candle() -> None:
    """They are news, but no revision."""
    series = KlineSeries("1m")
    series.upsert(candle(0, trades=None, taker_buy_volume=None))
    assert series.revise(candle(0, trades=7)) is not None
    assert series.closed[DAY].trades == 7
    assert series.revisions == 0


def test_what_was_last_said_of_a_minute_is_kept_until_the_venue_closes_it() -> None:
    """Also when it is closed here, and of several minutes at once; an older word does not come back."""
    series = KlineSeries("1m")
    series.upsert(candle(0, close=1.1, is_closed=False, after_ms=50_000))
    series.upsert(candle(1, close=1.2, is_closed=False, after_ms=10_000))
    series.upsert(candle(0, close=1.0, is_closed=False, after_ms=40_000))
    series.revise(candle(0, source="trades"))
    word, forming = series.last_word(DAY), series.forming
    assert word is not None
    assert forming is not None
    assert (word.close, forming.close) == (1.1, 1.2)
    series.upsert(candle(0))
    assert series.last_word(DAY) is None
    assert series.unclosed() == [DAY + MINUTE_MS]


def test_what_is_older_than_is_kept_passes_through() -> None:
    """It is for the database, and is not held."""
    series = KlineSeries("1m", kept=4)
    for minute in range(6):
        series.upsert(candle(minute))
    assert series.upsert(candle(0, close=1.4, source="rest")) is not None
    assert sorted(series.closed) == [DAY + n * MINUTE_MS for n in range(2, 6)]
    assert not series.reaches(DAY + MINUTE_MS)
    assert series.reaches(DAY + 2 * MINUTE_MS)
