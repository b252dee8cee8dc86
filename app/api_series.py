"""What `/api/klines` and `/api/ticks` answer: pages of stored rows as columns of plain values."""

from decimal import ROUND_HALF_UP, Decimal

from app.api_page import Page, Row, span_of
from app.api_query import LAST_MS, MOST, Query, write_cursor
from app.ports import History
from db.history.reader import TickPlace
from db.rows import TickRow
from market import measures
from market.events import Kline
from market.intervals import INTERVAL_MS

KLINE_COLUMNS = (
    "venue", "symbol", "interval", "open_time", "close_time", "open", "high", "low", "close", "volume",
    "turnover", "trades", "taker_buy_volume", "source", "complete", "recv_ts",
)  # fmt: skip
TICK_COLUMNS = (
    "ts", "venue", "symbol", "best_bid_price", "best_bid_size", "best_ask_price", "best_ask_size", "mid",
    "spread_bps", "imbalance", "update_id", "recv_ts",
)  # fmt: skip
_SIGNIFICANT = 15


def kline_page(history: History, venue: str, symbol: str, interval: str, query: Query) -> Page:
    """Closed candles. Raises StoreUnavailable."""
    series = (venue, symbol, interval)
    since, has_more = query.start, False
    if query.cursor:
        since = max(query.cursor[0] + INTERVAL_MS[interval], since or 0)
    if query.max_points is not None:
        found = _joined(history, series, query)
    elif since is None:
        found = history.klines(*series, end=query.end, limit=query.limit)
    else:
        found = history.klines(*series, start=since, end=query.end, limit=query.limit + 1)
        has_more = len(found) > query.limit
        found = found[: query.limit]
    bounds = (found[0].open_time, found[-1].event_time + 1) if found else None
    return Page(
        KLINE_COLUMNS,
        [_kline_row(venue, kline) for kline in found],
        write_cursor([found[-1].open_time]) if has_more else None,
        span_of(query, since, bounds, has_more=has_more),
    )


def tick_page(history: History, venue: str, symbol: str, query: Query) -> Page:
    """Changes of the top of the book. Raises StoreUnavailable."""
    end = None
    since: int | TickPlace | None = query.start
    if query.cursor and query.cursor[0] >= (query.start or 0) * 1000:
        since = TickPlace(*query.cursor)
    if query.max_points is not None:
        found = _extremes(history, venue, symbol, query)
    elif since is None:
        found = history.ticks(venue, symbol, end=query.end, limit=query.limit)
    else:
        found, end = history.tick_page(venue, symbol, since, end=query.end, limit=query.limit)
    start = since.us // 1000 if isinstance(since, TickPlace) else since
    bounds = (found[0].ts, found[-1].ts + 1) if found else None
    return Page(
        TICK_COLUMNS,
        [_tick_row(tick) for tick in found],
        write_cursor(end),
        span_of(query, start, bounds, has_more=end is not None),
    )


def _joined(history: History, series: tuple[str, str, str], query: Query) -> list[Kline]:
    """Without a start, the candles that would have been the reply are the range."""
    start, most = query.start, query.max_points or MOST
    if start is None:
        newest = history.klines(*series, end=query.end, limit=query.limit)
        if len(newest) <= most:
            return newest
        start = newest[0].open_time
    end = LAST_MS if query.end is None else query.end
    return history.klines_downsampled(*series, start=start, end=end, max_points=most)


def _extremes(history: History, venue: str, symbol: str, query: Query) -> list[TickRow]:
    start, most = query.start, query.max_points or MOST
    if start is None:
        newest = history.ticks(venue, symbol, end=query.end, limit=query.limit)
        if len(newest) <= most:
            return newest
        start = newest[0].ts
    end = LAST_MS if query.end is None else query.end
    return history.ticks_downsampled(venue, symbol, start=start, end=end, max_points=most)


def _kline_row(venue: str, kline: Kline) -> Row:
    # A stored candle's event time is the last ms inside, also where several were joined.
    return (
        venue, kline.symbol, kline.interval, kline.open_time, kline.event_time, kline.open, kline.high,
        kline.low, kline.close, kline.volume, kline.turnover, kline.trades, kline.taker_buy_volume,
        kline.source, kline.complete, kline.recv_time,
    )  # fmt: skip


def _tick_row(tick: TickRow) -> Row:
    bid, ask = tick.bid_price, tick.ask_price
    return (
        tick.ts, tick.venue, tick.symbol, bid, tick.bid_size, ask, tick.ask_size,
        _as_numeric(measures.mid(bid, ask), 12),
        _as_numeric(measures.spread_bps(bid, ask), measures.PLACES),
        _as_numeric(measures.imbalance(tick.bid_size, tick.ask_size), measures.PLACES),
        tick.update_id, tick.recv_ts,
    )  # fmt: skip


def _as_numeric(value: float | None, places: int) -> float | None:
    """Rounded as the view `orderbook_ticks` does it, so that SQL and API show the same digits.

    Postgres turns a double into a numeric of 15 significant digits, and rounds halves away from zero.
    """
    if value is None:
        return None
    digits = Decimal(f"{value:.{_SIGNIFICANT}g}")
    return float(digits.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
