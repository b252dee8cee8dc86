"""What the strips hold, and how it is written."""

import json

from app.symbol_strips import Strips
from app.symbol_view import Digits, encoded
from db.rows import TickRow

DIGITS = Digits(1, 0)


def tick(ts: int, bid: float = 99.0, ask: float | None = 101.0, ask_size: float | None = 1.0) -> TickRow:
    return TickRow("bybit", "BTCUSDT", ts, ts, bid, 3.0, ask, ask_size, ts + 1)


def test_what_is_missing_is_null() -> None:
    """A book with one side has neither spread nor imbalance."""
    strips = Strips()
    strips.extend([tick(1000), tick(2000, 98.96, None, None)], DIGITS, begin=0, start=0)
    found = json.loads(bytes(encoded(strips.columns(0, 4000))))
    assert found == {
        "from": 0, "until": 4000, "ts": [1000, 2000], "bid": [99.0, 99.0], "ask": [101.0, None],
        "spread_bps": [200.0, None], "imbalance": [0.5, None],
    }  # fmt: skip


def test_what_is_read_again_takes_the_place_of_what_was_held() -> None:
    """The window moves on: what is older than it goes, what is between stays."""
    strips = Strips()
    strips.extend([tick(1000), tick(2000), tick(3000), tick(4000)], DIGITS, begin=0, start=0)
    strips.extend([tick(3500, 90.0), tick(5000)], DIGITS, begin=2000, start=3000)
    found = strips.columns(0, 6000)
    assert found["ts"] == [2000, 3500, 5000]
    assert found["bid"] == [99.0, 90.0, 99.0]


def test_a_tail_begins_where_it_is_asked_to() -> None:
    """With the change at that moment."""
    strips = Strips()
    strips.extend([tick(1000), tick(2000), tick(3000)], DIGITS, begin=0, start=0)
    found = strips.columns(2000, 6000)
    assert (found["from"], found["ts"], found["ask"]) == (2000, [2000, 3000], [101.0, 101.0])
