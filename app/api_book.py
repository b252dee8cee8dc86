"""What `/api/book` answers: the latest book as numbers and levels, with its state and its age."""

from collections.abc import Mapping

import msgspec

from db.hot.keys import BOOK_FIELDS
from db.rows import TickerRow
from market import measures

_WHOLE = ("update_id", "epoch", "event_time", "recv_time", "publish_time")
"""Update ids have more digits than a float keeps."""
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
            found[name] = (text or None) if name == "state" else _number(name, text)
    recv_time = found["recv_time"]
    found["age_ms"] = now - recv_time if isinstance(recv_time, int) else None
    return found


def last_known_book(ticker: TickerRow, now: int) -> dict[str, object]:
    """The best levels of a stored ticker as a book of one level a side, marked `stale`.

    Times are the ticker's; what it does not tell is null.
    """
    bid = _level(ticker.best_bid_price, ticker.best_bid_size)
    ask = _level(ticker.best_ask_price, ticker.best_ask_size)
    known = {name: getattr(ticker, name) for name in TickerRow.__struct_fields__ if name in BOOK_FIELDS} | {
        "state": "stale",
        "mid": measures.mid(ticker.best_bid_price, ticker.best_ask_price),
        "microprice": measures.microprice(bid, ask),
        "spread_bps": measures.spread_bps(ticker.best_bid_price, ticker.best_ask_price),
        "imbalance": measures.imbalance(ticker.best_bid_size, ticker.best_ask_size),
        "bids": [bid] if bid else [],
        "asks": [ask] if ask else [],
    }
    found: dict[str, object] = {"now": now, "venue": ticker.venue, "symbol": ticker.symbol}
    found |= {name: known.get(name) for name in BOOK_FIELDS}
    return found | {"age_ms": None if ticker.recv_time is None else now - ticker.recv_time}


def _level(price: float | None, size: float | None) -> tuple[float, float] | None:
    return None if price is None or size is None else (price, size)


def _number(name: str, text: str) -> float | int | None:
    try:
        return int(text) if name in _WHOLE else float(text)
    except ValueError:
        return None


def _levels(text: str) -> list[tuple[float, float]]:
    try:
        return _decode_levels(text or "[]")
    except msgspec.DecodeError:
        return []
