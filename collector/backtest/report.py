"""What a backtest found: tables for people, CSV files for programs."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from collector.backtest.options import NOT_PLAYED, Options
from collector.backtest.play import Record
from market.decimals import plain
from market.intervals import HORIZONS_S
from market.paper import PaperTrade
from market.scoreboard import ScoreboardRow
from market.signals import CANDLE_RULES, Signal

_SIGNAL = tuple(name for name in Signal.__struct_fields__ if name != "inputs")
_encode = msgspec.json.Encoder().encode


def tables(options: Options, record: Record) -> str:
    """The scoreboard, and what paper trades made, in basis points after costs."""
    costs = options.costs
    head = (
        f"{options.venue} {options.symbol} {options.interval}: {record.candles:,} candles, "
        f"{len(record.signals):,} signals, {len(record.trades):,} paper trades; "
        f"spread {costs.spread_bps:g} bps, fee {costs.taker_bps:g} bps each way"
    )
    parts = [head, _table(_SCORE_HEAD, [_score_cells(row) for row in record.scores])]
    trades = [_trade_cells(rule.name, record.trades) for rule in options.rules]
    parts.append(_table(_TRADE_HEAD, trades))
    if options.rules == CANDLE_RULES:
        parts.append(NOT_PLAYED)
    return "\n\n".join(parts)


def write_files(options: Options, record: Record) -> list[Path]:
    """Signals, trades and scoreboard as CSV, times in epoch ms; the paths."""
    options.directory.mkdir(parents=True, exist_ok=True)
    stem = f"backtest-{options.venue}-{options.symbol}-{options.interval}"
    signals = (
        [*(getattr(signal, name) for name in _SIGNAL), _encode(signal.inputs).decode(), *net]
        for signal, net in record.signals
    )
    nets = [f"net_bps_{horizon_s}" for horizon_s in HORIZONS_S]
    files: dict[str, tuple[Sequence[str], Iterable[Sequence[object]]]] = {
        "signals": ([*_SIGNAL, "inputs", *nets], signals),
        "trades": (PaperTrade.__struct_fields__, map(msgspec.structs.astuple, record.trades)),
        "scoreboard": (ScoreboardRow.__struct_fields__, map(msgspec.structs.astuple, record.scores)),
    }
    paths = []
    for name, (columns, rows) in files.items():
        paths.append(options.directory / f"{stem}-{name}.csv")
        with paths[-1].open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([columns, *([_cell(value) for value in row] for row in rows)])
    return paths


_SCORE_HEAD = (
    "rule", "after", "count", "hit rate % (95 %)", "mean bps (95 %)", "median", "profit factor", "drawdown",
    "baseline", "edge (99 %)", "verdict",
)  # fmt: skip
_TRADE_HEAD = ("rule", "paper trades", "open", "won", "mean net bps", "total net bps")


def _score_cells(row: ScoreboardRow) -> list[str]:
    rates = (row.hit_rate, row.hit_rate_low, row.hit_rate_high)
    hit, low, high = (None if rate is None else 100 * rate for rate in rates)
    return [
        row.rule, f"{row.horizon_s // 60}m", str(row.count), _spread(hit, low, high),
        _spread(row.mean_bps, row.mean_bps_low, row.mean_bps_high), _number(row.median_bps),
        _number(row.profit_factor, 2), _number(row.drawdown_bps), _number(row.baseline_mean_bps),
        _spread(row.edge_bps, row.edge_bps_low, row.edge_bps_high), row.verdict,
    ]  # fmt: skip


def _trade_cells(rule: str, trades: Iterable[PaperTrade]) -> list[str]:
    own = [trade for trade in trades if trade.rule == rule]
    nets = [trade.net_bps for trade in own if trade.net_bps is not None]
    won = sum(net > 0 for net in nets)
    mean = sum(nets) / len(nets) if nets else None
    return [rule, str(len(nets)), str(len(own) - len(nets)), str(won), _number(mean), _number(sum(nets))]


def _spread(value: float | None, low: float | None, high: float | None) -> str:
    return "" if value is None else f"{value:.1f} ({_number(low)} … {_number(high)})"


def _number(value: float | None, places: int = 1) -> str:
    return "" if value is None else f"{value:.{places}f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    made = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in made)


def _cell(value: object) -> str:
    return plain(value) if isinstance(value, float | int | None) else str(value)
