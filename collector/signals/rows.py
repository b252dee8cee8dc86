"""Indicators, signals, outcomes and paper trades as rows of the history, and signals back out of rows."""

import msgspec

from db.rows import IndicatorRow, OutcomeRow, PaperStepRow, PaperTradeRow, SignalRow
from market.indicators import ClosedIndicators
from market.outcomes import Outcome
from market.paper import PaperState, PaperTrade
from market.signals import Rating, Signal

_encode = msgspec.json.Encoder().encode


def indicator_row(
    venue: str, symbol: str, interval: str, found: ClosedIndicators, rating: Rating | None, computed_at: int
) -> IndicatorRow:
    """What is stored of a close."""
    score, word = rating or (None, None)
    f = found
    return IndicatorRow(
        venue, symbol, interval, f.open_time, f.rsi, f.stoch_rsi_k, f.stoch_rsi_d, f.ema_fast, f.ema_slow,
        f.macd, f.macd_signal, f.bb_upper, f.bb_lower, f.atr, score, word, f.bars, f.reason, computed_at,
        f.vwap,
    )  # fmt: skip


def signal_row(venue: str, signal: Signal) -> SignalRow:
    """What is stored of a signal."""
    s = signal
    return SignalRow(
        venue, s.symbol, s.interval, s.rule, s.open_time, s.ts, s.side, s.strength, s.price, s.spread_bps,
        s.inputs,
    )  # fmt: skip


def signal_of(row: SignalRow) -> Signal:
    """The signal that was stored."""
    fields = row._asdict()
    del fields["venue"]
    return msgspec.convert(fields, Signal)


def outcome_row(venue: str, found: Outcome) -> OutcomeRow:
    """What is stored of an outcome."""
    s = found.signal
    return OutcomeRow(venue, s.symbol, s.interval, s.rule, s.open_time, *found[1:])


def paper_step_row(
    venue: str, symbol: str, state: PaperState, trades: list[PaperTrade], step: int
) -> PaperStepRow:
    """What is stored of a step of paper trading."""
    told = [
        PaperTradeRow(
            venue, symbol, t.interval, t.rule, t.side, t.entry_time, t.entry_price, t.fee_bps, t.exit_time,
            t.exit_price, t.exit_reason, t.gross_bps, t.net_bps,
        )
        for t in trades
    ]  # fmt: skip
    return PaperStepRow(venue, symbol, state.interval, state.rule, step, _encode(state).decode(), told)
