"""VWAP of the day among the indicators."""

from alembic import op

revision = "0009"
down_revision = "0008"

_VWAP = """
ALTER TABLE indicator_rows ADD COLUMN vwap double precision;
CREATE OR REPLACE VIEW indicators AS
SELECT i.venue, i.symbol, k.interval, k.open_time, k.rsi, k.stoch_rsi_k, k.stoch_rsi_d, k.ema_fast,
       k.ema_slow, k.macd, k.macd_signal, k.bb_upper, k.bb_lower, k.atr, k.score, k.signal, k.bars, k.reason,
       k.vwap
FROM indicator_rows k JOIN instruments i ON i.id = k.instrument_id;
"""


def upgrade() -> None:
    """Add the column, null in what is stored: no row is written anew."""
    op.execute(_VWAP)
