"""Spread and imbalance of ticks to eight decimals: a spread of 0.01 bps has more to say than two of four."""

from alembic import op

revision = "0008"
down_revision = "0007"

_TICKS = """
CREATE OR REPLACE VIEW orderbook_ticks AS
SELECT ts, venue, symbol, best_bid_price, best_bid_size, best_ask_price, best_ask_size,
       round(((best_bid_price + best_ask_price) / 2)::numeric, 12)::double precision AS mid,
       round((2e4 * (best_ask_price - best_bid_price)
           / nullif(best_bid_price + best_ask_price, 0))::numeric, 8)::double precision AS spread_bps,
       round(((best_bid_size - best_ask_size)
           / nullif(best_bid_size + best_ask_size, 0))::numeric, 8)::double precision AS imbalance,
       update_id, recv_ts
FROM tick_rows;
"""


def upgrade() -> None:
    """Define the view anew; it has the same columns."""
    op.execute(_TICKS)
