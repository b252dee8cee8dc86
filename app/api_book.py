"""What `/api/book` answers: the latest book as numbers and levels, with its state and its age."""

from collections.abc import Mapping

import msgspec

from db.hot.keys import BOOK_FIELDS

_TEXT = ("state",)
_SIDES = ("bids", "asks")
_decode_levels = msgspec.json.Decoder(list[tuple[float, float]]).decode


def book_view(venue: str, symbol: str, fields: Mapping[str, str] | None, now: int) -> dict[str, object]:
    """Every field of the book; of one that Redis does not have all are null and the sides empty.

    Levels are [price, size], best first. ``age_ms``: since the newest of it came in.
    """
    stored = fields or {}
    found: dict[str, object] = {"now": now, "venue": venue, "symbol": symbol}
    for name in BOOK_FIELDS:
        text = stored.get(name, "")
        if name in _SIDES:
            found[name] = _levels(text)
        else:
            found[name] = (text or None) if name in _TEXT else _number(text)
    recv_time = found["recv_time"]
    found["age_ms"] = now - recv_time if isinstance(recv_time, int) else None
    return found


def _number(text: str) -> float | int | None:
    """Whole numbers stay whole: update ids have more digits than a float keeps."""
    try:
        return int(text) if text.removeprefix("-").isdigit() else float(text)
    except ValueError:
        return None


def _levels(text: str) -> list[tuple[float, float]]:
    try:
        return _decode_levels(text or "[]")
    except msgspec.DecodeError:
        return []
