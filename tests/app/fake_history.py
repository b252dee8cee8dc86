"""A database that a test fills, in the place of the web's history."""

from collections.abc import Sequence
from typing import Any

from db.errors import StoreUnavailable
from db.history.ledger import GapFilter, GapPage, GapPlace, StoredGap
from db.history.packed import WIDTH
from db.history.reader import TickPage, TickPlace
from db.history.record import (
    Equity,
    EquityStep,
    Newest,
    RecordedSignal,
    RecordedTrade,
    RecordFilter,
)
from db.history.runs import SignalRun
from db.history.track import (
    SignalPage,
    StoredSignal,
    StoredTrade,
    TrackFilter,
    TrackPlace,
    TradePage,
)
from db.rows import GapRow, IndicatorRow, PaperTradeRow, SignalRow, TickerRow, TickRow
from market.events import Kline
from market.instruments import Instrument
from market.intervals import INTERVAL_MS
from tests.app.condition import FakeCondition


class FakeHistory(FakeCondition):
    """Candles, ticks and tickers set by the test, ascending; with `broken` it answers nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.candles: dict[tuple[str, str, str], list[Kline]] = {}
        self.changes: list[TickRow] = []
        self.last: list[TickerRow] = []
        self.known: list[Instrument] = []
        self.holes: list[GapRow] = []
        self.said: list[IndicatorRow] = []
        self.fired: list[StoredSignal] = []
        self.traded: list[StoredTrade] = []
        self.recorded: list[RecordedSignal] = []
        self.trades: list[RecordedTrade] = []
        self.scores: list[dict[str, Any]] = []
        self.broken = False
        self.asked: list[str] = []
        self.packed: dict[tuple[str, str, str], bytes] = {}
        self.runs: dict[tuple[str, str, str], SignalRun] = {}

    def packed_klines(
        self, venue: str, symbols: Sequence[str], intervals: Sequence[str], most: int
    ) -> dict[tuple[str, str], bytes]:
        self._check("packed_klines")
        wanted = {(venue, symbol, interval) for symbol in symbols for interval in intervals}
        size = most * 8 * WIDTH
        return {key[1:]: held[-size:] for key, held in self.packed.items() if key in wanted}

    def signal_runs(
        self, venues: Sequence[str], interval: str, most: int
    ) -> dict[tuple[str, str], SignalRun]:
        self._check("signal_runs")
        assert most > 0
        return {k[:2]: run for k, run in self.runs.items() if k[0] in venues and k[2] == interval}

    def klines(
        self, venue: str, symbol: str, interval: str, *,
        start: int | None = None, end: int | None = None, limit: int = 500,
    ) -> list[Kline]:  # fmt: skip
        self._check("klines")
        low, high = start or 0, end or 1 << 60
        found = [k for k in self.candles.get((venue, symbol, interval), []) if low <= k.open_time < high]
        return found[-limit:] if start is None else found[:limit]

    def klines_downsampled(
        self, venue: str, symbol: str, interval: str, *, start: int, end: int, max_points: int
    ) -> list[Kline]:
        """The first ones: joining is the database's."""
        return self.klines(venue, symbol, interval, start=start, end=end, limit=max_points)

    def ticks(
        self, venue: str, symbol: str, *, start: int | None = None, end: int | None = None, limit: int = 500
    ) -> list[TickRow]:
        self._check("ticks")
        low, high = start or 0, end or 1 << 60
        found = [t for t in self.changes if t[:2] == (venue, symbol) and low <= t.ts < high]
        return found[-limit:] if start is None else found[:limit]

    def tick_page(
        self, venue: str, symbol: str, since: int | TickPlace, *, end: int | None = None, limit: int = 500
    ) -> TickPage:
        found = self.ticks(venue, symbol, start=0, end=end, limit=1 << 30)
        place = since if isinstance(since, TickPlace) else TickPlace(since * 1000, -1)
        found = [t for t in found if (t.ts * 1000, t.update_id) > place]
        rows = found[:limit]
        return TickPage(
            rows, TickPlace(rows[-1].ts * 1000, rows[-1].update_id) if len(found) > limit else None
        )

    def ticks_downsampled(
        self, venue: str, symbol: str, *, start: int, end: int, max_points: int
    ) -> list[TickRow]:
        """The first ones: choosing is the database's."""
        return self.ticks(venue, symbol, start=start, end=end, limit=max_points)

    def gaps(self, wanted: GapFilter, *, after: GapPlace | None = None, limit: int = 500) -> GapPage:
        """Numbered from 1 in the order of the list, which is ascending."""
        self._check("gaps")
        low, high = wanted.start or 0, wanted.end or 1 << 60
        found = [
            StoredGap(n, row)
            for n, row in enumerate(self.holes, 1)
            if wanted.venue in (None, row.venue) and wanted.symbol in (None, row.symbol)
            if not wanted.channels or row.channel in wanted.channels
            if row.started_at < high and (row.ended_at is None or row.ended_at > low)
        ]
        if wanted.start is None and after is None:
            return GapPage(found[-limit:], None)
        found = [gap for gap in found if after is None or (gap.row.started_at * 1000, gap.id) > after]
        rows = found[:limit]
        end = GapPlace(rows[-1].row.started_at * 1000, rows[-1].id) if len(found) > limit else None
        return GapPage(rows, end)

    def indicators(
        self, venue: str, symbol: str, interval: str, *,
        start: int | None = None, end: int | None = None, limit: int = 500, every: int = 1,
    ) -> list[IndicatorRow]:  # fmt: skip
        self._check("indicators")
        low, high, step = start or 0, end or 1 << 60, INTERVAL_MS[interval]
        found = [
            row for row in self.said
            if row[:3] == (venue, symbol, interval) and low <= row.open_time < high
            if row.open_time // step % every == every - 1
        ]  # fmt: skip
        return found[-limit:] if start is None else found[:limit]

    def signals(
        self, wanted: TrackFilter, *, after: TrackPlace | None = None, limit: int = 500
    ) -> SignalPage:
        self._check("signals")
        found = [s for s in self.fired if _is_wanted(s.row, s.row.ts, wanted)]
        return SignalPage(*_paged([(s.row.ts, s.id, s) for s in found], wanted, after, limit))

    def paper_trades(
        self, wanted: TrackFilter, *, after: TrackPlace | None = None, limit: int = 500
    ) -> TradePage:
        self._check("paper_trades")
        found = [t for t in self.traded if _is_wanted(t.row, t.row.entry_ts, wanted)]
        return TradePage(*_paged([(t.row.entry_ts, t.id, t) for t in found], wanted, after, limit))

    def newest_signals(
        self, wanted: RecordFilter, *, before: TrackPlace | None = None, limit: int = 100
    ) -> Newest[RecordedSignal]:
        self._check("newest_signals")
        found = [(s.row.ts, s.id, s) for s in self.recorded if _is_recorded(s.row, wanted)]
        return Newest(*_newest(found, before, limit))

    def newest_trades(
        self, wanted: RecordFilter, *, is_open: bool, before: TrackPlace | None = None, limit: int = 100
    ) -> Newest[RecordedTrade]:
        self._check("newest_trades")
        found = [
            (t.row.exit_ts or t.row.entry_ts, t.id, t)
            for t in self.trades
            if _is_recorded(t.row, wanted) and (t.row.exit_ts is None) is is_open
        ]
        return Newest(*_newest(found, before, limit))

    def open_trades(self, wanted: RecordFilter) -> int:
        return sum(t.row.exit_ts is None and _is_recorded(t.row, wanted) for t in self.trades)

    def equity(self, wanted: RecordFilter, since: int) -> Equity:
        self._check("equity")
        rows = [t.row for t in self.trades if _is_recorded(t.row, wanted)]
        closed = sorted((t.exit_ts, t.net_bps or 0.0, t.fee_bps) for t in rows if t.exit_ts)
        steps = [
            EquityStep(ts, 1, int(net > 0), max(net, 0.0), min(net, 0.0), fee)
            for ts, net, fee in closed
            if ts >= since
        ]
        return Equity(60_000, steps)

    def scoreboard(self) -> list[dict[str, Any]]:
        self._check("scoreboard")
        return list(self.scores)

    def tickers(self) -> list[TickerRow]:
        self._check("tickers")
        return list(self.last)

    def instruments(self) -> list[Instrument]:
        self._check("instruments")
        return list(self.known)

    def _check(self, what: str) -> None:
        self.asked.append(what)
        if self.broken:
            raise StoreUnavailable("Postgres: connection to db.internal:5432 refused")


