"""The site of the browser tests with all that the Symbol page shows: books, trades, candles, ticks."""

import json
import math
from typing import Any

from db.rows import TickRow
from market.decimals import plain, plain_json
from market.events import Kline
from market.instruments import Instrument
from market.intervals import INTERVAL_MS, close_of, open_of
from tests.browser import symbol_marks as marks
from tests.browser.site import Site, now_ms

VENUES = ("sim-bybit", "sim-binance")
INSTRUMENTS = {
    "BTCUSDT": (65114.2, 0.1, 0.001),
    "ETHUSDT": (3321.45, 0.01, 0.01),
    "1000PEPEUSDT": (0.0123456, 1e-7, 100.0),
}
"""First price, tick and lot."""
STORED = 1300
"""Closed candles of each series, more than two replies hold."""
LEVELS = 20


def kline(symbol: str, interval: str, open_time: int, n: int) -> Kline:
    """The candle number `n` of a wave around the first price."""
    price, tick, _ = INSTRUMENTS[symbol]

    def at(i: float) -> float:
        return round((price * (1 + 0.02 * math.sin(i / 25) + 0.004 * math.sin(i * 1.7))) / tick) * tick

    first, last = at(n), at(n + 1)
    high, low = max(first, last) + 9 * tick, min(first, last) - 9 * tick
    volume = 120.5 + 80 * math.sin(n / 3)
    closed = close_of(open_time, interval)
    return Kline(
        symbol, interval, open_time, first, high, low, last, volume, volume * price, True, closed, closed
    )


class SymbolSite(Site):
    """Every `step` moves the book, the newest trade and the forming candle of each instrument.

    `size_factor`: how many times larger than usual sizes of the book and of trades are.
    """

    def __init__(self, **values: Any) -> None:
        self.moves = 0
        self.size_factor = 1
        super().__init__(symbols=list(INSTRUMENTS), **values)
        self.history.known = [
            Instrument(venue, symbol, symbol[:-4], "USDT", 1.0, tick, lot, "trading")
            for venue in VENUES
            for symbol, (_, tick, lot) in INSTRUMENTS.items()
        ]
        now = now_ms()
        for venue in VENUES:
            for symbol in INSTRUMENTS:
                for interval, step in INTERVAL_MS.items():
                    first = open_of(now, interval) - STORED * step
                    self._store_candles(
                        venue, [kline(symbol, interval, first + n * step, n) for n in range(STORED)]
                    )
                self._store_ticks(venue, symbol, now)
                self.history.holes += marks.gaps(venue, symbol, now)

    def step(self) -> None:
        """Move everything by a tick."""
        super().step()
        self.moves += 1
        for venue in VENUES:
            for symbol in INSTRUMENTS:
                self._move(venue, symbol)

    def _store_candles(self, venue: str, klines: list[Kline]) -> None:
        history = self.history
        history.candles[venue, klines[0].symbol, klines[0].interval] = klines
        history.said += marks.indicators(venue, klines[-700:])
        history.fired += marks.signals(venue, klines[-200:], len(history.fired) + 1)

    def _store_ticks(self, venue: str, symbol: str, now: int) -> None:
        price, tick, lot = INSTRUMENTS[symbol]
        for n in range(300):
            bid = price + round(40 * math.sin(n / 20)) * tick
            ts = now - 600_000 + n * 2000
            size = lot * (50 + 40 * math.sin(n / 7))
            row = TickRow(venue, symbol, ts, n, bid, size, bid + tick * (1 + n % 3), lot * 60, ts + 5)
            self.history.changes.append(row)

    def _move(self, venue: str, symbol: str) -> None:
        price, tick, lot = INSTRUMENTS[symbol]
        lot *= self.size_factor
        now = now_ms()
        bid = price + self.moves % 9 * tick
        sides = {
            "bids": [[round(bid - n * tick, 10), lot * (n % 5 + 1) * 10] for n in range(LEVELS)],
            "asks": [[round(bid + (n + 1) * tick, 10), lot * (n % 4 + 1) * 10] for n in range(LEVELS)],
        }
        self.reader.books[venue, symbol] = {
            "state": "live", "spread_bps": "0.3", "imbalance": "0.1", "imbalance_10": "0.2",
            "mid": plain(bid + tick / 2), "event_time": str(now), "recv_time": str(now),
            "publish_time": str(now),
        } | {side: plain_json(json.dumps(levels)) for side, levels in sides.items()}  # fmt: skip
        self.reader.tickers[venue, symbol] = {
            "last_price": plain(bid), "mark_price": plain(price), "index_price": plain(price + tick),
            "funding_rate": "0.0001", "next_funding_time": str(now + 3_600_000), "open_interest": "51234.5",
            "change_24h_pct": "-1.25", "turnover_24h": "1234567890", "volume_24h": "123", "high_24h": "",
            "low_24h": "", "event_time": str(now), "recv_time": str(now),
        }  # fmt: skip
        trade = {
            "price": plain(bid), "size": plain(lot * (self.moves % 7 + 1)), "trade_id": str(self.moves),
            "taker_side": "sell" if self.moves % 3 else "buy", "event_time": str(now),
        }  # fmt: skip
        tape = self.reader.tapes.get((venue, symbol), [])
        self.reader.tapes[venue, symbol] = [trade, *tape][:200]
        for interval in INTERVAL_MS:
            last = self.history.candles.get((venue, symbol, interval), [])
            opened = open_of(now, interval)
            first = last[-1].close if last else price
            self.reader.forming[venue, symbol, interval] = {
                "open_time": str(opened), "open": plain(first), "high": plain(max(first, bid)),
                "low": plain(min(first, bid)), "close": plain(bid), "volume": str(30 + self.moves % 50),
                "turnover": plain((30 + self.moves % 50) * bid), "is_closed": "0", "event_time": str(now),
                "recv_time": str(now),
            }  # fmt: skip
            self.reader.provisional[venue, symbol, interval] = {
                "open_time": str(opened), "rsi": str(45 + self.moves % 11), "stoch_rsi_k": "71.5",
                "stoch_rsi_d": "64.2", "ema_fast": plain(first), "ema_slow": plain(first),
                "bb_upper": plain(first * 1.01), "bb_lower": plain(first * 0.99), "reason": "",
                "is_provisional": "1",
            }  # fmt: skip
