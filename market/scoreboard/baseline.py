"""The matched random baseline: what the same trades made at random moments in the same markets and hours.

A moment is drawn for a signal from the same hour of another UTC day: same market, same side, same time of
day, and none of what led to the signal or followed it. (Moments of the very hour would lie in the fall that
makes RSI oversold, and make every reversal look clever.)
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from market.intervals import DAY_MS, MINUTE_MS
from market.quotes import CandlePrices, Side

PER_SIGNAL = 10
MOST = 20_000
HOUR_MS = 60 * MINUTE_MS


class Moment(NamedTuple):
    """A trade that could have been begun: the time is the venue's, in ms."""

    symbol: str
    side: Side
    time: int


class Result(NamedTuple):
    """What a signal, or a random moment, made after costs; `time` is when it began."""

    time: int
    net_bps: float


def matched_moments(signals: Sequence[Moment], span: tuple[int, int], seed: int) -> list[Moment]:
    """Ten moments for each signal (at most 20,000 in all), on whole minutes in [start, end) of `span`.

    Empty where the span has no other day. The same arguments give the same moments.
    """
    start, end = span
    first, days = start // DAY_MS, (end - 1) // DAY_MS - start // DAY_MS + 1
    if not signals or days < 2:
        return []
    rng = np.random.default_rng(seed)
    count = len(signals) * PER_SIGNAL
    chosen = np.arange(count) % len(signals) if count <= MOST else rng.integers(len(signals), size=MOST)
    times = np.array([signal.time for signal in signals])[chosen]
    shift = rng.integers(1, days, size=len(chosen))
    day = first + (times // DAY_MS - first + shift) % days
    minute = rng.integers(60, size=len(chosen))
    drawn = day * DAY_MS + times % DAY_MS // HOUR_MS * HOUR_MS + minute * MINUTE_MS
    return [
        Moment(signals[index].symbol, signals[index].side, time)
        for index, time in zip(chosen.tolist(), drawn.tolist(), strict=True)
        if start <= time < end
    ]


def price_moments(
    moments: Sequence[Moment], prices: Mapping[str, CandlePrices], horizon_s: int, taker_bps: float
) -> list[Result]:
    """What each moment made after its horizon, by the prices of its symbol; without prices it is left out."""
    found = []
    for symbol, side in sorted({(moment.symbol, moment.side) for moment in moments}):
        if symbol not in prices:
            continue
        times = np.array([m.time for m in moments if m.symbol == symbol and m.side == side])
        entry, leave = prices[symbol].mids(times), prices[symbol].mids(times + horizon_s * 1000)
        paid = 1 if side == "buy" else -1
        half = paid * prices[symbol].spread_bps / 2e4
        net = paid * 1e4 * (leave * (1 - half) / (entry * (1 + half)) - 1) - 2 * taker_bps
        known = ~np.isnan(net)
        found += [Result(*pair) for pair in zip(times[known].tolist(), net[known].tolist(), strict=True)]
    return found
