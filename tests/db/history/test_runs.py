"""Since when signals hold."""

from db.history.reader import HistoryReader
from db.history.runs import SignalRun
from db.history.writer import HistoryWriter
from db.rows import Batch, IndicatorRow
from tests.db.history.rows import MINUTE, OPEN


def said(n: int, signal: str | None, *, venue: str = "bybit", symbol: str = "ETHUSDT") -> IndicatorRow:
    values: dict[str, object] = dict.fromkeys(IndicatorRow._fields)
    values |= {
        "venue": venue, "symbol": symbol, "interval": "1m", "open_time": OPEN + n * MINUTE,
        "bars": 400, "reason": "", "signal": signal, "computed_at": OPEN,
    }  # fmt: skip
    return IndicatorRow(**values)  # type: ignore[arg-type]  # every field by its name


def test_a_run_begins_with_the_first_close_of_the_same_signal(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """Not with an earlier one that another came between; without a signal there is no run."""
    words = ["buy", "neutral", "buy", "buy"]
    rows = [said(n, word) for n, word in enumerate(words)]
    rows += [said(0, "sell", symbol="BTCUSDT"), said(1, None, symbol="BTCUSDT")]
    rows += [said(0, "sell", venue="binance")]
    writer.write(Batch("b", indicators=rows))
    found = reader.signal_runs(["bybit"], "1m", 10)
    assert found == {("bybit", "ETHUSDT"): SignalRun("buy", OPEN + 2 * MINUTE)}
    assert reader.signal_runs(["bybit"], "5m", 10) == {}


def test_a_run_longer_than_was_looked_back_has_no_beginning(
    writer: HistoryWriter, reader: HistoryReader
) -> None:
    """It began earlier than anybody knows; so did one that holds since the first close there is."""
    writer.write(Batch("b", indicators=[said(0, "neutral"), *(said(n, "sell") for n in range(1, 5))]))
    assert reader.signal_runs(["bybit"], "1m", 4) == {("bybit", "ETHUSDT"): SignalRun("sell", None)}
    began = SignalRun("sell", OPEN + MINUTE)
    assert reader.signal_runs(["bybit"], "1m", 5) == {("bybit", "ETHUSDT"): began}
    writer.write(Batch("c", indicators=[said(0, "buy", symbol="BTCUSDT")]))
    assert reader.signal_runs(["bybit"], "1m", 5)["bybit", "BTCUSDT"] == SignalRun("buy", None)