def _is_wanted(row: SignalRow | PaperTradeRow, ts: int, wanted: TrackFilter) -> bool:
    names = zip(wanted[:4], row[:4], strict=True)
    return all(name in ("", held) for name, held in names) and (wanted.start or 0) <= ts < (
        wanted.end or 1 << 60
    )


def _is_recorded(row: SignalRow | PaperTradeRow, wanted: RecordFilter) -> bool:
    sides = {"": row.side, "buy": "long", "sell": "short"} if isinstance(row, PaperTradeRow) else {}
    side = sides.get(wanted.side, wanted.side)
    names = zip((*wanted[1:4], side), (*row[1:4], row.side), strict=True)
    return row.venue in wanted.venues and all(name in ("", held) for name, held in names)


def _newest(
    found: list[tuple[int, int, Any]], before: TrackPlace | None, limit: int
) -> tuple[list[Any], TrackPlace | None]:
    """Of (time, id, row) the last ones, descending."""
    left = sorted((e for e in found if before is None or (e[0] * 1000, e[1]) < before), reverse=True)
    end = TrackPlace(left[limit - 1][0] * 1000, left[limit - 1][1]) if len(left) > limit else None
    return [row for _, _, row in left[:limit]], end


def _paged(
    found: list[tuple[int, int, Any]], wanted: TrackFilter, after: TrackPlace | None, limit: int
) -> tuple[list[Any], TrackPlace | None]:
    """Ascending (time, id, row); without a start and a page before the last ones."""
    if wanted.start is None and after is None:
        return [row for _, _, row in found[-limit:]], None
    left = [each for each in found if after is None or (each[0] * 1000, each[1]) > after]
    end = TrackPlace(left[limit - 1][0] * 1000, left[limit - 1][1]) if len(left) > limit else None
    return [row for _, _, row in left[:limit]], end
