"""What the Symbol page's site has besides prices: indicators of its candles, signals, gaps."""

from collections.abc import Sequence

import numpy as np

from db.history.track import StoredSignal
from db.rows import GapRow, IndicatorRow, SignalRow
from market.events import Kline
from market.indicators import arrays
from market.intervals import INTERVAL_MS, open_of


def indicators(venue: str, klines: Sequence[Kline]) -> list[IndicatorRow]:
    """What the indicators say of these closes, as the definitions have it."""
    close = np.array([k.close for k in klines])
    rsi = arrays.rsi(close)
    stoch = arrays.stoch_rsi(rsi)
    fast, slow, line, signal = arrays.macd(close)
    upper, lower = arrays.bollinger(close)
    columns = (rsi, stoch.k, stoch.d, fast, slow, line, signal, upper, lower)

    def row(i: int, k: Kline) -> IndicatorRow:
        known = [None if np.isnan(column[i]) else float(column[i]) for column in columns]
        reason = "" if i >= 150 else "warming"
        values = (*known, None, 0.0, "neutral", min(i + 1, 400), reason, k.event_time, None)
        return IndicatorRow._make((venue, k.symbol, k.interval, k.open_time, *values))

    return [row(i, k) for i, k in enumerate(klines)]


def signals(venue: str, klines: Sequence[Kline], first_id: int) -> list[StoredSignal]:
    """One at every 25th of these candles, in turns a buy and a sell, and one of the book."""
    found = []
    for n, k in enumerate(klines[::25]):
        row = SignalRow(
            venue, k.symbol, k.interval, "rsi_reversal", k.open_time, k.event_time + 1,
            "sell" if n % 2 else "buy", 0.5, k.close, 0.3, {},
        )  # fmt: skip
        found.append(StoredSignal(first_id + n, row, {60: 1.5, 900: -3.25 if n % 2 else 4.5}))
    of_book = found[-1].row._replace(interval="book", rule="book_pressure")
    return [*found, StoredSignal(first_id + len(found), of_book, {})]


def gaps(venue: str, symbol: str, now: int) -> list[GapRow]:
    """A disconnect of forty minutes, repaired; a silence of twelve minutes, not repaired; a lost update."""
    hour = INTERVAL_MS["1h"]
    base = open_of(now, "5m")
    rows = [
        GapRow(
            venue, symbol, channel, base - 5 * hour, base - 5 * hour + 2_400_000, "disconnect", "yes", 4, ""
        )
        for channel in ("kline", "trade")
    ]
    silent = GapRow(venue, symbol, "trade", base - 2 * hour, base - 2 * hour + 720_000, "silent", "no", 0, "")
    lost = GapRow(venue, symbol, "book", now - 300_000, now - 270_000, "sequence", "no", 0, "")
    return [*rows, silent, lost]
