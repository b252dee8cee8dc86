"""Stored rows against the truth: what is missing, what is wrongly there, and what the ledger excuses."""

from bench.drill.rows import Rows, Tick, compare_klines, compare_ticks
from bench.drill.watch import Gap

TRUTH: list[list[float]] = [
    [1000, 10, 1.0, 5.0, 2.0, 5.0],
    [1100, 11, 1.0, 6.0, 2.0, 5.0],
    [1100, 12, 1.1, 6.0, 2.0, 5.0],
    [1300, 14, 1.2, 6.0, 2.0, 5.0],
]
STORED: list[Tick] = [(int(row[0]), int(row[1]), *row[2:]) for row in TRUTH]  # type: ignore[misc]


def gap(started_at: int, ended_at: int | None, channel: str = "book") -> Gap:
    return Gap("bybit", "BTCUSDT", channel, started_at, ended_at, "sequence", "no", "")


def test_rows_that_are_all_there_are_right() -> None:
    """Every one, once; what lies before the first moment does not count."""
    assert compare_ticks(TRUTH, STORED, [], 1000) == Rows(4, 4, 0, 0, 0)
    assert compare_ticks(TRUTH, STORED[1:], [], 1001) == Rows(3, 3, 0, 0, 0)


def test_a_missing_row_is_excused_by_a_gap_of_its_time_alone() -> None:
    """One of another channel or another time does not excuse it; one that lasts does."""
    stored = STORED[:1] + STORED[2:]
    assert compare_ticks(TRUTH, stored, [], 1000)[:5] == (4, 3, 1, 1, 0)
    assert compare_ticks(TRUTH, stored, [gap(1101, 1300), gap(900, 2000, "kline")], 1000).outside == 1
    assert compare_ticks(TRUTH, stored, [gap(1000, 1100)], 1000)[:5] == (4, 3, 1, 0, 0)
    assert compare_ticks(TRUTH, stored, [gap(1000, None)], 1000).outside == 0


def test_the_first_row_after_a_gap_may_be_what_the_best_then_was() -> None:
    """Only inside the gap, and only with the right figures; anything else was never sent."""
    after: Tick = (1200, 13, 1.1, 6.0, 2.0, 5.0)
    stored = [*STORED[:2], after, STORED[3]]
    assert compare_ticks(TRUTH, stored, [gap(1100, 1200)], 1000)[:5] == (4, 3, 1, 0, 0)
    assert compare_ticks(TRUTH, stored, [gap(1100, 1150)], 1000).twice == 1
    wrong: Tick = (1200, 13, 1.0, 6.0, 2.0, 5.0)
    assert compare_ticks(TRUTH, [*STORED, wrong], [gap(1100, 1200)], 1000).twice == 1


def test_a_row_with_other_figures_or_twice_is_wrong() -> None:
    """Whatever the ledger says."""
    changed: Tick = (1300, 14, 1.2, 7.0, 2.0, 5.0)
    assert compare_ticks(TRUTH, [*STORED[:3], changed], [gap(0, None)], 1000).twice == 1
    assert compare_ticks(TRUTH, [*STORED, STORED[3]], [], 1000).twice == 1


CANDLE: list[float] = [60_000, 1.0, 2.0, 0.5, 1.5, 10.0, 15.0, 3, 5.0]


def stored_candle(**changes: object) -> list[object]:
    row: dict[str, object] = dict(
        zip(
            "interval open_time open high low close volume turnover".split(), ["1m", *CANDLE[:7]], strict=True
        )
    )
    return [*(row | {"complete": True, "source": "rest"} | changes).values()]


def test_a_candle_is_stored_and_equal_or_its_gap_is_known() -> None:
    """One that is not complete needs a gap of candles that touches it; one that is wrong is wrong."""
    truth = {"1m": [CANDLE]}
    assert compare_klines(truth, [stored_candle()], []) == Rows(1, 1, 0, 0, 0)
    assert compare_klines(truth, [stored_candle(close=1.6)], [gap(0, None, "kline")]).outside == 1
    partial = stored_candle(volume=4.0, complete=False)
    assert compare_klines(truth, [partial], [gap(119_000, 130_000, "kline")])[:5] == (1, 0, 1, 0, 0)
    assert compare_klines(truth, [partial], [gap(120_000, 130_000, "kline")]).outside == 1
    assert compare_klines(truth, [], [gap(0, 70_000, "kline")]).outside == 0
    assert compare_klines(truth, [], []).outside == 1
