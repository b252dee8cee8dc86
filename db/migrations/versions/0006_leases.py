"""Which collector has which instrument, and which collectors there are."""

from alembic import op

revision = "0006"
down_revision = "0005"

_WORKERS = """
CREATE TABLE workers (
    id          text COLLATE "C" PRIMARY KEY,
    host        text NOT NULL,
    pid         integer NOT NULL,
    place       text NOT NULL,
    started_at  timestamptz NOT NULL,
    seen_at     timestamptz NOT NULL,
    is_leaving  boolean NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE workers IS
    'Collectors that run or ran lately. seen_at: their last sign; is_leaving: others take what they have.';
"""
_LEASES = """
CREATE TABLE leases (
    venue     text COLLATE "C" NOT NULL,
    symbol    text COLLATE "C" NOT NULL,
    owner     text COLLATE "C" NOT NULL,
    epoch     bigint NOT NULL,
    taken_at  timestamptz NOT NULL,
    PRIMARY KEY (venue, symbol)
);
COMMENT ON TABLE leases IS
    'Which collector has which instrument. epoch rises with each owner: what carries a lower one is old.';
"""


def upgrade() -> None:
    """Make the tables."""
    op.execute(_WORKERS)
    op.execute(_LEASES)
