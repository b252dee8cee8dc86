"""The track record as the Signals page gets it: parts of one JSON text, each known by its version. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.api_track import SCORE_COLUMNS
from app.symbol_view import rounded
from app.view import OverviewRow
from db.history.record import Equity, EquityStep, RecordedSignal, RecordedTrade
from market.intervals import HORIZONS_S
from market.measures import return_bps

MARK_AGE_MS = 10_000
"""An older best price is none at which one could leave now."""
_BPS_PLACES = 2
_RATE_PLACES = 4
_SIGNIFICANT = 8

Values = dict[str, Any]
Places = Mapping[tuple[str, str], int]
"""(venue, symbol) -> decimal places of its prices."""


def signal_rows(found: Iterable[RecordedSignal], places: Places) -> list[Values]:
    """Signals with what they read and made."""
    return [_signal(each, places) for each in found]


def trade_rows(found: Iterable[RecordedTrade], places: Places) -> list[Values]:
    """Paper trades, each with the signal that began it or null."""
    return [_trade(each, places) for each in found]


def _signal(each: RecordedSignal, places: Places) -> Values:
    s = each.row
    digits = places.get((s.venue, s.symbol))
    finer = None if digits is None else digits + 1  # the middle of two prices
    outcomes = [each.outcomes.get(horizon_s) for horizon_s in HORIZONS_S]
    return {
        "id": each.id, "ts": s.ts, "venue": s.venue, "symbol": s.symbol, "interval": s.interval,
        "rule": s.rule, "side": s.side, "strength": round(s.strength, 2), "price": rounded(s.price, finer),
        "spread_bps": rounded(s.spread_bps, _BPS_PLACES), "open_time": s.open_time,
        "inputs": {name: float(f"{value:.{_SIGNIFICANT}g}") for name, value in s.inputs.items()},
        "outcomes": [
            made and (rounded(made.price_at, digits), *_bps(made.return_bps, made.net_bps))
            for made in outcomes
        ],
        "places": digits,
    }  # fmt: skip


def _trade(each: RecordedTrade, places: Places) -> Values:
    t = each.row
    digits = places.get((t.venue, t.symbol))
    fee, gross, net = _bps(t.fee_bps, t.gross_bps, t.net_bps)
    return {
        "id": each.id, "venue": t.venue, "symbol": t.symbol, "interval": t.interval, "rule": t.rule,
        "side": t.side, "entry_ts": t.entry_ts, "entry_price": rounded(t.entry_price, digits),
        "exit_ts": t.exit_ts, "exit_price": rounded(t.exit_price, digits), "exit_reason": t.exit_reason,
        "fee_bps": fee, "gross_bps": gross, "net_bps": net, "places": digits,
        "signal": each.signal and _signal(each.signal, places),
    }  # fmt: skip


def _bps(*values: float | None) -> tuple[float | None, ...]:
    return tuple(rounded(value, _BPS_PLACES) for value in values)


def score_rows(board: Iterable[Mapping[str, Any]], chosen: Mapping[str, str]) -> list[Values]:
    """Rows of the scoreboard whose columns have the values chosen; an empty one leaves out none."""
    return [
        {name: _score(name, row[name]) for name in SCORE_COLUMNS}
        for row in board
        if all(row[name] == value for name, value in chosen.items() if value)
    ]


def _score(name: str, value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return round(value, _RATE_PLACES if "rate" in name or name == "profit_factor" else _BPS_PLACES)


def equity_columns(equity: Equity, since: int) -> Values:
    """What closed trades made step by step, as columns."""
    columns = {
        name: [
            round(value, _BPS_PLACES) if isinstance(value, float) else value
            for value in (getattr(step, name) for step in equity.steps)
        ]
        for name in EquityStep._fields
    }
    return {"since": since, "step_ms": equity.step_ms, **columns}


def marks_of(
    trades: Sequence[RecordedTrade], rows: Mapping[tuple[str, str], OverviewRow], now: int
) -> list[tuple[float, float] | None]:
    """Of each open trade: at which price one could leave now, and what that would make after costs.

    None where the book is not live, or old.
    """
    return [_mark(each, rows.get((each.row.venue, each.row.symbol)), now) for each in trades]


def _mark(each: RecordedTrade, row: OverviewRow | None, now: int) -> tuple[float, float] | None:
    if row is None or row.book_state != "live" or row.recv_time is None:
        return None
    is_long = each.row.side == "long"
    price = row.best_bid_price if is_long else row.best_ask_price
    if price is None or now - row.recv_time > MARK_AGE_MS:
        return None
    made = return_bps("buy" if is_long else "sell", each.row.entry_price, price)
    return price, round(made - each.row.fee_bps, _BPS_PLACES)
