"""The rows that a collector stored, compared with what the exchange really said."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from bench.drill.watch import Gap, Instrument
from market.intervals import INTERVAL_MS

TICK_CHANNELS = ("book",)
_SAME = 1e-9

Tick = tuple[int, int, float, float, float, float]
"""Time, update id, best bid, its size, best ask, its size."""


class Rows(NamedTuple):
    """What a comparison found. `outside`: missing, and in no gap of the ledger; `twice`: there, wrongly."""

    expected: int = 0
    found: int = 0
    missing: int = 0
    outside: int = 0
    twice: int = 0
    example: str = ""

    def plus(self, other: "Rows") -> "Rows":
        """Both together."""
        return Rows(
            self.expected + other.expected,
            self.found + other.found,
            self.missing + other.missing,
            self.outside + other.outside,
            self.twice + other.twice,
            self.example or other.example,
        )


def stored_ticks(cursor: Any, instrument: Instrument, first_ms: int, last_ms: int) -> list[Tick]:
    """The ticks that are stored of a time, in order."""
    cursor.execute(
        "SELECT round(extract(epoch FROM ts) * 1000)::bigint, update_id, best_bid_price, best_bid_size,"
        " best_ask_price, best_ask_size FROM orderbook_ticks"
        " WHERE venue = %s AND symbol = %s AND ts BETWEEN to_timestamp(%s) AND to_timestamp(%s)"
        " ORDER BY ts, update_id",
        [*instrument, first_ms / 1000, last_ms / 1000],
    )
    return list(cursor.fetchall())


def compare_ticks(
    truth: Sequence[Sequence[float]],
    stored: Sequence[Tick],
    gaps: Iterable[Gap],
    first_ms: int,
    *,
    takeovers: int = 0,
) -> Rows:
    """Ticks of one instrument from `first_ms` on, against the truth, which begins earlier.

    A row that the exchange did not send is right only as the first datum after a gap, or of a worker that
    took the instrument (`takeovers`: how many did): what the best then was.
    """
    spans = [(gap.started_at, gap.ended_at) for gap in gaps if gap.channel in TICK_CHANNELS]
    keys = {(int(row[0]), int(row[1])): tuple(row[2:]) for row in truth if row[0] >= first_ms}
    times = [int(row[0]) for row in truth]
    found = {(row[0], row[1]): row[2:] for row in stored}
    missing = [key for key in keys if key not in found]
    wrong = [key for key, best in found.items() if key in keys and keys[key] != tuple(best)]
    outside = [key for key in missing if not _is_in(spans, key[0])]
    unsaid = [(key, tuple(best)) for key, best in found.items() if key not in keys]
    firsts = [key for key, best in unsaid if best in _bests_at(truth, times, key[0])]
    taken = [key for key in firsts if not _is_in(spans, key[0])][:takeovers]
    invented = [it for it in unsaid if it[0] not in firsts or not (_is_in(spans, it[0][0]) or it[0] in taken)]
    example = ""
    if outside or invented or wrong:
        example = f"missing {outside[:2]} invented {invented[:2]} wrong {wrong[:2]}"
    twice = len(stored) - len(found) + len(invented) + len(wrong)
    return Rows(len(keys), len(keys) - len(missing), len(missing), len(outside), twice, example)


def compare_klines(
    truth: dict[str, list[list[float]]], stored: Sequence[Sequence[Any]], gaps: Iterable[Gap]
) -> Rows:
    """Closed candles of one instrument: each one stored, once, and equal, or incomplete and in the ledger.

    `stored`: interval, open time, open, high, low, close, volume, turnover, complete.
    """
    spans = [(gap.started_at, gap.ended_at) for gap in gaps if gap.channel == "kline"]
    found = {(row[0], row[1]): row for row in stored}
    rows = Rows()
    for interval, candles in truth.items():
        for candle in candles:
            row = found.get((interval, int(candle[0])))
            is_equal = row is not None and _agree(candle[1:7], row[2:8])
            is_known = (row is None or not row[8]) and _touches(spans, int(candle[0]), interval)
            missing, outside = int(not is_equal), int(not is_equal and not is_known)
            example = f"{interval} {candle[:7]} stored as {row and row[1:]}" if outside else ""
            rows = rows.plus(Rows(1, 1 - missing, missing, outside, 0, example))
    return rows._replace(twice=len(stored) - len(found))


def stored_klines(cursor: Any, instrument: Instrument, first_ms: int, last_ms: int) -> list[Sequence[Any]]:
    """The candles that are stored of a time: see `compare_klines`."""
    cursor.execute(
        "SELECT interval, round(extract(epoch FROM open_time) * 1000)::bigint, open, high, low, close,"
        " volume, turnover, complete, source FROM klines WHERE venue = %s AND symbol = %s"
        " AND open_time BETWEEN to_timestamp(%s) AND to_timestamp(%s)",
        [*instrument, first_ms / 1000, last_ms / 1000],
    )
    return list(cursor.fetchall())


def _touches(spans: Iterable[tuple[int, int | None]], open_time: int, interval: str) -> bool:
    end = open_time + INTERVAL_MS[interval]
    return any(start < end and (stop is None or stop >= open_time) for start, stop in spans)


def _is_in(spans: Iterable[tuple[int, int | None]], time_ms: int) -> bool:
    return any(start <= time_ms and (stop is None or time_ms <= stop) for start, stop in spans)


def _bests_at(truth: Sequence[Sequence[float]], times: Sequence[int], time_ms: int) -> set[tuple[float, ...]]:
    """What the best was during a millisecond: at its beginning, and whatever it became in it."""
    first = max(0, bisect_left(times, time_ms) - 1)
    return {tuple(row[2:]) for row in truth[first : bisect_right(times, time_ms)]}


def _agree(expected: Sequence[float], found: Sequence[float]) -> bool:
    return all(abs(a - b) <= _SAME * max(1.0, abs(a)) for a, b in zip(expected, found, strict=True))
