"""The site of the browser tests with a track record: signals, trades open and closed, a scoreboard."""

import math
from typing import Any

from app.api_track import SCORE_COLUMNS
from db.history.record import RecordedOutcome, RecordedSignal, RecordedTrade
from db.rows import PaperTradeRow, SignalRow
from market.instruments import Instrument
from market.intervals import HORIZONS_S
from market.rule_words import RULE_WORDS
from tests.app.fakes import LIVE_FEED
from tests.browser.site import PRICES, Site, now_ms

MINUTE = 60_000
VENUES = ("sim-bybit", "sim-binance")
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT")
INTERVALS = ("1m", "5m", "1h")
FEE = 11.0
SIGNALS = 260
"""More than two pages hold."""


def fired(n: int, at: int) -> RecordedSignal:
    """The n-th signal, at this time; outcomes as far as their horizons are over."""
    symbol = SYMBOLS[n % 3]
    price = PRICES[symbol][0]
    rule = list(RULE_WORDS)[n % 6]
    interval = "book" if rule == "book_pressure" else INTERVALS[n % 3]
    side = "sell" if n % 5 < 2 else "buy"
    row = SignalRow(
        VENUES[n % 2], symbol, interval, rule, at - at % MINUTE - MINUTE, at, side, 0.25 + n % 7 / 10,
        price, 0.4 + n % 3, {"rsi": 30.5 + n % 9, "rsi_before": 28.25, "atr": 1e-7},
    )  # fmt: skip
    made = {h: 24 * math.sin(n * 1.3 + h) - 9 for h in HORIZONS_S if now_ms() - at > h * 1000}
    outcomes = {
        h: RecordedOutcome(price * (1 + (bps + FEE) / 1e4), bps + FEE, bps) for h, bps in made.items()
    }
    return RecordedSignal(n + 1, row, outcomes)


def traded(signal: RecordedSignal, *, is_open: bool) -> RecordedTrade:
    """The trade of a signal, a second after it; closed ones after seven minutes."""
    s, n = signal.row, signal.id
    side = "long" if s.side == "buy" else "short"
    row = PaperTradeRow(s.venue, s.symbol, s.interval, s.rule, side, s.ts + 1000, s.price, FEE)
    if is_open:
        return RecordedTrade(n, row, signal)
    net = 30 * math.sin(n / 9) - 4
    sign = 1 if side == "long" else -1
    exit_price = s.price * (1 + sign * (net + FEE) / 1e4)
    reason = ("stop", "opposite", "time")[n % 3]
    end = (s.ts + 7 * MINUTE, exit_price, reason, net + FEE, net)
    return RecordedTrade(n, PaperTradeRow(*row[:8], *end), signal)


def score(rule: str, venue: str, interval: str, horizon_s: int, n: int) -> dict[str, Any]:
    """One row of the scoreboard; of each verdict some."""
    mean = 14 * math.sin(n * 2.1) - 6
    few = n % 4 == 0
    known: dict[str, Any] = dict.fromkeys(SCORE_COLUMNS)
    known |= {
        "rule": rule, "venue": venue, "interval": interval, "horizon_s": horizon_s, "computed_at": now_ms(),
        "count": 12 if few else 300 + n, "baseline_count": 120 if few else 3000, "hit_rate": 0.41,
        "hit_rate_low": 0.36, "hit_rate_high": 0.47, "mean_bps": mean, "median_bps": mean - 1,
        "mean_bps_low": None if few else mean - 3, "mean_bps_high": None if few else mean + 3,
        "profit_factor": 0.83, "drawdown_bps": 812.0, "baseline_hit_rate": 0.39, "baseline_mean_bps": -10.2,
        "baseline_median_bps": -10.0, "edge_bps": mean + 10.2, "edge_bps_low": mean + 5,
        "edge_bps_high": mean + 15,
        "verdict": "too few" if few else "worse" if mean < -15 else "better than chance" if mean > -4
        else "no better than chance",
    }  # fmt: skip
    return known


class SignalsSite(Site):
    """With `is_fresh` nothing has happened yet."""

    def __init__(self, *, is_fresh: bool = False, **values: Any) -> None:
        super().__init__(**values)
        self.history.known = [
            Instrument(venue, symbol, symbol[:-4], "USDT", 1.0, tick, 0.001, "trading")
            for venue in VENUES
            for symbol, (_, tick) in PRICES.items()
            if tick
        ]
        if is_fresh:
            return
        now = now_ms()
        signals = [fired(n, now - (SIGNALS - n) * 5 * MINUTE) for n in range(SIGNALS)]
        self.history.recorded = signals
        self.history.trades = [traded(s, is_open=s.id % 12 == 0) for s in signals if s.id < SIGNALS - 2]
        series = [(r, v, i) for r in list(RULE_WORDS)[:5] for v in VENUES for i in INTERVALS]
        self.history.scores = [
            score(*key, horizon_s, n) for n, key in enumerate(series) for horizon_s in HORIZONS_S
        ]

    def step(self) -> None:
        """Move every price by a tick; each has a live book."""
        self._steps += 1
        for venue in VENUES:
            self.reader.states[venue] = LIVE_FEED
            for symbol, (price, tick) in PRICES.items():
                bid = price + self._steps % 5 * (tick or 0.01)
                self.reader.put(
                    venue, symbol, tick_size=tick, last_price=bid, best_bid_price=bid,
                    best_ask_price=bid + (tick or 0.01), recv_time=now_ms(), event_time=now_ms(),
                )  # fmt: skip

    def fire(self) -> RecordedSignal:
        """Let one more signal fire, now."""
        signal = fired(len(self.history.recorded), now_ms())
        self.history.recorded = [*self.history.recorded, signal]
        return signal
