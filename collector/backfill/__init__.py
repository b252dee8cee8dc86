"""REST: the venue's clock, instruments, candles, trades and book snapshots, within the venue's budget."""

from collector.backfill.answers import RestUnavailable
from collector.backfill.backfill import Backfill
from collector.backfill.budget import Budget
from collector.backfill.client import TIMEOUT_S, RestClient
from collector.backfill.refill import Refill
from collector.backfill.screen import Screen

__all__ = ["TIMEOUT_S", "Backfill", "Budget", "Refill", "RestClient", "RestUnavailable", "Screen"]
