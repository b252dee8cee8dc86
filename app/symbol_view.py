"""One instrument as its page gets it: parts of one JSON text, numbers in the digits of tick and lot. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from db.rows import IndicatorRow
from market.decimals import places_of, plain_json
from market.events import Kline

LEVELS = 20
"""Levels a side that the page gets: the ladder shows 12, the depth curve all of them."""
_TICKER_PRICES = ("last_price", "mark_price", "index_price", "high_24h", "low_24h")
_TICKER_NUMBERS = ("funding_rate", "open_interest", "volume_24h", "turnover_24h", "change_24h_pct")
_TIMES = ("event_time", "recv_time")
_OSCILLATORS = ("rsi", "stoch_rsi_k", "stoch_rsi_d")
_PRICE_LINES = ("ema_fast", "ema_slow", "bb_upper", "bb_lower")
_OSCILLATOR_PLACES = 2

Values = dict[str, Any]
_encode = msgspec.json.Encoder().encode
_levels_of = msgspec.json.Decoder(list[tuple[float, float]]).decode


class Digits(NamedTuple):
    """Decimal places of prices and sizes; None while the venue has not told the step."""

    price: int | None = None
    size: int | None = None


def digits_of(tick_size: float | None, lot_size: float | None) -> Digits:
    """The decimal places of an instrument's steps."""
    return Digits(*(None if step is None else places_of(step) for step in (tick_size, lot_size)))


def text_of(parts: Mapping[str, object]) -> str:
    """The parts as JSON, without exponents; those encoded before are `msgspec.Raw`."""
    return plain_json(_encode(parts).decode())


def encoded(part: object) -> msgspec.Raw:
    """A part that goes into many texts."""
    return msgspec.Raw(_encode(part))


def read_ticker(stored: Mapping[str, str] | None, digits: Digits) -> Values | None:
    """The ticker's fields as numbers, missing ones None."""
    if not stored:
        return None
    found = {name: _number(stored, name, digits.price) for name in _TICKER_PRICES}
    found |= {name: _number(stored, name) for name in _TICKER_NUMBERS}
    return found | {name: _time(stored, name) for name in (*_TIMES, "next_funding_time")}


def read_book(stored: Mapping[str, str] | None, digits: Digits) -> Values | None:
    """The book's state, best levels and measures. What cannot be read has state `unreadable` and no level."""
    if not stored:
        return None
    try:
        sides = {side: _side(stored.get(side) or "[]", digits) for side in ("bids", "asks")}
        state = stored.get("state") or "stale"
    except msgspec.DecodeError:
        sides, state = {"bids": [], "asks": []}, "unreadable"
    times = {name: _time(stored, name) for name in (*_TIMES, "publish_time")}
    measures = {
        "mid": _number(stored, "mid"),
        "spread_bps": _number(stored, "spread_bps", 2),
        "imbalance": _number(stored, "imbalance", 3),
        "imbalance_10": _number(stored, "imbalance_10", 3),
    }
    return {"state": state} | sides | measures | times


def _side(text: str, digits: Digits) -> list[tuple[float | None, float | None]]:
    levels = _levels_of(text)[:LEVELS]
    return [(rounded(price, digits.price), rounded(size, digits.size)) for price, size in levels]


def read_trades(stored: Sequence[Mapping[str, str]], digits: Digits) -> dict[str, list[Any]]:
    """The trades as columns, newest first."""
    return {
        "price": [_number(trade, "price", digits.price) for trade in stored],
        "size": [_number(trade, "size", digits.size) for trade in stored],
        "taker_side": [trade.get("taker_side") for trade in stored],
        "trade_id": [trade.get("trade_id") for trade in stored],
        "event_time": [_time(trade, "event_time") for trade in stored],
    }


def read_forming(stored: Mapping[str, str] | None, digits: Digits) -> Values | None:
    """The candle that is not closed yet, or None if there is none or it lacks a price."""
    if not stored:
        return None
    found: Values = {
        name: _number(stored, name, digits.price) for name in ("open", "high", "low", "close")
    } | {name: _time(stored, name) for name in ("open_time", *_TIMES)}
    if any(found[name] is None for name in ("open_time", "open", "high", "low", "close")):
        return None
    volume, turnover = _number(stored, "volume", digits.size), _number(stored, "turnover", 2)
    return found | {"volume": volume, "turnover": turnover}


def read_indicator(stored: Mapping[str, str] | None, digits: Digits) -> Values | None:
    """The indicators of the candle at `open_time`, or None if there are none or their candle is not told."""
    if not stored or (open_time := _time(stored, "open_time")) is None:
        return None
    oscillators: Values = {name: _number(stored, name, _OSCILLATOR_PLACES) for name in _OSCILLATORS}
    lines = {name: _number(stored, name, _line_places(digits)) for name in _PRICE_LINES}
    words = {"reason": stored.get("reason", ""), "is_provisional": stored.get("is_provisional") == "1"}
    return {"open_time": open_time} | oscillators | lines | words


def candle_columns(klines: Sequence[Kline], said: Iterable[IndicatorRow], digits: Digits) -> Values:
    """Closed candles and what the indicators said at their closes, as columns, ascending."""
    prices = {
        name: [rounded(getattr(k, name), digits.price) for k in klines]
        for name in ("open", "high", "low", "close")
    }
    return {
        "open_time": [k.open_time for k in klines],
        **prices,
        "volume": [rounded(k.volume, digits.size) for k in klines],
        "turnover": [rounded(k.turnover, 2) for k in klines],
        "complete": [k.complete for k in klines],
        **_indicator_columns([k.open_time for k in klines], said, digits),
    }


def _indicator_columns(times: Sequence[int], said: Iterable[IndicatorRow], digits: Digits) -> Values:
    by_time = {row.open_time: row for row in said}
    rows = [by_time.get(time) for time in times]
    places = dict.fromkeys(_OSCILLATORS, _OSCILLATOR_PLACES) | dict.fromkeys(
        _PRICE_LINES, _line_places(digits)
    )
    columns: Values = {
        name: [None if row is None else rounded(getattr(row, name), place) for row in rows]
        for name, place in places.items()
    }
    return columns | {"reason": [None if row is None else row.reason for row in rows]}


def _line_places(digits: Digits) -> int | None:
    """An average lies between two ticks."""
    return None if digits.price is None else digits.price + 1


def newest_of(*parts: Values | None) -> int | None:
    """When the newest of these came in, epoch ms."""
    times = [part["recv_time"] for part in parts if part and part["recv_time"] is not None]
    return max(times, default=None)


def _number(stored: Mapping[str, str], name: str, places: int | None = None) -> float | None:
    try:
        return rounded(float(stored.get(name, "")), places)
    except ValueError:
        return None


def _time(stored: Mapping[str, str], name: str) -> int | None:
    text = stored.get(name, "")
    return int(text) if text.isdecimal() else None


def rounded(value: float | None, places: int | None) -> float | None:
    """The value to so many places; as it is where they are not known."""
    return value if value is None or places is None else round(value, places)
