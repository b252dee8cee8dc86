"""Overview rows from what was known last, for while Redis is gone or has nothing of them any more. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from app.view import OverviewRow
from db.rows import TickerRow
from market import measures
from market.instruments import Instrument

_COPIED = tuple(
    name
    for name in TickerRow.__struct_fields__
    if name in OverviewRow.__struct_fields__ and name not in ("venue", "symbol")
)


def overlay(
    rows: Sequence[OverviewRow], tickers: Iterable[TickerRow], instruments: Iterable[Instrument]
) -> list[OverviewRow]:
    """The rows, each with its stored ticker's values where those are newer; books of then are `stale`."""
    stored = {(ticker.venue, ticker.symbol): ticker for ticker in tickers}
    ticks = {(found.venue, found.symbol): found.tick_size for found in instruments}
    return [_newer(row, stored.get((row.venue, row.symbol)), ticks) for row in rows]


def refilled(rows: Sequence[OverviewRow], held: Iterable[OverviewRow]) -> list[OverviewRow]:
    """The rows, each that is empty as it is among the `held` ones, its book `stale`."""
    known = {(row.venue, row.symbol): row for row in held if row.recv_time is not None}
    found = []
    for row in rows:
        old = known.get((row.venue, row.symbol)) if row.recv_time is None else None
        found.append(msgspec.structs.replace(old, book_state="stale") if old else row)
    return found


def newest(tickers: Iterable[TickerRow], venues: Sequence[str]) -> int:
    """Epoch ms of the newest ticker of these venues; -1 if there is none."""
    return max((ticker.recv_time or 0 for ticker in tickers if ticker.venue in venues), default=-1)


def _newer(
    row: OverviewRow, ticker: TickerRow | None, ticks: dict[tuple[str, str], float | None]
) -> OverviewRow:
    if ticker is None or ticker.recv_time is None or ticker.recv_time <= (row.recv_time or 0):
        return row
    known = {name: getattr(ticker, name) for name in _COPIED}
    bid, ask = ticker.best_bid_price, ticker.best_ask_price
    return msgspec.structs.replace(
        row,
        **known,
        mid=measures.mid(bid, ask),
        spread_bps=measures.spread_bps(bid, ask),
        imbalance=measures.imbalance(ticker.best_bid_size, ticker.best_ask_size),
        tick_size=row.tick_size if row.tick_size is not None else ticks.get((row.venue, row.symbol)),
        book_state="stale",
    )
