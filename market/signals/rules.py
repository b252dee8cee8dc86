"""All rules: what each reads, when it fires, and which way.

To add one, write it, put it in its table, and its words into `market.rule_words`.

A rule is a pure function. Its parameters name what it reads (`CANDLE_INPUTS`, `BOOK_INPUTS` in `model`); it
is given those numbers and the settings and nothing else, is not asked while one of them is missing, and what
it read is stored with each signal. `_before` is the candle before. Sources and limits: docs/signals.md.
"""

from market.quotes import Side
from market.rule_words import RULE_WORDS
from market.signal_settings import SignalSettings
from market.signals.model import BookRule, CandleRule, Firing

NOISE = 1e-9
"""Relative: in a still market values are equal but for float noise, and neither cross nor miss by it."""


def rsi_reversal(rsi_before: float, rsi: float, settings: SignalSettings) -> Firing | None:
    """Buy when RSI comes back up to the oversold line, sell when it comes back down to the overbought one.

    Strength: how far beyond the line it had been, full at 10 points.
    """
    if rsi_before < settings.rsi_oversold <= rsi:
        return _firing("buy", settings.rsi_oversold - rsi_before, full=10)
    if rsi_before > settings.rsi_overbought >= rsi:
        return _firing("sell", rsi_before - settings.rsi_overbought, full=10)
    return None


def stoch_rsi_cross(
    stoch_rsi_k_before: float,
    stoch_rsi_d_before: float,
    stoch_rsi_k: float,
    stoch_rsi_d: float,
    settings: SignalSettings,
) -> Firing | None:
    """Buy when K crosses above D while D is oversold at both candles, sell in the mirror.

    Strength: how far K is past D, full at 20 points.
    """
    before, now = stoch_rsi_k_before - stoch_rsi_d_before, stoch_rsi_k - stoch_rsi_d
    least, most = sorted((stoch_rsi_d_before, stoch_rsi_d))
    if most < settings.stoch_oversold and _crosses(before, now, 100):
        return _firing("buy", now, full=20)
    if least > settings.stoch_overbought and _crosses(-before, -now, 100):
        return _firing("sell", -now, full=20)
    return None


def macd_trend(
    macd_before: float,
    macd_signal_before: float,
    macd: float,
    macd_signal: float,
    ema_slow: float,
    close: float,
    atr: float,
) -> Firing | None:
    """Buy when MACD crosses above its signal line in a rising trend, sell when below in a falling one.

    The trend rises where the fast EMA is above the slow one (MACD above 0) and the close above the slow one.
    Strength: distance of the lines, full at a tenth of ATR.
    """
    before, now = macd_before - macd_signal_before, macd - macd_signal
    if macd > 0 and close > ema_slow and _crosses(before, now, close):
        return _firing("buy", now, full=atr / 10)
    if macd < 0 and close < ema_slow and _crosses(-before, -now, close):
        return _firing("sell", -now, full=atr / 10)
    return None


def bollinger_reentry(
    close_before: float,
    bb_lower_before: float,
    bb_upper_before: float,
    close: float,
    bb_lower: float,
    bb_upper: float,
) -> Firing | None:
    """Buy when a close under the lower band is followed by one inside, sell when one above the upper is.

    Strength: how far outside it had been, full at an eighth of the distance between the bands.
    """
    full, noise = (bb_upper_before - bb_lower_before) / 8, NOISE * close
    if not bb_lower - noise <= close <= bb_upper + noise:
        return None
    if bb_lower_before - close_before > noise:
        return _firing("buy", bb_lower_before - close_before, full=full)
    if close_before - bb_upper_before > noise:
        return _firing("sell", close_before - bb_upper_before, full=full)
    return None


def volume_surge(
    open: float,
    close: float,
    volume: float,
    volume_mean: float,
    atr: float,
    settings: SignalSettings,
) -> Firing | None:
    """Buy when a rising candle has several times the mean volume of the 20 before, sell when a falling one.

    Strength: the multiple, full at three times what a surge needs.
    """
    body, least = close - open, settings.volume_factor * volume_mean
    if volume_mean <= 0 or volume < least or abs(body) < settings.volume_body_atr * atr - NOISE * close:
        return None
    if body == 0:
        return None
    return _firing("buy" if body > 0 else "sell", volume, full=3 * least)


def book_pressure(imbalance_10: float, microprice: float, mid: float) -> float:
    """Imbalance of ten levels, where the microprice leans to the same side; else 0."""
    return imbalance_10 if (microprice - mid) * imbalance_10 > 0 else 0.0


CANDLE_RULES: tuple[CandleRule, ...] = (
    CandleRule("rsi_reversal", RULE_WORDS["rsi_reversal"], rsi_reversal),
    CandleRule("stoch_rsi_cross", RULE_WORDS["stoch_rsi_cross"], stoch_rsi_cross),
    CandleRule("macd_trend", RULE_WORDS["macd_trend"], macd_trend),
    CandleRule("bollinger_reentry", RULE_WORDS["bollinger_reentry"], bollinger_reentry),
    CandleRule("volume_surge", RULE_WORDS["volume_surge"], volume_surge),
)
"""Rules on closed candles."""

BOOK_RULES: tuple[BookRule, ...] = (BookRule("book_pressure", RULE_WORDS["book_pressure"], book_pressure),)
"""Rules on the live book."""


def _crosses(before: float, now: float, scale: float) -> bool:
    """Whether a difference was not above 0 and now is, by more than the noise of numbers like `scale`."""
    return before <= NOISE * scale < now


def _firing(side: Side, distance: float, *, full: float) -> Firing:
    return Firing(side, min(1.0, distance / full) if full > 0 else 1.0)
