"""Indicators, signals, what became of them, paper trades and the scoreboard, as they are read."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    Select,
    Table,
    func,
    literal,
    select,
    text,
    tuple_,
)

from db.history.columns import between, moment, moment_of_us, ms, us
from db.history.engine import postgres_errors
from db.rows import IndicatorRow, PaperTradeRow, SignalRow
from db.schema import indicator_rows, instruments, paper_trades, scoreboard_rows, signal_outcomes, signals
from market.intervals import INTERVAL_MS


class TrackPlace(NamedTuple):
    """Where one page of signals or paper trades ends: epoch microseconds and id of its last row."""

    us: int
    id: int


class StoredSignal(NamedTuple):
    """A signal, its number, and horizon in s -> what it made after costs, of those that are known."""

    id: int
    row: SignalRow
    net_bps: dict[int, float]


class StoredTrade(NamedTuple):
    """A paper trade and its number."""

    id: int
    row: PaperTradeRow


class SignalPage(NamedTuple):
    """Some signals, ascending by time and id, and where they end; None if there are no more."""

    rows: list[StoredSignal]
    end: TrackPlace | None


class TradePage(NamedTuple):
    """Some paper trades, ascending by entry and id, and where they end; None if there are no more."""

    rows: list[StoredTrade]
    end: TrackPlace | None


class TrackFilter(NamedTuple):
    """Which signals or trades are asked for; what is empty or None leaves out none. Times: [start, end)."""

    venue: str = ""
    symbol: str = ""
    interval: str = ""
    rule: str = ""
    start: int | None = None
    end: int | None = None


_I, _S, _P, _O = indicator_rows.c, signals.c, paper_trades.c, signal_outcomes.c
_INDICATOR = (
    ms(_I.open_time), _I.rsi, _I.stoch_rsi_k, _I.stoch_rsi_d, _I.ema_fast, _I.ema_slow, _I.macd,
    _I.macd_signal, _I.bb_upper, _I.bb_lower, _I.atr, _I.score, _I.signal, _I.bars, _I.reason,
    ms(_I.computed_at), _I.vwap,
)  # fmt: skip
_SIGNAL = (
    _S.venue, _S.symbol, _S.interval, _S.rule, ms(_S.open_time), ms(_S.ts), _S.side, _S.strength, _S.price,
    _S.spread_bps, _S.inputs,
)  # fmt: skip
_TRADE = (
    _P.venue, _P.symbol, _P.interval, _P.rule, _P.side, ms(_P.entry_ts), _P.entry_price, _P.fee_bps,
    ms(_P.exit_ts), _P.exit_price, _P.exit_reason, _P.gross_bps, _P.net_bps,
)  # fmt: skip


class TrackReader:
    """Reads, on a reading engine. Every method raises StoreUnavailable; what is unknown is simply empty."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def indicators(
        self,
        venue: str,
        symbol: str,
        interval: str,
        *,
        start: int | None = None,
        end: int | None = None,
        limit: int = 500,
        every: int = 1,
    ) -> list[IndicatorRow]:
        """Of closes in [start, end), ascending: the first `limit`; without start the last.

        `every`: only the last close of each so many intervals, counted from 1970 in UTC.
        """
        chosen = select(instruments.c.id).where(instruments.c.venue == venue, instruments.c.symbol == symbol)
        query = select(*_INDICATOR).where(
            _I.instrument_id == chosen.scalar_subquery(),
            _I.interval == interval,
            *between(_I.open_time, start, end),
        )
        if every > 1:
            query = query.where(_closes_a_group(interval, every))
        query = query.order_by(_I.open_time.desc() if start is None else _I.open_time).limit(limit)
        with postgres_errors(), self._engine.connect() as connection:
            found = [IndicatorRow(venue, symbol, interval, *row) for row in connection.execute(query)]
        return found[::-1] if start is None else found

    def owed_closes(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> dict[tuple[str, str], list[int]]:
        """(symbol, interval) -> open times of those of the newest `most` candles that lack right indicators.

        They have none, or some computed before one of those candles up to there came as it is stored.
        """
        names = {"venue": venue, "symbols": list(symbols), "intervals": list(intervals), "most": most}
        with postgres_errors(), self._engine.connect() as connection:
            return {(row[0], row[1]): row[2] for row in connection.execute(_OWED, names)}

    def signals(
        self, wanted: TrackFilter, *, after: TrackPlace | None = None, limit: int = 500
    ) -> SignalPage:
        """The first `limit` signals wanted, behind the end of a page if given, ascending by time and id.

        Without a start and a page before it the last ones, and nothing after them.
        """
        made = (
            select(func.jsonb_object_agg(_O.horizon_s, _O.net_bps))
            .where(_O.signal_id == _S.id)
            .scalar_subquery()
        )
        query = select(us(_S.ts), _S.id, *_SIGNAL, made).where(*_wanted(signals, _S.ts, wanted))
        found, end = self._page(query, (_S.ts, _S.id), wanted, after, limit)
        rows = [
            StoredSignal(row[1], SignalRow(*row[2:-1]), {int(h): bps for h, bps in (row[-1] or {}).items()})
            for row in found
        ]
        return SignalPage(rows, end)

    def paper_trades(
        self, wanted: TrackFilter, *, after: TrackPlace | None = None, limit: int = 500
    ) -> TradePage:
        """The same of paper trades, ascending by entry and id."""
        query = select(us(_P.entry_ts), _P.id, *_TRADE).where(*_wanted(paper_trades, _P.entry_ts, wanted))
        found, end = self._page(query, (_P.entry_ts, _P.id), wanted, after, limit)
        return TradePage([StoredTrade(row[1], PaperTradeRow(*row[2:])) for row in found], end)

    def scoreboard(self) -> list[dict[str, Any]]:
        """Every row of the scoreboard by the names of its columns, times as epoch ms."""
        order = [scoreboard_rows.c[name] for name in ("rule", "venue", "interval", "horizon_s")]
        columns: list[ColumnElement[Any]] = [
            ms(c).label(c.name) if c.name == "computed_at" else c for c in scoreboard_rows.c
        ]
        with postgres_errors(), self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(*columns).order_by(*order)).mappings()]

    def paper_states(self, venue: str) -> list[tuple[str, int, dict[str, Any]]]:
        """(symbol, step, state) of all that paper trading on a venue has to remember."""
        with postgres_errors(), self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(_STATES, {"venue": venue})]

    def recent_signals(self, venue: str, since: int) -> list[tuple[SignalRow, set[int]]]:
        """A venue's signals from epoch ms `since` on, and the horizons of each that are priced already."""
        done = (
            select(func.array_agg(_O.horizon_s)).where(_O.signal_id == _S.id).correlate(signals)
        ).scalar_subquery()
        query = select(*_SIGNAL, done).where(_S.venue == venue, _S.ts >= moment(since)).order_by(_S.ts)
        with postgres_errors(), self._engine.connect() as connection:
            return [(SignalRow(*row[:-1]), set(row[-1] or ())) for row in connection.execute(query)]

    def _page(
        self,
        query: Select[Any],
        order: tuple[Column[Any], Column[Any]],
        wanted: TrackFilter,
        after: TrackPlace | None,
        limit: int,
    ) -> tuple[Sequence[Any], TrackPlace | None]:
        if after is not None:
            place = tuple_(literal(moment_of_us(after.us)), literal(after.id))
            query = query.where(tuple_(*order) > place)
        is_last = wanted.start is None and after is None
        query = query.order_by(*([c.desc() for c in order] if is_last else order)).limit(limit + 1)
        with postgres_errors(), self._engine.connect() as connection:
            found = connection.execute(query).all()
        if is_last:
            return found[:limit][::-1], None
        rows = found[:limit]
        return rows, TrackPlace(*rows[-1][:2]) if len(found) > limit else None


