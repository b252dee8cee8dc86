"""Asks the rules: candle rules once a close, book rules at every look, with hysteresis and a cool-down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market.indicators.model import CandleClose
from market.intervals import BOOK, close_of
from market.quotes import Quote, Side
from market.signal_settings import SignalSettings
from market.signals.model import BookRule, BookView, CandleRule, Firing, Signal
from market.signals.rules import BOOK_RULES, CANDLE_RULES

NEVER = -(10**15)


def firings(
    close: CandleClose, settings: SignalSettings, rules: Sequence[CandleRule] = CANDLE_RULES
) -> list[tuple[CandleRule, Firing, dict[str, float]]]:
    """Which rules fire at a close, and what each read; none while the indicators give a `reason`.

    Raises TypeError for anything but a closed candle.
    """
    _check(close)
    if close.indicators.reason or close.before is None:
        return []
    found = []
    for rule in rules:
        values = rule.read(close)
        if None in values:
            continue
        firing = rule.fires(*values, settings) if rule.needs_settings else rule.fires(*values)
        if firing is not None:
            inputs = {
                name: value for name, value in zip(rule.inputs, values, strict=True) if value is not None
            }
            found.append((rule, firing, inputs))
    return found


def _check(close: CandleClose) -> None:
    if type(close) is not CandleClose:
        raise TypeError(f"expected a closed candle, found {type(close).__name__}")


class CandleJudge:
    """Judges each close of one series once, when it is first known whole and not too late.

    `judged`: open_time of the last close that was judged, to begin from after a restart.
    """

    def __init__(
        self,
        symbol: str,
        interval: str,
        settings: SignalSettings,
        rules: Sequence[CandleRule] = CANDLE_RULES,
        judged: int = -1,
    ) -> None:
        self.judged = judged
        self._symbol = symbol
        self._interval = interval
        self._settings = settings
        self._rules = rules

    def judge(self, close: CandleClose, at: int, quote: Quote | None) -> list[Signal]:
        """The signals of a close that became known `at` (venue's ms), when one could trade at `quote`.

        A close that is warming or has a hole is judged when a repair makes it whole in time.
        """
        _check(close)
        open_time = close.indicators.open_time
        if close.indicators.reason or open_time <= self.judged:
            return []
        self.judged = open_time
        if at - close_of(open_time, self._interval) > self._settings.late_s * 1000:
            return []  # not asked at all: of history there is much
        found = firings(close, self._settings, self._rules)
        price, spread = (close.close, None) if quote is None else (quote.mid, quote.spread_bps)
        return [
            Signal(
                self._symbol, self._interval, rule.name, side, strength, at, price, spread, open_time, inputs
            )
            for rule, (side, strength), inputs in found
        ]


@dataclass(slots=True)
class _Pressure:
    """How one rule's pressure on one book has gone."""

    fired_at: int
    side: Side = "buy"
    since: int | None = None
    is_ready: bool = True


class BookJudge:
    """Turns pressure that lasts into one signal, and into no other before it has let go and cooled down.

    Counting begins at `book_enter` and goes on while pressure stays above `book_leave` on the same side; a
    signal fires after `book_sustain_s` of it. `fired_at`: when each rule last fired, to begin from.
    """

    def __init__(
        self,
        symbol: str,
        settings: SignalSettings,
        rules: Sequence[BookRule] = BOOK_RULES,
        fired_at: Mapping[str, int] | None = None,
    ) -> None:
        self._symbol = symbol
        self._settings = settings
        self._pressures = [(rule, _Pressure((fired_at or {}).get(rule.name, NEVER))) for rule in rules]
        self._time = NEVER

    def look(self, view: BookView) -> list[Signal]:
        """Take the next state of a live book; one that is older than the last is passed over."""
        if view.time < self._time:
            return []
        if view.time - self._time > self._settings.book_silence_s * 1000:
            self.lose()
        self._time = view.time
        return [s for rule, pressure in self._pressures if (s := self._see(rule, pressure, view)) is not None]

    def lose(self) -> None:
        """The book is not live any more: what lasted until now has ended."""
        for _, pressure in self._pressures:
            pressure.since, pressure.is_ready = None, True

    def _see(self, rule: BookRule, held: _Pressure, view: BookView) -> Signal | None:
        settings, values = self._settings, rule.read(view)
        pressure = rule.pressure(*values)
        strength = abs(pressure)
        side: Side = "buy" if pressure > 0 else "sell"
        if strength < settings.book_leave or side != held.side:
            held.side, held.since, held.is_ready = side, None, True
        if strength < settings.book_enter:
            return None
        if held.since is None:
            held.since = view.time
        lasted_ms = view.time - held.since
        if not held.is_ready or lasted_ms < settings.book_sustain_s * 1000:
            return None
        if view.time - held.fired_at < settings.book_cooldown_s * 1000:
            return None
        held.is_ready, held.fired_at = False, view.time
        inputs = {**dict(zip(rule.inputs, values, strict=True)), "lasted_ms": float(lasted_ms)}
        return Signal(
            self._symbol,
            BOOK,
            rule.name,
            side,
            strength,
            view.time,
            view.mid,
            view.spread_bps,
            view.time,
            inputs,
        )
