"""A minute's candle made here, for the time until the venue's own comes.

It is made of the trades of the minute and of the last forming candle the venue sent. Each holds some of what
happened and nothing that did not, so the higher high, the lower low and the larger volume are right. It is
whole (``complete``) if

- all trades of the minute are known (see market.trade_bars),
- the venue's forming candle does not tell of more volume than they do, and
- the open is known: the venue said it, or it is the first trade's (Binance), or the last price before the
  minute is known (Bybit, and a minute without trades on both).

Otherwise it is the best there is, and ``complete`` is False.
"""

from math import isclose
from typing import NamedTuple

import msgspec

from market.events import Kline
from market.intervals import close_of
from market.trade_bars import TradeBar


class Evidence(NamedTuple):
    """What is known of one minute that the venue has not closed."""

    symbol: str
    open_time: int
    bar: TradeBar | None
    """Its trades."""
    is_covered: bool
    """Whether those are all."""
    last_word: Kline | None
    """The venue's last forming candle of it."""
    price_before: float | None
    """The last price before it, as far as it is known."""
    is_price_before_sure: bool
    recv_time: int
    """When anything was received last before it."""


def provisional(known: Evidence, *, opens_at_last_close: bool) -> Kline | None:
    """The closed candle of ``source`` "trades"; None if no price is known.

    `opens_at_last_close`: whether the venue's candles open at the close before (Bybit) or at their own first
    trade (Binance).
    """
    bar, word = known.bar, known.last_word
    opened, is_open_sure = _open(known, opens_at_last_close=opens_at_last_close)
    if opened is None:
        return None
    volume = bar.volume if bar else 0.0
    is_whole = known.is_covered and is_open_sure and not (word and _exceeds(word.volume, volume))
    fuller = word if word is not None and word.volume > volume and not is_whole else bar
    is_word_newest = word is not None and (bar is None or bar.last_time <= word.event_time)
    closing = word if is_word_newest and not is_whole else bar or word
    prices = [opened, *((bar.high, bar.low) if bar else ()), *((word.high, word.low) if word else ())]
    return Kline(
        symbol=known.symbol,
        interval="1m",
        open_time=known.open_time,
        open=opened,
        high=max(prices),
        low=min(prices),
        close=closing.close if closing else opened,
        volume=fuller.volume if fuller else 0.0,
        turnover=fuller.turnover if fuller else 0.0,
        is_closed=True,
        event_time=max(bar.last_time if bar else 0, word.event_time if word else 0)
        or close_of(known.open_time, "1m"),
        recv_time=max(known.recv_time, bar.recv_time if bar else 0, word.recv_time if word else 0),
        trades=fuller.trades if fuller else 0,
        taker_buy_volume=fuller.taker_buy_volume if fuller else 0.0,
        source="trades",
        complete=is_whole,
    )


def with_counts(kline: Kline, bar: TradeBar | None) -> Kline:
    """The candle with number of trades and taker volume where the venue gives none and the trades tell.

    They tell if they add up to the candle's volume.
    """
    volume = bar.volume if bar else 0.0
    if kline.trades is not None or not isclose(kline.volume, volume, rel_tol=1e-9):
        return kline
    counts = (bar.trades, bar.taker_buy_volume) if bar else (0, 0.0)
    return msgspec.structs.replace(kline, trades=counts[0], taker_buy_volume=counts[1])


def with_trades_so_far(kline: Kline, bar: TradeBar | None, *, are_all: bool) -> Kline:
    """The forming candle with the counts of its trades, where the venue gives none and these are known.

    They may be ahead of the candle, which is told once a second: then its volumes are theirs, too. Behind it
    they do not tell. `are_all`: whether every trade from its open on is known, up to the newest.
    """
    if bar is None or not are_all or kline.trades is not None or bar.volume <= kline.volume:
        return with_counts(kline, bar)
    volumes = {"volume": bar.volume, "turnover": bar.turnover}
    return with_counts(msgspec.structs.replace(kline, **volumes), bar)


def _open(known: Evidence, *, opens_at_last_close: bool) -> tuple[float | None, bool]:
    """The open, and whether it is sure to be the venue's."""
    if known.last_word is not None:
        return known.last_word.open, True
    if known.bar is not None and not opens_at_last_close:
        return known.bar.open, True
    if known.price_before is not None:
        return known.price_before, known.is_price_before_sure
    return (known.bar.open if known.bar else None), False


def _exceeds(volume: float, other: float) -> bool:
    return volume > other and not isclose(volume, other, rel_tol=1e-9)
