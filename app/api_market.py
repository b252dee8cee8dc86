"""What `/api/market` answers, and what the stream calls a row: the overview, flat, for one interval."""

from collections.abc import Sequence

from app.api_page import json_bytes
from app.view import NO_INDICATORS, MarketView, OverviewRow

_COPIED = tuple(f for f in OverviewRow.__struct_fields__ if f != "indicators")


def market_json(view: MarketView, rows: Sequence[OverviewRow], interval: str) -> bytes:
    """The body of `/api/market`: ages are as of `now`; indicators are those of `interval`."""
    return json_bytes(
        {
            "now": view.now,
            "version": view.version,
            "interval": interval,
            "venues": view.feeds,
            "notices": view.notices,
            "rows": [flat_row(row, interval, view.now) for row in rows],
        }
    )


def flat_row(row: OverviewRow, interval: str, now: int) -> dict[str, object]:
    """One instrument with the indicators of `interval`; `age_ms` is as of `now`."""
    flat: dict[str, object] = {name: getattr(row, name) for name in _COPIED}
    values = row.indicators.get(interval, NO_INDICATORS)
    flat.update((name, getattr(values, name)) for name in values.__struct_fields__)
    flat["age_ms"] = None if row.recv_time is None else now - row.recv_time
    return flat
