"""One number for the state of a series: votes of its indicators, weighed, from -100 (sell) to 100 (buy)."""

from typing import Literal, NamedTuple

from market.indicators.model import CandleClose

Word = Literal["strong_buy", "buy", "neutral", "sell", "strong_sell"]

STRONG = 60
PLAIN = 20


class Rating(NamedTuple):
    """The score, and its word."""

    score: float
    signal: Word


def rate(close: CandleClose) -> Rating | None:
    """The score of a closed candle; None where its indicators may not be relied on.

    Along the move: 45 × trend (EMA 12 over 26, full at 1.5 ATR) and 35 × momentum (MACD over its signal line,
    full at 0.4 ATR). Against what is stretched: 8 × RSI beyond 30 / 70 (full at 15 / 85), 6 × StochRSI K
    beyond 20 / 80 (full at 0 / 100), 6 × the close beyond 0.8 of the way to a Bollinger band (full at 1.2).
    """
    i = close.indicators
    if i.reason or i.rsi is None or i.stoch_rsi_k is None or i.macd_signal is None or i.atr is None:
        return None
    if i.ema_fast is None or i.ema_slow is None or i.macd is None or i.bb_upper is None or i.bb_lower is None:
        return None
    if i.atr == 0:
        return Rating(0.0, "neutral")
    half = (i.bb_upper - i.bb_lower) / 2
    place = (close.close - i.bb_lower - half) / half if half > 0 else 0.0
    score = (
        45 * _limited((i.ema_fast - i.ema_slow) / (1.5 * i.atr))
        + 35 * _limited((i.macd - i.macd_signal) / (0.4 * i.atr))
        - 8 * _beyond(i.rsi - 50, 20, 35)
        - 6 * _beyond(i.stoch_rsi_k - 50, 30, 50)
        - 6 * _beyond(place, 0.8, 1.2)
    )
    return Rating(score, word_of(score))


def word_of(score: float) -> Word:
    """The word for a score."""
    if abs(score) < PLAIN:
        return "neutral"
    if score > 0:
        return "strong_buy" if score >= STRONG else "buy"
    return "strong_sell" if score <= -STRONG else "sell"


def _limited(value: float) -> float:
    return max(-1.0, min(1.0, value))


def _beyond(value: float, begin: float, full: float) -> float:
    """0 within ± `begin`, then rising to ± 1 at ± `full`."""
    return _limited((max(value - begin, 0.0) + min(value + begin, 0.0)) / (full - begin))
