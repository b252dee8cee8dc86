"""What stands on the Symbol page's charts beside values: signals, and gaps in what was received. Pure."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from app.symbol_view import Digits, Values, encoded, rounded
from db.history.ledger import StoredGap
from db.history.track import StoredSignal
from market.intervals import HORIZONS_S

SIGNALS = 150
"""Signals of each kind, those of the interval and those of the book."""
GAPS = 200
CHANNELS = ("kline", "trade", "book")
"""Channels without which candles or the strips lack something."""


class Marks(NamedTuple):
    """The marks as a part of a reply. Equal marks have equal versions, in every process."""

    part: msgspec.Raw
    version: str


def marks_of(signals: Sequence[StoredSignal], gaps: Sequence[StoredGap], digits: Digits) -> Marks:
    """Both as columns, ascending by time."""
    content = {"signals": _signal_columns(signals, digits), "gaps": _gap_columns(gaps)}
    part = encoded(content)
    return Marks(part, hashlib.blake2b(bytes(part), digest_size=6).hexdigest())


def _signal_columns(signals: Sequence[StoredSignal], digits: Digits) -> Values:
    found = sorted(signals, key=lambda each: (each.row.ts, each.id))
    rows = [each.row for each in found]
    columns: Values = {
        name: [getattr(row, name) for row in rows] for name in ("ts", "open_time", "interval", "rule", "side")
    }
    made = {f"net_bps_{h}": [rounded(each.net_bps.get(h), 2) for each in found] for h in HORIZONS_S}
    prices = [rounded(row.price, digits.price) for row in rows]
    return {"id": [each.id for each in found], **columns, "price": prices, **made}


def _gap_columns(gaps: Sequence[StoredGap]) -> Values:
    names = ("channel", "started_at", "ended_at", "cause", "repaired")
    return {name: [getattr(gap.row, name) for gap in gaps] for name in names}
