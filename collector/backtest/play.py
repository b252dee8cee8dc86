"""Plays stored candles through the rules, page by page, and makes their track record."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.backtest.options import Options, Unusable
from db.history.reader import HistoryReader
from market.events import Kline
from market.intervals import HORIZONS_S, INTERVAL_MS
from market.outcomes import outcome
from market.paper import PaperTrade
from market.quotes import CandlePrices
from market.replay import Replay
from market.scoreboard import (
    Key,
    Moment,
    Result,
    ScoreboardRow,
    matched_moments,
    price_moments,
    scoreboard_row,
)
from market.signal_settings import SignalSettings
from market.signals import Signal

RUN_UP = 400
"""Candles before the first that make its indicators those of the whole history."""
PAGE = 5_000
SEED = 1


class Fired(NamedTuple):
    """A signal, and by horizon in s what it made after costs; None where no candle tells."""

    signal: Signal
    net_bps: tuple[float | None, ...]


@dataclass(slots=True)
class Record:
    """What a backtest found; trades as they ended, the open ones without an exit."""

    candles: int = 0
    span: tuple[int, int] = (0, 0)
    """From the open of the first candle to the end of the last, epoch ms."""
    signals: list[Fired] = field(default_factory=list)
    trades: list[PaperTrade] = field(default_factory=list)
    scores: list[ScoreboardRow] = field(default_factory=list)


def play(
    reader: HistoryReader, options: Options, settings: SignalSettings, progress: Callable[[int, int], None]
) -> Record:
    """Run a backtest; `progress` hears how much of how much is played. The same candles give the same.

    Raises Unusable without candles; StoreUnavailable.
    """
    series = (options.venue, options.symbol, options.interval)
    replay = Replay(options.symbol, options.interval, settings, options.costs, options.rules)
    replay.warm(reader.klines(*series, end=options.start, limit=RUN_UP))
    record, signals = Record(), list[Signal]()
    trades: dict[tuple[str, int], PaperTrade] = {}
    for page in _pages(reader, series, options.start, options.end):
        for kline in page:
            played = replay.take(kline)
            signals += played.signals
            trades |= {(t.rule, t.entry_time): t for t in played.trades}
        first = record.span[0] if record.candles else page[0].open_time
        record.span = first, page[-1].open_time + INTERVAL_MS[options.interval]
        record.candles += len(page)
        progress(page[-1].open_time - options.start, options.end - options.start)
    if not record.candles:
        raise Unusable(f"no {options.interval} candles are stored in that time; {_what_is(reader, series)}")
    progress(1, 1)  # the time asked for may go on behind the last candle
    record.trades = sorted(trades.values(), key=lambda t: (t.entry_time, t.rule))
    prices = _prices(reader, options)
    record.signals = [Fired(s, _net_of(s, prices, options.costs.taker_bps)) for s in signals]
    record.scores = [row for rule in options.rules for row in _scores(rule.name, record, prices, options)]
    return record


def _pages(
    reader: HistoryReader, series: tuple[str, str, str], start: int, end: int
) -> Iterator[Sequence[Kline]]:
    while page := reader.klines(*series, start=start, end=end, limit=PAGE):
        yield page
        start = page[-1].open_time + 1


def _prices(reader: HistoryReader, options: Options) -> CandlePrices:
    """Opens up to an hour behind the end: of 1m candles where they are stored, else of those played."""
    end = options.end + HORIZONS_S[-1] * 1000 + INTERVAL_MS[options.interval]
    opens: dict[int, float] = {}
    for interval in dict.fromkeys((options.interval, "1m")):  # in this order: a minute has the last word
        for page in _pages(reader, (options.venue, options.symbol, interval), options.start, end):
            opens |= {kline.open_time: kline.open for kline in page}
    times = sorted(opens)
    return CandlePrices(times, [opens[time] for time in times], options.costs.spread_bps)


def _net_of(signal: Signal, prices: CandlePrices, taker_bps: float) -> tuple[float | None, ...]:
    found = (outcome(signal, h, prices.at(signal.ts + h * 1000), taker_bps) for h in HORIZONS_S)
    return tuple(None if each is None else each.net_bps for each in found)


def _scores(rule: str, record: Record, prices: CandlePrices, options: Options) -> list[ScoreboardRow]:
    fired = [each for each in record.signals if each.signal.rule == rule]
    moments = [Moment(options.symbol, each.signal.side, each.signal.ts) for each in fired]
    drawn = matched_moments(moments, record.span, SEED)
    rows = []
    for number, horizon_s in enumerate(HORIZONS_S):
        nets = ((each.signal.ts, each.net_bps[number]) for each in fired)
        results = [Result(ts, net) for ts, net in nets if net is not None]
        chance = price_moments(drawn, {options.symbol: prices}, horizon_s, options.costs.taker_bps)
        key = Key(rule, options.venue, options.interval, horizon_s)
        rows.append(scoreboard_row(key, results, chance, SEED))
    return rows


def _what_is(reader: HistoryReader, series: tuple[str, str, str]) -> str:
    first, last = reader.klines(*series, start=0, limit=1), reader.klines(*series, limit=1)
    if not first or not last:
        return "there are none at all"
    return f"there are some from {first[0].open_time} to {last[-1].open_time} (epoch ms)"
