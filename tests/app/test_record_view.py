"""Parts of the Signals page: digits, versions, and what open trades would make now."""

import json
from typing import Any

import msgspec
import pytest

from app.api_track import SCORE_COLUMNS
from app.part import part_of
from app.record_view import (
    MARK_AGE_MS,
    equity_columns,
    marks_of,
    score_rows,
    signal_rows,
    trade_rows,
)
from app.view import OverviewRow
from db.history.record import Equity, EquityStep, RecordedOutcome, RecordedSignal, RecordedTrade
from db.rows import PaperTradeRow, SignalRow
from tests.app.fakes import NOW

BTC = ("bybit", "BTCUSDT", "1m")
PLACES = {BTC[:2]: 1}
ROW = SignalRow(
    *BTC, "rsi_reversal", NOW - 60_000, NOW, "buy", 0.4567, 65114.25, 0.1234, {"rsi": 30.123456789}
)
SIGNAL = RecordedSignal(7, ROW, {300: RecordedOutcome(65200.04, 12.349, 1.349)})
TRADE = RecordedTrade(3, PaperTradeRow(*BTC, "rsi_reversal", "long", NOW, 100.0, 11.0), SIGNAL)
LIVE = OverviewRow(
    "bybit", "BTCUSDT", best_bid_price=101.0, best_ask_price=102.0, book_state="live", recv_time=NOW
)


def mark(trade: RecordedTrade = TRADE, **changes: Any) -> tuple[float, float] | None:
    """The mark of one trade over this market."""
    (found,) = marks_of([trade], {BTC[:2]: msgspec.structs.replace(LIVE, **changes)}, NOW)
    return found


def test_a_signal_has_the_digits_of_its_tick() -> None:
    """The middle of two prices one more; outcomes in the order of the horizons, null where not known."""
    (found,) = signal_rows([SIGNAL], PLACES)
    assert (found["price"], found["places"], found["spread_bps"], found["strength"]) == (
        65114.25,
        1,
        0.12,
        0.46,
    )
    assert found["inputs"] == {"rsi": 30.123457}
    assert found["outcomes"] == [None, (65200.0, 12.35, 1.35), None, None]
    assert signal_rows([SIGNAL], {})[0]["price"] == 65114.25


def test_a_trade_comes_with_its_signal_or_without() -> None:
    """An open one has no exit."""
    found, bare = trade_rows([TRADE, TRADE._replace(signal=None)], PLACES)
    assert found["signal"] == signal_rows([SIGNAL], PLACES)[0]
    assert bare["signal"] is None
    assert (found["fee_bps"], found["exit_ts"], found["net_bps"]) == (11.0, None, None)


def test_an_open_trade_is_marked_at_the_side_it_would_be_left_at() -> None:
    """A long one at the bid, a short one at the ask, both fees paid."""
    short = TRADE._replace(row=TRADE.row._replace(side="short"))
    assert mark() == (101.0, pytest.approx(89.0))
    assert mark(short) == (102.0, pytest.approx(-211.0))


@pytest.mark.parametrize(
    "changes",
    [
        {"book_state": "syncing"}, {"book_state": None}, {"recv_time": None},
        {"recv_time": NOW - MARK_AGE_MS - 1}, {"best_bid_price": None},
    ],
)  # fmt: skip
def test_without_a_live_book_there_is_no_mark(changes: dict[str, Any]) -> None:
    """Rather none than an old one."""
    assert mark(**changes) is None
    assert marks_of([TRADE], {}, NOW) == [None]


def test_the_scoreboard_is_narrowed_and_rounded() -> None:
    """Counts and words stay as they are."""
    row: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS) | {
        "rule": "macd_trend", "interval": "5m", "count": 40, "hit_rate": 0.123456, "mean_bps": -1.23456,
    }  # fmt: skip
    (found,) = score_rows([row], {"rule": "macd_trend", "interval": ""})
    assert (found["hit_rate"], found["mean_bps"], found["count"]) == (0.1235, -1.23, 40)
    assert score_rows([row], {"rule": "", "interval": "1m"}) == []


def test_equal_content_has_an_equal_version() -> None:
    """Whoever made it."""
    equity = Equity(60_000, [EquityStep(NOW, 2, 1, 5.123, -3.0, 22.0)])
    first, again = (part_of(equity_columns(equity, NOW)) for _ in range(2))
    assert first.version == again.version != part_of({}).version
    assert json.loads(bytes(first.content)) == {
        "since": NOW, "step_ms": 60_000, "start": [NOW], "trades": [2], "wins": [1], "gains_bps": [5.12],
        "losses_bps": [-3.0], "fee_bps": [22.0],
    }  # fmt: skip
