"""The candle intervals we know, and their place in time."""

MINUTE_MS = 60_000
DAY_MS = 86_400_000
INTERVAL_MS = {
    "1m": MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "1h": 60 * MINUTE_MS,
    "4h": 240 * MINUTE_MS,
    "1d": 1440 * MINUTE_MS,
}
"""Length of each interval in ms, shortest first. All of them divide the UTC day."""

BOOK = "book"
"""The interval of signals that come from the book."""
HORIZONS_S = (60, 300, 900, 3600)
"""Seconds after which each signal is priced again."""


def open_of(time_ms: int, interval: str) -> int:
    """First ms of the candle that holds `time_ms`."""
    return time_ms - time_ms % INTERVAL_MS[interval]


def close_of(open_time: int, interval: str) -> int:
    """Last ms inside the candle that begins at `open_time`."""
    return open_time + INTERVAL_MS[interval] - 1
