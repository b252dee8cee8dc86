"""Candles and trades for the tests of candles; minutes are counted from DAY."""

from market.events import Kline, Trade
from market.intervals import MINUTE_MS

DAY = 1_763_596_800_000


def candle(
    minute: int,
    *,
    close: float = 1.0,
    is_closed: bool = True,
    source: str = "stream",
    after_ms: int = 59_999,
    **changes: object,
) -> Kline:
    """The candle of a minute, told `after_ms` after it began."""
    told = DAY + minute * MINUTE_MS + after_ms
    fields: dict[str, object] = {
        "symbol": "BTCUSDT",
        "interval": "1m",
        "open_time": DAY + minute * MINUTE_MS,
        "open": 1.0,
        "high": max(2.0, close),
        "low": min(0.5, close),
        "close": close,
        "volume": 1.5,
        "turnover": 3.0,
        "is_closed": is_closed,
        "event_time": told,
        "recv_time": told + 1,
        "trades": 4,
        "taker_buy_volume": 0.5,
        "source": source,
    }
    return Kline(**{**fields, **changes})  # type: ignore[arg-type]  # fields by name


def trade(
    number: int,
    seconds: float,
    *,
    price: float = 1.0,
    size: float = 1.0,
    taker_side: str = "buy",
    is_named: bool = False,
    fills: int = 1,
) -> Trade:
    """Trade `number`, `seconds` after DAY; `is_named`: with an id that says nothing of order."""
    time = DAY + round(seconds * 1000)
    trade_id = f"{number:08x}-cafe" if is_named else str(1000 + number)
    return Trade("BTCUSDT", trade_id, price, size, taker_side, time, time + 100, fills)
