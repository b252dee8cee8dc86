"""Batches to keep, and what a spool gives back of them."""

import random

from db.rows import KINDS, Batch, DeadLetterRow, FeedEventRow, TickerRow, TickRow
from db.spool import Spool
from tests.db.history.rows import (
    T0,
    gap,
    indicators,
    kline,
    outcome,
    paper_step,
    paper_trade,
    signal,
    tick,
)


def ticks_of(n: int, rows: int = 50) -> Batch:
    """The n-th batch: its ticks take a second, and do not compress well."""
    rng = random.Random(n)
    found = [
        TickRow("bybit", f"S{i % 4}USDT", T0 + 1_000 * n + i, rng.getrandbits(60), *_numbers(rng), T0 + i)
        for i in range(rows)
    ]
    return Batch(f"b{n}", ticks=found)


def _numbers(rng: random.Random) -> tuple[float, float, float, float]:
    return rng.random(), rng.random(), rng.random(), rng.random()


def of_every_kind(name: str = "all") -> Batch:
    """A batch with a row of each kind."""
    return Batch(
        name,
        ticks=[tick(), tick(1)._replace(bid_price=None)],
        klines=[kline(source="rest", trades=3)],
        tickers=[TickerRow("binance", "BTCUSDT", 1.5, recv_time=T0)],
        feed_events=[FeedEventRow(T0, "bybit", "w", "live", "tab\there")],
        gaps=[gap(1, ended_at=None)],
        dead_letters=[DeadLetterRow(T0, "ticks", "no number", '{"ts": null}')],
        indicators=[indicators()],
        signals=[signal(spread_bps=None)],
        outcomes=[outcome()],
        paper_steps=[paper_step(1, paper_trade(), paper_trade(is_closed=True))],
    )


def drained(spool: Spool, most_rows: int = 120) -> list[Batch]:
    """Everything that waits, in the order it is given, acknowledged."""
    found: list[Batch] = []
    while kept := spool.oldest(most_rows):
        found += [each.batch for each in kept]
        spool.acknowledge(kept)
    return found


def rows_of(*batches: Batch) -> list[object]:
    """All rows, kind by kind in each batch."""
    return [row for batch in batches for kind in KINDS for row in getattr(batch, kind)]
