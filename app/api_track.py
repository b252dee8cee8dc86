"""What `/api/indicators`, `/api/signals`, `/api/paper-trades` and `/api/scoreboard` answer."""

from collections.abc import Mapping

from app.api_gaps import MOST_GAPS, told_gaps
from app.api_page import Gaps, Page, Row, Span, span_of
from app.api_query import MOST, Query, write_cursor
from app.ports import History
from db.history.ledger import GapFilter
from db.history.track import StoredSignal, TrackFilter, TrackPlace
from db.rows import IndicatorRow, PaperTradeRow
from market.intervals import BOOK, HORIZONS_S, INTERVAL_MS

INDICATOR_COLUMNS = tuple(name for name in IndicatorRow._fields if name != "computed_at")
SIGNAL_COLUMNS = (
    "id", "ts", "venue", "symbol", "interval", "rule", "side", "strength", "price", "spread_bps", "open_time",
    "inputs", *(f"net_bps_{horizon_s}" for horizon_s in HORIZONS_S),
)  # fmt: skip
TRADE_COLUMNS = ("id", *PaperTradeRow._fields)
SCORE_COLUMNS = (
    "rule", "venue", "interval", "horizon_s", "verdict", "count", "hit_rate", "hit_rate_low", "hit_rate_high",
    "mean_bps", "mean_bps_low", "mean_bps_high", "median_bps", "median_bps_low", "median_bps_high",
    "profit_factor", "drawdown_bps", "baseline_count", "baseline_hit_rate", "baseline_mean_bps",
    "baseline_median_bps", "edge_bps", "edge_bps_low", "edge_bps_high", "computed_at",
)  # fmt: skip


def indicator_page(history: History, venue: str, symbol: str, interval: str, query: Query) -> Page:
    """What was said at each close; with `max_points` at every so many closes. Raises StoreUnavailable."""
    series, step = (venue, symbol, interval), INTERVAL_MS[interval]
    since, has_more, every = query.start, False, 1
    if query.cursor:
        since = max(query.cursor[0] + step, since or 0)
    if query.max_points is not None:
        since, every = _thinned(history, series, query)
        found = history.indicators(*series, start=since, end=query.end, limit=MOST, every=every)
    elif since is None:
        found = history.indicators(*series, end=query.end, limit=query.limit)
    else:
        found = history.indicators(*series, start=since, end=query.end, limit=query.limit + 1)
        has_more = len(found) > query.limit
        found = found[: query.limit]
    bounds = (found[0].open_time, found[-1].open_time + step) if found else None
    return Page(
        INDICATOR_COLUMNS,
        [tuple(getattr(row, name) for name in INDICATOR_COLUMNS) for row in found],
        write_cursor([found[-1].open_time]) if has_more else None,
        span_of(query, since, bounds, has_more=has_more),
    )


def signal_page(history: History, wanted: TrackFilter, query: Query) -> Page:
    """Signals and what each made after costs; an empty name leaves out none. Raises StoreUnavailable."""
    found, end = history.signals(wanted, after=_place(query), limit=query.limit)
    bounds = (found[0].row.ts, found[-1].row.ts + 1) if found else None
    span = span_of(query, query.start, bounds, has_more=end is not None)
    return Page(SIGNAL_COLUMNS, [_signal_row(each) for each in found], write_cursor(end), span)


def trade_page(history: History, wanted: TrackFilter, query: Query) -> Page:
    """Paper trades, by their entry; an empty name leaves out none. Raises StoreUnavailable."""
    found, end = history.paper_trades(wanted, after=_place(query), limit=query.limit)
    bounds = (found[0].row.entry_ts, found[-1].row.entry_ts + 1) if found else None
    span = span_of(query, query.start, bounds, has_more=end is not None)
    return Page(TRADE_COLUMNS, [(each.id, *each.row) for each in found], write_cursor(end), span)


def score_page(history: History, chosen: Mapping[str, str]) -> Page:
    """The scoreboard's rows whose columns have the values chosen. Raises StoreUnavailable."""
    rows = [
        tuple(row[name] for name in SCORE_COLUMNS)
        for row in history.scoreboard()
        if all(row[name] == value for name, value in chosen.items() if value)
    ]
    return Page(SCORE_COLUMNS, rows, None, Span(0, None))


def track_gaps(history: History, wanted: TrackFilter, span: Span) -> Gaps:
    """The gaps from which signals of that kind may be missing. Raises StoreUnavailable."""
    candles = ("kline", "trade")
    channels = ("book",) if wanted.interval == BOOK else candles if wanted.interval else ("book", *candles)
    chosen = GapFilter(wanted.venue or None, wanted.symbol or None, channels, span.start, span.end)
    return told_gaps(history.gaps(chosen, limit=MOST_GAPS))


def _place(query: Query) -> TrackPlace | None:
    return TrackPlace(*query.cursor) if query.cursor else None


def _signal_row(each: StoredSignal) -> Row:
    s = each.row
    made = [each.net_bps.get(horizon_s) for horizon_s in HORIZONS_S]
    return (
        each.id, s.ts, s.venue, s.symbol, s.interval, s.rule, s.side, s.strength, s.price, s.spread_bps,
        s.open_time, s.inputs, *made,
    )  # fmt: skip


def _thinned(history: History, series: tuple[str, str, str], query: Query) -> tuple[int, int]:
    """From when on, and how many closes become one, so that at most `max_points` remain."""
    most, start = query.max_points or MOST, query.start
    newest = history.indicators(*series, end=query.end, limit=1 if start is not None else query.limit)
    if start is not None:
        oldest = history.indicators(*series, start=start, end=query.end, limit=1)
    else:
        oldest = newest[:1]
    if not oldest or not newest:
        return start or 0, 1
    first = oldest[0].open_time
    closes = (newest[-1].open_time - first) // INTERVAL_MS[series[2]] + 1
    return first, max(1, -(-closes // most))
