"""Indicators, signals, outcomes and paper trades into their tables; each statement may run twice."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import Connection, text

from db.history.staging import copy, line
from db.rows import Batch, IndicatorRow, PaperStepRow, PaperTradeRow

_VALUES = (
    "rsi stoch_rsi_k stoch_rsi_d ema_fast ema_slow macd macd_signal bb_upper bb_lower atr score signal bars "
    "reason vwap"
).split()
_EXIT = "exit_ts exit_price exit_reason gross_bps net_bps".split()
_INSTRUMENT = "LEFT JOIN instruments i ON i.venue = s.venue AND i.symbol = s.symbol"


def _time(name: str) -> str:
    return f"to_timestamp(s.{name} / 1000.0::float8)"


_INDICATORS = text(f"""
INSERT INTO indicator_rows AS k (instrument_id, interval, open_time, computed_at, {", ".join(_VALUES)})
SELECT i.id, s.interval, {_time("open_time")}, {_time("computed_at")},
       {", ".join(f"s.{name}" for name in _VALUES)}
FROM staged_indicators s {_INSTRUMENT}
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, interval, open_time) DO UPDATE SET
    computed_at = excluded.computed_at, {", ".join(f"{name} = excluded.{name}" for name in _VALUES)}
WHERE excluded.computed_at > k.computed_at
""")
"""What was computed last holds, whatever comes late."""

_SIGNALS = text(f"""
INSERT INTO signal_rows (instrument_id, interval, rule, open_time, ts, side, strength, price, spread_bps,
                         inputs)
SELECT i.id, s.interval, s.rule, {_time("open_time")}, {_time("ts")}, s.side, s.strength, s.price,
       s.spread_bps, s.inputs
FROM staged_signals s {_INSTRUMENT}
WHERE NOT EXISTS (SELECT FROM signal_rows k WHERE k.instrument_id = i.id AND k.interval = s.interval
                  AND k.rule = s.rule AND k.open_time = {_time("open_time")})
ORDER BY s.ts, 1, 2, 3, 4
ON CONFLICT DO NOTHING
""")
"""A signal that is stored stays. Looks before it inserts: a conflict would use up an id each time."""

_OUTCOMES = text(f"""
INSERT INTO outcome_rows (instrument_id, interval, rule, open_time, horizon_s, price_at, return_bps, net_bps)
SELECT i.id, s.interval, s.rule, {_time("open_time")}, s.horizon_s, s.price_at, s.return_bps, s.net_bps
FROM staged_outcomes s {_INSTRUMENT}
ORDER BY 1, 2, 3, 4, 5
ON CONFLICT DO NOTHING
""")
_PAPER_TRADES = text(f"""
INSERT INTO paper_trade_rows AS k (instrument_id, interval, rule, side, entry_ts, entry_price, fee_bps,
                                   {", ".join(_EXIT)})
SELECT i.id, s.interval, s.rule, s.side, {_time("entry_ts")}, s.entry_price, s.fee_bps,
       {_time("exit_ts")}, {", ".join(f"s.{name}" for name in _EXIT[1:])}
FROM staged_paper_trades s {_INSTRUMENT}
ORDER BY s.entry_ts, 1, 2, 3
ON CONFLICT (instrument_id, interval, rule, entry_ts) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in _EXIT)}
WHERE k.exit_ts IS NULL AND excluded.exit_ts IS NOT NULL
""")
"""An exit is filled in once; how a trade began never changes."""

_PAPER_STATES = text(f"""
INSERT INTO paper_state_rows AS k (instrument_id, interval, rule, step, state)
SELECT i.id, s.interval, s.rule, s.step, s.state
FROM staged_paper_states s {_INSTRUMENT}
ORDER BY 1, 2, 3
ON CONFLICT (instrument_id, interval, rule) DO UPDATE SET step = excluded.step, state = excluded.state
WHERE excluded.step > k.step
""")


def write(connection: Connection, batch: Batch) -> tuple[int, int, int, int]:
    """Write these kinds of a batch: rows new or changed of indicators, signals, outcomes, paper trades."""
    indicators = signals = outcomes = trades = 0
    if batch.indicators:
        copy(connection, "staged_indicators", _lines(_newest(batch.indicators)))
        indicators = connection.execute(_INDICATORS).rowcount
    if batch.signals:
        rows = [(*row[:-1], msgspec.json.encode(row.inputs).decode()) for row in batch.signals]
        copy(connection, "staged_signals", _lines(rows))
        signals = connection.execute(_SIGNALS).rowcount
    if batch.outcomes:
        copy(connection, "staged_outcomes", _lines(batch.outcomes))
        outcomes = connection.execute(_OUTCOMES).rowcount
    if batch.paper_steps:
        copy(connection, "staged_paper_trades", _lines(_furthest(batch.paper_steps)))
        trades = connection.execute(_PAPER_TRADES).rowcount
        copy(connection, "staged_paper_states", _lines(_last_states(batch.paper_steps)))
        connection.execute(_PAPER_STATES)
    return indicators, signals, outcomes, trades


def _lines(rows: Iterable[Sequence[object]]) -> str:
    return "".join(line(row) for row in rows)


def _newest(rows: Iterable[IndicatorRow]) -> Iterable[IndicatorRow]:
    """One row per close: one statement must not change a row twice."""
    return {row[:4]: row for row in sorted(rows, key=lambda row: row.computed_at)}.values()


def _furthest(steps: Iterable[PaperStepRow]) -> Iterable[PaperTradeRow]:
    """One row per trade: the closed one where there is one."""
    trades = [trade for step in steps for trade in step.trades]
    return {(*t[:4], t.entry_ts): t for t in sorted(trades, key=lambda t: t.exit_ts is not None)}.values()


def _last_states(steps: Iterable[PaperStepRow]) -> Iterable[Sequence[object]]:
    """One row per rule, as it was after its last step."""
    return {row[:4]: row[:6] for row in sorted(steps, key=lambda row: row.step)}.values()
