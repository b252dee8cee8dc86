"""The track record as people look at it: newest first, each row with all that belongs to it, and its sums."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import text

from db.history.columns import moment, moment_of_us
from db.history.engine import postgres_errors
from db.history.track import TrackPlace, TrackReader
from db.rows import PaperTradeRow, SignalRow
from market.intervals import INTERVAL_MS

MOST_STEPS = 240
"""Points of an equity curve."""


class RecordFilter(NamedTuple):
    """Which signals and trades are asked for: of these venues; what else is empty leaves out none.

    `side`: `buy` or `sell`; of trades those that began so.
    """

    venues: tuple[str, ...]
    symbol: str = ""
    interval: str = ""
    rule: str = ""
    side: str = ""


class RecordedOutcome(NamedTuple):
    """What a signal made; see market.outcomes."""

    price_at: float
    return_bps: float
    net_bps: float


class RecordedSignal(NamedTuple):
    """A signal, its number, and horizon in s -> what it made, of those that are known."""

    id: int
    row: SignalRow
    outcomes: dict[int, RecordedOutcome]


class RecordedTrade(NamedTuple):
    """A paper trade, its number, and the signal that began it; None where that is not stored (yet)."""

    id: int
    row: PaperTradeRow
    signal: RecordedSignal | None


Row = TypeVar("Row")


class Newest(NamedTuple, Generic[Row]):
    """Some rows, newest first, and where they end; None if there are no older ones."""

    rows: list[Row]
    end: TrackPlace | None


class EquityStep(NamedTuple):
    """The closed trades of one step of time, which begins at `start` (epoch ms); sums in basis points.

    `gains_bps` and `losses_bps` (not above 0) are after costs, `fee_bps` is the part of these that was fees.
    """

    start: int
    trades: int
    wins: int
    gains_bps: float
    losses_bps: float
    fee_bps: float


class Equity(NamedTuple):
    """What closed trades made, step by step, ascending; a step without any is left out."""

    step_ms: int
    steps: list[EquityStep]


class RecordReader(TrackReader):
    """Reads, on a reading engine. Every method raises StoreUnavailable; what is unknown is simply empty."""

    def newest_signals(
        self, wanted: RecordFilter, *, before: TrackPlace | None = None, limit: int = 100
    ) -> Newest[RecordedSignal]:
        """The newest `limit` signals wanted, older than the end of a page if given."""
        found, end = self._newest(_SIGNALS, wanted, before, limit)
        return Newest([_signal(row[1:]) for row in found], end)

    def newest_trades(
        self, wanted: RecordFilter, *, is_open: bool, before: TrackPlace | None = None, limit: int = 100
    ) -> Newest[RecordedTrade]:
        """The same of paper trades: open ones by their entry, closed ones by their exit."""
        found, end = self._newest(_OPEN_TRADES if is_open else _CLOSED_TRADES, wanted, before, limit)
        return Newest([_trade(row[1:]) for row in found], end)

    def open_trades(self, wanted: RecordFilter) -> int:
        """How many paper trades are open."""
        conditions, values = _conditions(wanted, _TRADE_SIDES)
        query = text(f"SELECT count(*) {_FROM_TRADES} WHERE s.exit_ts IS NULL AND {conditions}")
        with postgres_errors(), self._engine.connect() as connection:
            return connection.scalar(query, values) or 0

    def equity(self, wanted: RecordFilter, since: int) -> Equity:
        """What trades made that closed from epoch ms `since` on, in at most `MOST_STEPS` + 1 equal steps."""
        conditions, values = _conditions(wanted, _TRADE_SIDES)
        values["since"] = moment(since)
        chosen = f"{_FROM_TRADES} WHERE s.exit_ts >= :since AND {conditions}"
        with postgres_errors(), self._engine.connect() as connection:
            span = text(f"SELECT {_ms('min(s.exit_ts)')}, {_ms('max(s.exit_ts)')} {chosen}")
            first, last = connection.execute(span, values).one()
            step = step_of((last or 0) - (first or 0))
            found = connection.execute(text(_STEPS.format(chosen=chosen)), values | {"step": step}).all()
        return Equity(step, [EquityStep(*row) for row in found])

    def _newest(
        self, source: "_Source", wanted: RecordFilter, before: TrackPlace | None, limit: int
    ) -> tuple[Sequence[Any], TrackPlace | None]:
        conditions, values = _conditions(wanted, source.sides)
        if before is not None:
            conditions += f" AND (s.{source.time}, s.id) < (:before, :before_id)"
            values |= {"before": moment_of_us(before.us), "before_id": before.id}
        statement = text(source.query.format(conditions=conditions))
        with postgres_errors(), self._engine.connect() as connection:
            found = connection.execute(statement, values | {"limit": limit + 1}).all()
        rows = found[:limit]
        return rows, TrackPlace(*rows[-1][:2]) if len(found) > limit else None


def step_of(span_ms: int) -> int:
    """The shortest step that parts a span into at most `MOST_STEPS`: the length of one of our intervals."""
    steps = list(INTERVAL_MS.values())
    return next((step for step in steps if span_ms <= MOST_STEPS * step), steps[-1])


class _Source(NamedTuple):
    """A query, the time by which its rows are ordered, and what its table calls the two sides."""

    query: str
    time: str
    sides: Mapping[str, str]


def _conditions(wanted: RecordFilter, sides: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {"venues": list(wanted.venues)}
    conditions = ["i.venue = ANY(:venues)"]
    side = sides.get(wanted.side, "")
    named = {"i.symbol": wanted.symbol, "s.interval": wanted.interval, "s.rule": wanted.rule, "s.side": side}
    for column, value in named.items():
        if value:
            name = column[2:]
            conditions.append(f"{column} = :{name}")
            values[name] = value
    return " AND ".join(conditions), values


def _signal(row: Sequence[Any]) -> RecordedSignal:
    """(id, fields of SignalRow, outcomes as JSON has them)."""
    outcomes = {int(horizon_s): RecordedOutcome(*made) for horizon_s, made in (row[-1] or {}).items()}
    return RecordedSignal(row[0], SignalRow(*row[1:-1]), outcomes)


def _trade(row: Sequence[Any]) -> RecordedTrade:
    """(id, fields of PaperTradeRow, then of its signal: id, fields but for the names, outcomes)."""
    trade, signal_id, read = PaperTradeRow(*row[1:14]), row[14], row[15:]
    signal = None if signal_id is None else _signal((signal_id, *trade[:4], *read))
    return RecordedTrade(row[0], trade, signal)


def _ms(moment: str) -> str:
    return f"(date_part('epoch', {moment}) * 1000)::bigint"


def _us(moment: str) -> str:
    return f"(date_part('epoch', {moment}) * 1000000)::bigint"


_SIGNAL_SIDES = {"buy": "buy", "sell": "sell"}
_TRADE_SIDES = {"buy": "long", "sell": "short"}
_FROM_TRADES = "FROM paper_trade_rows s JOIN instruments i ON i.id = s.instrument_id"
_OUTCOMES = """
LEFT JOIN LATERAL (
    SELECT jsonb_object_agg(o.horizon_s, jsonb_build_array(o.price_at, o.return_bps, o.net_bps)) AS outcomes
    FROM outcome_rows o
    WHERE o.instrument_id = s.instrument_id AND o.interval = s.interval AND o.rule = s.rule
      AND o.open_time = s.open_time
) AS made ON true
"""
# The rows are chosen before anything is looked up for them.
_SIGNAL_QUERY = f"""
SELECT {_us("s.ts")}, s.id, s.venue, s.symbol, s.interval, s.rule, {_ms("s.open_time")}, {_ms("s.ts")},
       s.side, s.strength, s.price, s.spread_bps, s.inputs, made.outcomes
