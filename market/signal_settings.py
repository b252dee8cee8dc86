"""Thresholds of the rules and terms of the paper trades; each is the setting ``SIGNAL_`` + its name."""

from dataclasses import dataclass

POSITIVE = (
    "volume_factor", "book_silence_s", "late_s", "stop_atr", "hold_bars", "book_hold_s", "entry_within_s",
)  # fmt: skip
PAIRS = (("rsi_oversold", "rsi_overbought", 100), ("stoch_oversold", "stoch_overbought", 100),
         ("book_leave", "book_enter", 1))  # fmt: skip
"""Thresholds of which the first lies below the second, and what both lie below."""

MOST = 1e9  # seconds, candles or multiples: further than any market reaches, and still a time in ms


@dataclass(frozen=True, slots=True)
class SignalSettings:
    """Seconds end in `_s`, multiples of ATR(14) in `_atr`. Raises ValueError that names all that is wrong."""

    rsi_oversold: float = 30.0
    rsi_overbought: float = 70.0
    stoch_oversold: float = 20.0
    stoch_overbought: float = 80.0
    volume_factor: float = 3.0
    """Multiples of the mean volume of the 20 candles before that make a surge."""
    volume_body_atr: float = 0.5
    """Least distance from open to close that gives a surge a direction."""
    book_enter: float = 0.6
    """Pressure, 0 to 1, at which a book rule begins to count."""
    book_leave: float = 0.3
    """Pressure under which it stops, and after a signal becomes ready again."""
    book_sustain_s: float = 5.0
    """How long pressure must last."""
    book_cooldown_s: float = 60.0
    """Least time between two signals of one rule on one book."""
    book_silence_s: float = 5.0
    """A book that said nothing for longer begins anew."""
    late_s: float = 60.0
    """A close that becomes known later than this after its candle's end makes no signal."""
    stop_atr: float = 2.0
    """Distance of a paper trade's stop from its entry."""
    hold_bars: int = 24
    """A paper trade ends after this many candles of its interval."""
    book_hold_s: float = 900.0
    """The same for book rules."""
    entry_within_s: float = 30.0
    """A signal that meets no book within this time is not traded."""

    def __post_init__(self) -> None:
        problems = self._disordered()
        for name in POSITIVE:
            if not 0 < (value := getattr(self, name)) <= MOST:
                problems.append(f"{name}: expected above 0 and at most {MOST:g}, found {value:g}")
        for name in ("volume_body_atr", "book_sustain_s", "book_cooldown_s"):
            if not 0 <= (value := getattr(self, name)) <= MOST:
                problems.append(f"{name}: expected from 0 to {MOST:g}, found {value:g}")
        if problems:
            raise ValueError("; ".join(problems))

    def _disordered(self) -> list[str]:
        """What is wrong with pairs of thresholds; an impossible one sets the other no bound."""
        problems = []
        for lower, upper, most in PAIRS:
            low, high = getattr(self, lower), getattr(self, upper)
            ceiling = high if 0 < high < most else most
            floor = low if 0 < low < most else 0
            if not 0 < low < ceiling:
                problems.append(f"{lower}: expected between 0 and {ceiling:g}, found {low:g}")
            if not floor < high < most:
                problems.append(f"{upper}: expected between {floor:g} and {most:g}, found {high:g}")
        return problems
