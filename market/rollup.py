"""Higher intervals out of lower ones."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from market.events import Kline
from market.intervals import INTERVAL_MS, open_of
from market.kline_series import KlineSeries

STEPS = tuple(zip(INTERVAL_MS, list(INTERVAL_MS)[1:], strict=False))
"""Each interval with the next longer one, shortest first."""


def roll_up(parts: Sequence[Kline], interval: str, *, is_closed: bool) -> Kline:
    """One candle of `interval` out of its parts, ascending and of one lower interval.

    ``complete`` is False where a part is missing or incomplete; a candle that is not closed is judged up to
    its last part. Raises ValueError without parts.
    """
    if not parts:
        raise ValueError(f"no candles to roll up into {interval}")
    first, last = parts[0], parts[-1]
    open_time = open_of(first.open_time, interval)
    step = INTERVAL_MS[first.interval]
    end = open_time + INTERVAL_MS[interval] if is_closed else last.open_time + step
    trades = _total(p.trades for p in parts)
    is_whole = all(p.complete for p in parts) and len(parts) * step == end - open_time
    return Kline(
        symbol=first.symbol,
        interval=interval,
        open_time=open_time,
        open=first.open,
        high=max(p.high for p in parts),
        low=min(p.low for p in parts),
        close=last.close,
        volume=_total(p.volume for p in parts) or 0.0,
        turnover=_total(p.turnover for p in parts) or 0.0,
        is_closed=is_closed,
        event_time=max(p.event_time for p in parts),
        recv_time=max(p.recv_time for p in parts),
        trades=None if trades is None else int(trades),
        taker_buy_volume=_total(p.taker_buy_volume for p in parts),
        source="rollup",
        complete=is_whole,
    )


class Rollups:
    """Closes and revises the higher series when candles of lower ones close or change.

    Without `leads` the higher series come from the venue, and a rollup only stands in for a close that is
    late, until that comes.
    """

    def __init__(self, series: Mapping[str, KlineSeries], *, leads: bool) -> None:
        self._series = series
        self._leads = leads

    def after(self, changed: Kline) -> list[Kline]:
        """Every higher candle that closes or changes because `changed` did, lower intervals first."""
        found: list[Kline] = []
        for lower, higher in STEPS:
            if lower == changed.interval:
                for rolled in self._due(changed, higher) if self._leads else self._standing_in(changed):
                    if held := self._series[rolled.interval].revise(rolled):
                        found += [held, *self.after(held)]
        return found

    def forming(self, minute: Kline | None, since: int | None) -> dict[str, Kline]:
        """The forming candle of each interval, that of 1m being `minute`, which begins at `since`.

        Without a minute, as before its first trade, longer ones are made of what closed until then. One whose
        parts are not all known is left out.
        """
        if not self._leads:
            words = {name: s.forming for name, s in self._series.items() if s.forming}
            return words | {"1m": minute} if minute else words
        found = {"1m": minute} if minute else {}
        if since is None:
            return found
        newest = minute
        for lower, higher in STEPS:
            open_time, end = open_of(since, higher), open_of(since, lower)
            closed = self._series[lower].between(open_time, end)
            if len(closed) * INTERVAL_MS[lower] < end - open_time:
                break
            parts = [*closed, newest] if newest else closed
            if not parts:
                continue  # it has not begun either
            newest = roll_up(parts, higher, is_closed=False)
            if not newest.complete or open_time in self._series[higher].closed:
                break
            found[higher] = newest
        return found

    def expire(self, overdue_until: int) -> list[Kline]:
        """Stand in for closes of higher intervals that should have come by `overdue_until`, venue time."""
        found: list[Kline] = []
        for _, higher in STEPS if not self._leads else ():
            series, length = self._series[higher], INTERVAL_MS[higher]
            newest = open_of(overdue_until, higher) - length
            due = [t for t in series.unclosed() if t <= newest and t not in series.closed]
            if newest - length in series.closed and newest not in {*due, *series.closed}:
                due.append(newest)
            for open_time in due:
                made = self._stand_in(series, open_time)
                if made is not None and (held := series.revise(made)):
                    found += [held, *self.after(held)]
        return found

    def _due(self, part: Kline, higher: str) -> list[Kline]:
        """The closed candles of `higher` that `part` completes or changes.

        Its own, once its time is over, and the one before if that was left open because its last part is
        lost. A part that comes late does not close a candle of which other parts are missing too.
        """
        lower, length = self._series[part.interval], INTERVAL_MS[higher]
        closed, own = self._series[higher].closed, open_of(part.open_time, higher)
        is_newest = part.open_time == lower.newest_open_time
        due: dict[int, list[Kline]] = {}
        before = max((t for t in lower.closed if t < part.open_time), default=own) if is_newest else own
        if (left := open_of(before, higher)) != own and left not in closed:
            due[left] = lower.between(left, left + length)
        parts = lower.between(own, own + length)
        is_over = own + length <= (lower.newest_open_time or 0) + INTERVAL_MS[part.interval]
        if is_over and (is_newest or own in closed or _are_all(parts, higher)):
            due[own] = parts
        return [roll_up(p, higher, is_closed=True) for t, p in due.items() if p and lower.reaches(t)]

    def _standing_in(self, part: Kline) -> list[Kline]:
        """The rollups that stand in for the venue's candles `part` belongs to."""
        found: list[Kline] = []
        for interval, series in self._series.items():
            held = series.closed.get(open_of(part.open_time, interval))
            if INTERVAL_MS[interval] > INTERVAL_MS[part.interval] and held and held.source == "rollup":
                found.append(self._stand_in(series, held.open_time) or held)
        return found

    def _stand_in(self, series: KlineSeries, open_time: int) -> Kline | None:
        """The best that is known of a candle whose close never came: its parts, else what was last said."""
        end = open_time + INTERVAL_MS[series.interval]
        for lower in reversed([n for n in INTERVAL_MS if INTERVAL_MS[n] < INTERVAL_MS[series.interval]]):
            parts = self._series[lower].between(open_time, end)
            if _are_all(parts, series.interval):
                return roll_up(parts, series.interval, is_closed=True)
        word = series.last_word(open_time)
        if word is None:
            return None
        return msgspec.structs.replace(word, is_closed=True, source="rollup", complete=False)


def _are_all(parts: Sequence[Kline], interval: str) -> bool:
    """Whether no part of a candle of `interval` is missing."""
    return bool(parts) and len(parts) * INTERVAL_MS[parts[0].interval] == INTERVAL_MS[interval]


def _total(values: Iterable[float | None]) -> float | None:
    """Sum without the noise that float addition leaves behind; None where a part is not known."""
    found = list(values)
    known = [v for v in found if v is not None]
    return round(sum(known), 8) if len(known) == len(found) else None
