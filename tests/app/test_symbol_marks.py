"""Signals and gaps as the Symbol page gets them."""

import json

from app.symbol_marks import marks_of
from app.symbol_view import Digits
from db.history.ledger import StoredGap
from db.history.track import StoredSignal
from db.rows import GapRow, SignalRow

GAP = StoredGap(7, GapRow("bybit", "BTCUSDT", "trade", 1_000, None, "silent", "no", 0, ""))


def signal(number: int, ts: int, **net_bps: float) -> StoredSignal:
    row = SignalRow("bybit", "BTCUSDT", "1m", "rsi_reversal", 0, ts, "buy", 0.5, 10.12345, None, {})
    return StoredSignal(number, row, {int(h.strip("h")): net for h, net in net_bps.items()})


def test_signals_are_sorted_and_tell_what_they_made() -> None:
    """Those of the interval and of the book are one list; what is not known yet is null."""
    found = json.loads(bytes(marks_of([signal(2, 500), signal(1, 400, h60=-3.456)], [], Digits(2, 0)).part))
    signals = found["signals"]
    assert (signals["id"], signals["ts"]) == ([1, 2], [400, 500])
    assert signals["price"] == [10.12, 10.12]
    assert (signals["net_bps_60"], signals["net_bps_900"]) == ([-3.46, None], [None, None])


def test_a_gap_tells_its_cause_and_that_it_lasts() -> None:
    """Its end is null until it ends."""
    gaps = json.loads(bytes(marks_of([], [GAP], Digits()).part))["gaps"]
    assert gaps == {
        "channel": ["trade"], "started_at": [1_000], "ended_at": [None], "cause": ["silent"],
        "repaired": ["no"],
    }  # fmt: skip


def test_a_version_tells_marks_apart() -> None:
    """Equal ones have one; a gap that ends makes another."""
    ended = GAP._replace(row=GAP.row._replace(ended_at=2_000))
    versions = {marks_of([], gaps, Digits()).version for gaps in ([GAP], [GAP], [ended])}
    assert len(versions) == 2
