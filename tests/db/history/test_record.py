"""Signals and paper trades newest first, with what belongs to each, and the sums of what trades made."""

import pytest

from db.history.reader import HistoryReader
from db.history.record import MOST_STEPS, EquityStep, RecordedOutcome, RecordFilter, step_of
from db.history.writer import HistoryWriter
from db.rows import Batch, PaperTradeRow
from market.intervals import INTERVAL_MS
from tests.db.history.rows import MINUTE, OPEN, outcome, paper_step, paper_trade, signal

BYBIT = RecordFilter(("bybit",))


def closed(n: int, net_bps: float, **changes: object) -> PaperTradeRow:
    row = paper_trade(n, is_closed=True)._replace(gross_bps=net_bps + 11, net_bps=net_bps)
    return row._replace(**changes)  # type: ignore[arg-type]  # fields by name


def test_signals_come_newest_first_with_their_outcomes(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Page by page, each once, also where several share a millisecond."""
    rows = [signal(n, ts=OPEN + n // 3) for n in range(8)]
    writer.write(Batch("b", signals=rows, outcomes=[outcome(7), outcome(7, 300)]))
    found, place = [], None
    while True:
        page = reader.newest_signals(BYBIT, before=place, limit=3)
        found += page.rows
        if page.end is None:
            break
        place = page.end
    assert [each.row for each in found] == rows[::-1]
    assert found[0].outcomes == {
        60: RecordedOutcome(101.0, 100.0, 89.0),
        300: RecordedOutcome(101.0, 100.0, 89.0),
    }
    assert found[1].outcomes == {}


def test_a_trade_has_the_signal_that_began_it(writer: HistoryWriter, reader: HistoryReader) -> None:
    """The last one before it that points the same way; none where that is not stored."""
    other = signal(0, side="sell", open_time=OPEN + 1, ts=OPEN + MINUTE + 60)
    trades = [paper_trade(0), paper_trade(90)]
    writer.write(
        Batch(
            "b", signals=[signal(0), other], outcomes=[outcome(0)],
            paper_steps=[paper_step(n, trade) for n, trade in enumerate(trades)],
        )
    )  # fmt: skip
    later, earlier = reader.newest_trades(BYBIT, is_open=True).rows
    assert [later.row, earlier.row] == trades[::-1]
    assert later.signal is None
    assert earlier.signal is not None
    assert earlier.signal.row == signal(0)
    assert earlier.signal.outcomes == {60: RecordedOutcome(101.0, 100.0, 89.0)}


def test_open_and_closed_trades_are_apart(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Open ones are counted; closed ones stand by their exit, not by their entry."""
    long = closed(0, -5.0, exit_ts=OPEN + 99 * MINUTE)
    trades = [long, closed(1, 5.0), paper_trade(2), paper_trade(3)]
    writer.write(Batch("b", paper_steps=[paper_step(n, trade) for n, trade in enumerate(trades)]))
    assert reader.open_trades(BYBIT) == 2
    assert [t.row for t in reader.newest_trades(BYBIT, is_open=True).rows] == [trades[3], trades[2]]
    first = reader.newest_trades(BYBIT, is_open=False, limit=1)
    assert [t.row for t in first.rows] == [long]
    rest = reader.newest_trades(BYBIT, is_open=False, before=first.end)
    assert [t.row for t in rest.rows] == [trades[1]]
    assert rest.end is None


@pytest.mark.parametrize(
    "wanted",
    [
        RecordFilter(("binance",)), RecordFilter(()), RecordFilter(("bybit",), symbol="BTCUSDT"),
        RecordFilter(("bybit",), interval="5m"), RecordFilter(("bybit",), rule="macd_trend"),
        RecordFilter(("bybit",), side="sell"),
    ],
)  # fmt: skip
def test_each_name_leaves_out_the_others(
    writer: HistoryWriter, reader: HistoryReader, wanted: RecordFilter
) -> None:
    """Of signals, trades and sums alike; a long trade began with a buy."""
    writer.write(
        Batch(
            "b",
            signals=[signal(0)],
            paper_steps=[paper_step(1, closed(0, 5.0)), paper_step(2, paper_trade(1))],
        )
    )
    named = RecordFilter(("bybit", "binance"), "ETHUSDT", "1m", "rsi_reversal", "buy")
    for each, expected in ((named, 1), (wanted, 0)):
        assert len(reader.newest_signals(each).rows) == expected
        assert len(reader.newest_trades(each, is_open=True).rows) == expected
        assert len(reader.newest_trades(each, is_open=False).rows) == expected
        assert reader.open_trades(each) == expected
        assert len(reader.equity(each, 0).steps) == expected


def test_equity_adds_up_gains_and_losses_apart(writer: HistoryWriter, reader: HistoryReader) -> None:
    """By the minute they closed in; what made nothing is no gain; older ones are left out."""
    trades = [closed(0, 40.0), closed(1, -10.0), closed(1, 25.0, entry_ts=OPEN), closed(2, 0.0)]
    writer.write(Batch("b", paper_steps=[paper_step(n, trade) for n, trade in enumerate(trades)]))
    found = reader.equity(BYBIT, OPEN + 3 * MINUTE)
    assert found.step_ms == MINUTE
    assert found.steps == [
        EquityStep(OPEN + 3 * MINUTE, 2, 1, 25.0, -10.0, 22.0),
        EquityStep(OPEN + 4 * MINUTE, 1, 0, 0.0, 0.0, 11.0),
    ]
    assert reader.equity(BYBIT, OPEN + 9 * MINUTE).steps == []


@pytest.mark.parametrize("span", [0, 239 * MINUTE, 240 * MINUTE, 30 * 1440 * MINUTE, 9_999 * 1440 * MINUTE])
def test_a_span_has_few_steps(span: int) -> None:
    """Each as long as one of our intervals, so that they begin where candles do."""
    step = step_of(span)
    assert step in INTERVAL_MS.values()
    assert span / step <= MOST_STEPS or step == INTERVAL_MS["1d"]