FROM (
    SELECT i.venue, i.symbol, s.* FROM signal_rows s JOIN instruments i ON i.id = s.instrument_id
    WHERE {{conditions}} ORDER BY s.ts DESC, s.id DESC LIMIT :limit
) AS s {_OUTCOMES}
ORDER BY s.ts DESC, s.id DESC
"""
# A signal is entered at the first quote after it, which comes within seconds (SIGNAL_ENTRY_WITHIN_S).
_TRADE_QUERY = f"""
SELECT {_us("t.{time}")}, t.id, t.venue, t.symbol, t.interval, t.rule, t.side, {_ms("t.entry_ts")},
       t.entry_price, t.fee_bps, {_ms("t.exit_ts")}, t.exit_price, t.exit_reason, t.gross_bps, t.net_bps,
       s.id, {_ms("s.open_time")}, {_ms("s.ts")}, s.side, s.strength, s.price, s.spread_bps, s.inputs,
       made.outcomes
FROM (
    SELECT i.venue, i.symbol, s.* {_FROM_TRADES}
    WHERE s.exit_ts {{is_open}} AND {{{{conditions}}}} ORDER BY s.{{time}} DESC, s.id DESC LIMIT :limit
) AS t
LEFT JOIN LATERAL (
    SELECT * FROM signal_rows s
    WHERE s.instrument_id = t.instrument_id AND s.interval = t.interval AND s.rule = t.rule
      AND s.ts < t.entry_ts AND s.ts > t.entry_ts - interval '1 hour'
      AND s.side = CASE t.side WHEN 'long' THEN 'buy' ELSE 'sell' END
    ORDER BY s.ts DESC LIMIT 1
) AS s ON true {_OUTCOMES}
ORDER BY t.{{time}} DESC, t.id DESC
"""
_SIGNALS = _Source(_SIGNAL_QUERY, "ts", _SIGNAL_SIDES)
_OPEN_TRADES, _CLOSED_TRADES = (
    _Source(_TRADE_QUERY.format(time=time, is_open=is_open), time, _TRADE_SIDES)
    for time, is_open in (("entry_ts", "IS NULL"), ("exit_ts", "IS NOT NULL"))
)
_STEPS = f"""
SELECT {_ms("s.exit_ts")} / :step * :step, count(*), count(*) FILTER (WHERE s.net_bps > 0),
       coalesce(sum(s.net_bps) FILTER (WHERE s.net_bps > 0), 0),
       coalesce(sum(s.net_bps) FILTER (WHERE s.net_bps <= 0), 0), sum(s.fee_bps)
{{chosen}} GROUP BY 1 ORDER BY 1
"""
