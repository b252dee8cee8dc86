"""A backtest of one series: closed candles in, signals and paper trades out, by the rules that run live."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from market.events import Kline
from market.indicators import IndicatorSeries
from market.intervals import close_of
from market.outcomes import outcome
from market.paper import PaperDesk, PaperTrade
from market.quotes import Quote, candle_quotes, quote_around
from market.scoreboard.baseline import Result
from market.signal_settings import SignalSettings
from market.signals.judge import CandleJudge
from market.signals.model import CandleRule, Signal
from market.signals.rules import CANDLE_RULES


class Costs(NamedTuple):
    """What trading costs, in basis points: the whole spread, and the taker fee of one way.

    A stop within a candle fills at its price, or, where `slips`, at the candle's worst price for it.
    """

    spread_bps: float
    taker_bps: float
    slips: bool = False


class Played(NamedTuple):
    """What one candle brought: the signals of its close, and the trades opened or left within it."""

    signals: list[Signal]
    trades: list[PaperTrade]


class Replay:
    """Plays closed candles of one instrument and interval in order, as if each had just closed.

    Signals meet the next candle's open, half the spread away; see Costs for stops.
    """

    def __init__(
        self,
        symbol: str,
        interval: str,
        settings: SignalSettings,
        costs: Costs,
        rules: Sequence[CandleRule] = CANDLE_RULES,
    ) -> None:
        self._series = IndicatorSeries(interval)
        self._judge = CandleJudge(symbol, interval, settings, rules)
        self._desk = PaperDesk(settings, costs.taker_bps)
        self._spread_bps = costs.spread_bps
        self._slips = costs.slips

    def warm(self, klines: Sequence[Kline]) -> None:
        """Begin with candles that are not played: only indicators remember them."""
        self._series.warm(klines)

    def take(self, kline: Kline) -> Played:
        """Play the next candle."""
        trades = [
            trade
            for quote in candle_quotes(kline, self._spread_bps, slips=self._slips)
            for step in self._desk.on_quote(quote)
            for trade in step.trades
        ]
        signals = []
        closed_at = close_of(kline.open_time, kline.interval)
        self._desk.on_close(kline.interval, closed_at + 1)
        for close in self._series.take([kline]):
            quote = quote_around(close.close, self._spread_bps, closed_at)
            signals = self._judge.judge(close, closed_at, quote)
            for signal in signals:
                self._desk.on_signal(signal, close.indicators.atr)
        return Played(signals, trades)


def price_signals(
    signals: Sequence[Signal],
    quote_at: Callable[[str, int], Quote | None],
    horizon_s: int,
    taker_bps: float,
) -> list[Result]:
    """What each signal made after its horizon; one whose quote is missing is left out."""
    priced = (
        outcome(signal, horizon_s, quote_at(signal.symbol, signal.ts + horizon_s * 1000), taker_bps)
        for signal in signals
    )
    return [Result(found.signal.ts, found.net_bps) for found in priced if found is not None]
