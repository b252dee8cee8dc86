"""Whether what a venue says can be: an impossible number costs its message, and reaches no store."""

from operator import itemgetter

import msgspec

from market.events import Kline, Levels, TickerUpdate
from market.intervals import INTERVAL_MS, close_of

MOST = 1e18
LATEST_MS = 253_402_300_799_999
"""The end of the year 9999: what databases and languages hold. Venues write far times for "never"."""
AHEAD_MS = 60_000
BEHIND_MS = 86_400_000
"""How long after its end a candle may still be told by the stream."""
_PRICES = ("last_price", "mark_price", "index_price", "high_24h", "low_24h")
_AMOUNTS = ("open_interest", "volume_24h", "turnover_24h")
_SIGNED = ("funding_rate", "change_24h_pct")
_price = itemgetter(0)


def sound_levels(levels: Levels) -> Levels:
    """The levels, less deletions at a price of 0, where none is held. Raises msgspec.ValidationError."""
    if all(map(_price, levels)):
        return levels
    if any(size for price, size in levels if price == 0):
        raise msgspec.ValidationError("a level with a size cannot have a price of 0")
    return [level for level in levels if level[0]]


def sound_ticker(update: TickerUpdate) -> TickerUpdate:
    """The update, without prices of 0: those stand for "none yet". Raises msgspec.ValidationError."""
    zeros: dict[str, None] = {}
    for part in _PRICES:
        if _within(update, part, 0.0, MOST) == 0:
            zeros[part] = None
    for part in _AMOUNTS:
        _within(update, part, 0.0, MOST)
    for part in _SIGNED:
        _within(update, part, -MOST, MOST)
    _within(update, "next_funding_time", 0, LATEST_MS)
    return msgspec.structs.replace(update, **zeros) if zeros else update


def sound_kline(kline: Kline) -> Kline:
    """The candle, if it can be one of its interval. Raises msgspec.ValidationError."""
    begin, interval = kline.open_time, kline.interval
    if begin % INTERVAL_MS[interval]:
        raise msgspec.ValidationError(f"no {interval} candle begins at {begin}")
    if not begin - AHEAD_MS <= kline.event_time <= close_of(begin, interval) + BEHIND_MS:
        raise msgspec.ValidationError(f"a candle of {begin} cannot be told at {kline.event_time}")
    if kline.low > kline.high:
        raise msgspec.ValidationError(f"a candle's low of {kline.low} is above its high of {kline.high}")
    return kline


def _within(update: TickerUpdate, part: str, least: float, most: float) -> float | None:
    value: float | None = getattr(update, part)
    if value is not None and not least <= value <= most:
        raise msgspec.ValidationError(f"{part} cannot be {value}")
    return value
