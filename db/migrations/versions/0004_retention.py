"""What retention and the Status page look for by time, and tables that are swept in time.

Old candles go in many small steps: without a nudge Postgres would use their room again only when a fifth of
the table is dead.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = """
CREATE INDEX dead_letters_order ON dead_letters (ts);
CREATE INDEX feed_events_kind ON feed_events (event, ts);
ALTER TABLE kline_rows SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
"""


def upgrade() -> None:
    """Make the indexes."""
    op.execute(_STATEMENTS)
