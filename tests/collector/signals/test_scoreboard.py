"""The scoreboard out of stored signals, outcomes and candles."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest
from sqlalchemy import Engine

from collector.signals.rows import outcome_row, signal_row
from collector.signals.scoreboard import Scoreboard
from db.history.engine import writer_engine
from db.history.reader import HistoryReader
from db.history.scoring import Scoring, scoring
from db.history.writer import HistoryWriter
from db.rows import Batch, KlineRow
from market.intervals import HORIZONS_S
from market.outcomes import outcome
from market.quotes import CandlePrices
from tests.market.simulated import COSTS, Days, days_with_edge
from tests.market.simulated import scoreboard as scoreboard_of

RULE = "rsi_reversal"
DAYS = 3


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = writer_engine(database_url)
    yield made
    made.dispose()


def store(engine: Engine, days: Days) -> int:
    """Write what a collector would have; epoch ms after all of it."""
    klines, signals = days
    prices = CandlePrices([k.open_time for k in klines], [k.open for k in klines], COSTS.spread_bps)
    priced = (
        outcome(s, horizon_s, prices.at(s.ts + horizon_s * 1000), COSTS.taker_bps)
        for s in signals
        for horizon_s in HORIZONS_S
    )
    HistoryWriter(engine).write(
        Batch(
            "b",
            klines=[KlineRow("sim-bybit", k) for k in klines],
            signals=[signal_row("sim-bybit", s) for s in signals],
            outcomes=[outcome_row("sim-bybit", o) for o in priced if o is not None],
        )
    )
    return klines[-1].open_time


def test_it_is_what_a_backtest_of_the_same_days_says(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts and means of every row; the planted edge is found, and computing again changes nothing."""
    days = days_with_edge(1, DAYS, RULE, 12.0, 5)
    now = store(engine, days)
    made = Scoreboard(lambda: scoring(engine), lambda _venue: COSTS.taker_bps)
    monkeypatch.setattr(made._stopping, "wait", lambda _pause: False)  # without rest
    made.compute(now)
    reader = HistoryReader(engine)
    rows = {(row["rule"], row["horizon_s"]): row for row in reader.scoreboard()}
    right = scoreboard_of(days, 1)
    assert set(rows) <= set(right)
    for key, row in rows.items():
        assert (row["venue"], row["interval"], row["computed_at"]) == ("sim-bybit", "1m", now)
        assert row["count"] == right[key].count
        assert row["mean_bps"] == pytest.approx(right[key].mean_bps)
        assert row["hit_rate_low"] == pytest.approx(right[key].hit_rate_low)
        assert row["baseline_mean_bps"] == pytest.approx(right[key].baseline_mean_bps, abs=2.0)
    assert rows[RULE, 300]["verdict"] == "better than chance"
    made.compute(now)
    assert {(row["rule"], row["horizon_s"]): row for row in reader.scoreboard()} == rows


def test_what_is_too_old_leaves_the_board(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signals of the last thirty days count."""
    now = store(engine, days_with_edge(2, 1, RULE, 5.0, 5))
    made = Scoreboard(lambda: scoring(engine), lambda _venue: COSTS.taker_bps)
    monkeypatch.setattr(made._stopping, "wait", lambda _pause: False)  # without rest
    made.compute(now)
    found = HistoryReader(engine).scoreboard()
    assert {row["verdict"] for row in found} == {"too few"}
    made.compute(now + 40 * 86_400_000)
    assert HistoryReader(engine).scoreboard() == []


def test_one_worker_has_the_turn(engine: Engine, database_url: str) -> None:
    """The other does nothing, and may have the next one."""
    other = writer_engine(database_url)

    def turn() -> AbstractContextManager[Scoring | None]:
        return scoring(other)

    with scoring(engine) as first, turn() as second:
        assert (first is not None, second is None) == (True, True)
        Scoreboard(turn, lambda _venue: 5.0).compute(0)
    with turn() as second:
        assert second is not None
