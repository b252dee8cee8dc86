"""Indicators, signals, outcomes and paper trades: each once, and nothing that is over is changed."""

from math import inf, nan

import msgspec
import pytest
from sqlalchemy import Engine, text

from db.history.reader import HistoryReader
from db.history.screening import screened
from db.history.track import TrackFilter, TrackPlace
from db.history.writer import HistoryWriter, Written
from db.rows import Batch, KlineRow
from tests.db.history.rows import MINUTE, OPEN, indicators, kline, outcome, paper_step, paper_trade, signal
from tests.db.spool.batches import of_every_kind

ALL = TrackFilter()
SERIES = ("bybit", "ETHUSDT", "1m")


def counts(found: Written) -> tuple[int, int, int, int]:
    return found.indicators, found.signals, found.outcomes, found.paper_trades


def test_a_batch_written_twice_changes_nothing(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Every kind is new the first time; ids stay."""
    rows = Batch(
        "b",
        indicators=[indicators(0), indicators(1, vwap=1.55)],
        signals=[signal(0), signal(1), signal(1)],
        outcomes=[outcome(0), outcome(0, 300), outcome(0)],
        paper_steps=[paper_step(5, paper_trade())],
    )
    first = writer.write(rows)
    assert (counts(first), first.rows) == ((2, 2, 2, 1), 7)
    before = reader.signals(ALL), reader.paper_trades(ALL)
    assert counts(writer.write(rows)) == (0, 0, 0, 0)
    assert (reader.signals(ALL), reader.paper_trades(ALL)) == before
    assert reader.indicators(*SERIES) == [indicators(0), indicators(1, vwap=1.55)]
    assert [s.row for s in before[0].rows] == [signal(0), signal(1)]
    assert [s.net_bps for s in before[0].rows] == [{60: 89.0, 300: 89.0}, {}]
    assert [t.row for t in before[1].rows] == [paper_trade()]
    assert reader.paper_states("bybit") == [("ETHUSDT", 5, {})]


def test_a_signal_never_changes(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Whoever says otherwise comes too late, and uses up no number."""
    writer.write(Batch("b", signals=[signal(0)]))
    again = signal(0, side="sell", price=7.0, ts=OPEN + 99 * MINUTE)
    for _ in range(3):
        assert counts(writer.write(Batch("b", signals=[again]))) == (0, 0, 0, 0)
    writer.write(Batch("b", signals=[signal(1)]))
    found = reader.signals(ALL).rows
    assert [s.row for s in found] == [signal(0), signal(1)]
    assert found[1].id == found[0].id + 1


def test_of_indicators_the_last_word_holds(writer: HistoryWriter, reader: HistoryReader) -> None:
    """A revision replaces what was stored; one that comes late does not, nor twice in one batch."""
    late, newer = (
        indicators(rsi=1.0, computed_at=OPEN),
        indicators(rsi=2.0, computed_at=OPEN + 9 * MINUTE, vwap=1.5),
    )
    assert counts(writer.write(Batch("b", indicators=[indicators()])))[0] == 1
    assert counts(writer.write(Batch("b", indicators=[newer, late])))[0] == 1
    assert counts(writer.write(Batch("b", indicators=[late])))[0] == 0
    assert reader.indicators(*SERIES) == [newer]


@pytest.mark.parametrize("is_early", [False, True])
def test_an_exit_is_filled_in_once(writer: HistoryWriter, reader: HistoryReader, is_early: bool) -> None:
    """Whichever of the two states comes first, and whatever is said later."""
    steps = [paper_step(1, paper_trade()), paper_step(2, paper_trade(is_closed=True))]
    for step in steps[::-1] if is_early else steps:
        writer.write(Batch("b", paper_steps=[step]))
    other = paper_trade(is_closed=True)._replace(exit_price=1.0)
    writer.write(Batch("b", paper_steps=[paper_step(3, other)]))
    assert [t.row for t in reader.paper_trades(ALL).rows] == [paper_trade(is_closed=True)]


def test_the_last_step_is_remembered(writer: HistoryWriter, reader: HistoryReader) -> None:
    """In a batch and across batches, in any order."""
    writer.write(Batch("b", paper_steps=[paper_step(3, state='{"n": 3}'), paper_step(2, state='{"n": 2}')]))
    writer.write(Batch("b", paper_steps=[paper_step(1, state='{"n": 1}')]))
    assert reader.paper_states("bybit") == [("ETHUSDT", 3, {"n": 3})]
    assert reader.paper_states("binance") == []


def test_an_outcome_may_come_before_its_signal(writer: HistoryWriter, engine: Engine) -> None:
    """The signal may wait on disk meanwhile."""
    writer.write(Batch("b", outcomes=[outcome(0)]))
    query = text("SELECT s.symbol, o.horizon_s FROM signal_outcomes o JOIN signals s ON s.id = o.signal_id")
    with engine.connect() as connection:
        assert connection.execute(query).all() == []
    writer.write(Batch("b", signals=[signal(0)]))
    with engine.connect() as connection:
        assert connection.execute(query).all() == [("ETHUSDT", 60)]


def test_signals_come_page_by_page(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Ascending, each once, also where several share a millisecond."""
    rows = [signal(n, ts=OPEN + n // 3) for n in range(8)]
    writer.write(Batch("b", signals=rows))
    found, place = [], TrackPlace(0, 0)
    while True:
        page = reader.signals(ALL, after=place, limit=3)
        found += [s.row for s in page.rows]
        if page.end is None:
            break
        place = page.end
    assert found == rows
    assert [s.row for s in reader.signals(ALL, limit=2).rows] == rows[-2:]
    assert [s.row for s in reader.signals(TrackFilter(start=OPEN + 1, end=OPEN + 2)).rows] == rows[3:6]
    assert reader.signals(TrackFilter(rule="macd_trend")).rows == []
    of_all_names = TrackFilter("bybit", "ETHUSDT", "1m", "rsi_reversal")
    assert [s.row for s in reader.signals(of_all_names, limit=1).rows] == rows[-1:]


def test_fewer_indicators_are_the_last_of_each_group(writer: HistoryWriter, reader: HistoryReader) -> None:
    """As candles that are joined end."""
    writer.write(Batch("b", indicators=[indicators(n) for n in range(40)]))
    found = reader.indicators(*SERIES, start=OPEN, every=10)
    assert [row.open_time // MINUTE % 10 for row in found] == [9] * 4
    assert reader.indicators(*SERIES, limit=2) == [indicators(38), indicators(39)]


def test_owed_closes_are_found(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Of the newest candles; a series that lacks none is left out."""
    hourly = [kline(n * 60, interval="1h") for n in range(2)]
    rows = [indicators(n) for n in range(40) if n not in (3, 37, 39)]
    rows += [indicators(n * 60, interval="1h") for n in range(2)]
    writer.write(Batch("b", klines=[*(kline(n) for n in range(40)), *hourly], indicators=rows))
    found = reader.owed_closes("bybit", ["ETHUSDT", "XRPUSDT"], ["1m", "5m", "1h"], 5)
    assert found == {("ETHUSDT", "1m"): [OPEN + 37 * MINUTE, OPEN + 39 * MINUTE]}
    assert reader.owed_closes("binance", ["ETHUSDT"], ["1m"], 5) == {}


def test_closes_that_rest_on_a_revised_candle_are_owed(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Until they are computed later than it came; one that came in time, or changes nothing, owes nothing."""
    count, at = 20, OPEN + 1_000 * MINUTE
    rows = [indicators(n, computed_at=at) for n in range(count)]
    writer.write(Batch("b", klines=[kline(n) for n in range(count)], indicators=rows))
    same, early, late = (kline(5), kline(7, recv_time=at - 1), kline(10, recv_time=at + 1))
    told = [KlineRow(k.venue, msgspec.structs.replace(k.kline, source="rest")) for k in (same, early, late)]
    told[1:] = [KlineRow(k.venue, msgspec.structs.replace(k.kline, close=1.6)) for k in told[1:]]
    writer.write(Batch("b", klines=told))
    found = reader.owed_closes("bybit", ["ETHUSDT"], ["1m"], 1_000)
    assert found == {("ETHUSDT", "1m"): [OPEN + n * MINUTE for n in range(10, count)]}
    writer.write(Batch("b", indicators=[indicators(n, computed_at=at + 1) for n in range(10, count)]))
    assert reader.owed_closes("bybit", ["ETHUSDT"], ["1m"], 1_000) == {}


def test_signals_of_the_last_hour_tell_what_is_priced(writer: HistoryWriter, reader: HistoryReader) -> None:
    """That is what a start goes on from."""
    writer.write(
        Batch("b", signals=[signal(0), signal(1), signal(2)], outcomes=[outcome(1), outcome(1, 300)])
    )
    found = reader.recent_signals("bybit", signal(1).ts)
    assert found == [(signal(1), {60, 300}), (signal(2), set())]


def test_a_row_that_no_table_takes_becomes_a_letter() -> None:
    """And the others stay."""
    trade = paper_trade()
    bad = Batch(
        "b",
        indicators=[indicators(rsi=nan), indicators(vwap=inf), indicators(interval="2m"), indicators()],
        signals=[signal(side="hold"), signal(inputs={"rsi": inf}), signal(price=None), signal()],
        outcomes=[outcome(net_bps=nan), outcome(horizon_s=0), outcome()],
        paper_steps=[
            paper_step(1, trade._replace(side="buy")),
            paper_step(1, trade._replace(exit_ts=OPEN)),
            paper_step(1, trade._replace(symbol="BTCUSDT")),
            paper_step(1, state="no JSON"),
            paper_step(1, trade),
        ],
    )
    found = screened(bad)
    assert (found.indicators, found.signals, found.outcomes) == ([indicators()], [signal()], [outcome()])
    assert found.paper_steps == [paper_step(1, trade)]
    kinds = ["indicators"] * 3 + ["signals"] * 3 + ["outcomes"] * 2 + ["paper_steps"] * 4
    assert [letter.kind for letter in found.dead_letters] == kinds


def test_what_every_batch_holds_is_taken(writer: HistoryWriter) -> None:
    """The sample that other tests use is a good one."""
    found = writer.write(msgspec.structs.replace(of_every_kind(), dead_letters=[]))
    assert (counts(found), found.refused) == ((1, 1, 1, 1), ())
