"""The order in which the Signals page reads paper trades: those that are open, and others by their exit."""

from alembic import op

revision = "0007"
down_revision = "0006"

_INDEXES = """
CREATE INDEX paper_trade_rows_open ON paper_trade_rows (entry_ts, id) WHERE exit_ts IS NULL;
CREATE INDEX paper_trade_rows_exit ON paper_trade_rows (exit_ts, id) WHERE exit_ts IS NOT NULL;
"""


def upgrade() -> None:
    """Make the indexes."""
    op.execute(_INDEXES)