def _wanted(table: Table, times: Column[Any], wanted: TrackFilter) -> list[ColumnElement[bool]]:
    named = zip(("venue", "symbol", "interval", "rule"), wanted[:4], strict=True)
    return [table.c[name] == value for name, value in named if value] + between(
        times, wanted.start, wanted.end
    )


def _closes_a_group(interval: str, every: int) -> ColumnElement[bool]:
    return ms(_I.open_time) / INTERVAL_MS[interval] % every == every - 1


_STATES = text("""
SELECT i.symbol, p.step, p.state
FROM paper_state_rows p JOIN instruments i ON i.id = p.instrument_id WHERE i.venue = :venue
""")
_OWED = text("""
SELECT i.symbol, w.interval, array_agg((date_part('epoch', k.open_time) * 1000)::bigint ORDER BY k.open_time)
FROM instruments i
CROSS JOIN unnest(CAST(:intervals AS text[])) AS w(interval)
CROSS JOIN LATERAL (
    SELECT open_time, max(recv_ts) OVER (ORDER BY open_time ROWS UNBOUNDED PRECEDING) AS known_at
    FROM (
        SELECT open_time, recv_ts FROM kline_rows k
        WHERE k.instrument_id = i.id AND k.interval = w.interval ORDER BY open_time DESC LIMIT :most
    ) AS newest
) AS k
WHERE i.venue = :venue AND i.symbol = ANY(CAST(:symbols AS text[])) AND NOT EXISTS (
    SELECT FROM indicator_rows r
    WHERE r.instrument_id = i.id AND r.interval = w.interval AND r.open_time = k.open_time
      AND r.computed_at >= k.known_at
)
GROUP BY i.symbol, w.interval
""")
