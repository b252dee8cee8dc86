"""What went past a limit and is lost: for each instrument the span of it, until it is told to the ledger."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from db.rows import GapRow, TickRow

Instrument = tuple[str, str]
"""Venue and symbol."""


class Loss(NamedTuple):
    """Lost ticks of one instrument: venue times of the first and last, epoch ms, and their number."""

    first_ts: int
    last_ts: int
    rows: int


def losses_of(ticks: Iterable[TickRow]) -> dict[Instrument, Loss]:
    """What is lost when these ticks are."""
    found: dict[Instrument, Loss] = {}
    for tick in ticks:
        add(found, {tick[:2]: Loss(tick.ts, tick.ts, 1)})
    return found


def add(held: dict[Instrument, Loss], more: Mapping[Instrument, Loss]) -> None:
    """Add losses to those held."""
    for instrument, loss in more.items():
        first, last, rows = held.get(instrument, loss._replace(rows=0))
        held[instrument] = Loss(min(first, loss.first_ts), max(last, loss.last_ts), rows + loss.rows)


def gaps_of(losses: Mapping[Instrument, Loss]) -> list[GapRow]:
    """Their rows in the ledger."""
    return [
        GapRow(
            venue, symbol, "book", loss.first_ts, loss.last_ts, "spool_full", "no", 0,
            f"the spool was full: {loss.rows} ticks are lost",
        )
        for (venue, symbol), loss in sorted(losses.items())
    ]  # fmt: skip
