"""Which rows no table would take: found before they are sent, so that they do not cost their batch."""

import json
import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import isfinite
from typing import Any

import msgspec

from db.rows import (
    CAUSES,
    CHANNELS,
    KINDS,
    REPAIRED,
    Batch,
    DeadLetterRow,
    FeedEventRow,
    GapRow,
    IndicatorRow,
    KlineRow,
    OutcomeRow,
    PaperStepRow,
    PaperTradeRow,
    SignalRow,
    TickerRow,
    TickRow,
)  # fmt: skip
from market.intervals import INTERVAL_MS

SERIES = frozenset({*INTERVAL_MS, "book"})
"""What a signal can come from: candles of an interval, or the book."""
SOURCES = frozenset({"stream", "rollup", "trades", "rest"})
END_OF_TIME = 4_102_444_800_000
"""Epoch ms of the year 2100: a time past it is a mistake, and would have a partition made for it."""
MOST_RECOVERED = 10**15
"""Rows of one gap are fewer than this."""
_INT64 = 2**63
_INT31 = 2**31
_VENUE = re.compile(r"[a-z][a-z0-9-]{0,30}")
_SYMBOL = re.compile(r"[^\s\\\x00\ud800-\udfff]{1,64}")


class RefusedRow(ValueError):
    """A row that cannot be stored: not a number, out of range, or not what its table holds. Says which."""


def screened(batch: Batch) -> Batch:
    """The batch with each row that no table would take turned into a dead letter."""
    letters: list[DeadLetterRow] = []
    kinds: dict[str, list[Any]] = {}
    for kind in KINDS:
        rows = getattr(batch, kind)
        kinds[kind] = _good(kind, rows, _CHECKS[kind], letters) if rows and kind in _CHECKS else rows
    if not letters:
        return batch
    return Batch(batch.batch_id, **{**kinds, "dead_letters": batch.dead_letters + letters})


def dead_letter(kind: str, row: object, reason: str) -> DeadLetterRow:
    """What is kept of a row that is refused: its fields as JSON, whatever they are."""
    fields = _plain(row)
    if kind == "dead_letters":  # one that was refused itself stands for the row in it
        return DeadLetterRow(fields["ts"], fields["kind"], _clean(reason), _clean(fields["body"]))
    return DeadLetterRow(time.time_ns() // 1_000_000, kind, _clean(reason), json.dumps(fields))


def check_name(venue: str, symbol: str) -> None:
    """Raises RefusedRow unless both can be part of a key."""
    if not _is_name(venue, symbol):
        raise RefusedRow(f"expected a venue and a symbol, found {venue!r} {symbol!r}")


def check_tick(row: TickRow) -> None:
    """Raises RefusedRow. The quick way first: this runs once per change of any market."""
    try:
        # None plus a number raises, NaN and infinity stay what they are: one test for four numbers.
        total = row[4] + row[5] + row[6] + row[7]  # type: ignore[operator]  # None is caught below
        is_good = isfinite(total)
    except TypeError:
        is_good = _are_finite(row[4:8])
    if not (
        is_good and 0 <= row[2] < END_OF_TIME and 0 <= row[8] < END_OF_TIME and -_INT64 <= row[3] < _INT64
    ):
        raise RefusedRow("expected finite numbers and times from 1970 to 2100")
    if not _is_name(row[0], row[1]):
        check_name(row[0], row[1])


def _check_kline(row: KlineRow) -> None:
    """A forming candle is refused too: only closed ones are stored."""
    kline = row.kline
    numbers = (kline.open, kline.high, kline.low, kline.close, kline.volume, kline.turnover)
    is_good = (
        kline.is_closed
        and None not in numbers
        and _are_finite((*numbers, kline.taker_buy_volume))
        and _are_times((kline.open_time, kline.event_time, kline.recv_time))
        and kline.interval in INTERVAL_MS
        and kline.source in SOURCES
        and (kline.trades is None or 0 <= kline.trades < _INT64)
    )
    if not is_good:
        raise RefusedRow("expected a closed candle of finite numbers")
    check_name(row.venue, kline.symbol)


def _check_ticker(row: TickerRow) -> None:
    times = (row.next_funding_time, row.event_time, row.recv_time)
    if not (_are_finite(msgspec.structs.astuple(row)[2:]) and _are_times(times)):
        raise RefusedRow("expected finite numbers and times from 1970 to 2100")
    check_name(row.venue, row.symbol)


def _check_feed_event(row: FeedEventRow) -> None:
    if not _are_times((row.ts,)) or not all(_is_text(word) for word in row[1:]):
        raise RefusedRow("expected a time and text without NUL")


def _check_gap(row: GapRow) -> None:
    times = (row.started_at, row.started_at if row.ended_at is None else row.ended_at)
    is_good = (
        row.channel in CHANNELS
        and row.cause in CAUSES
        and row.repaired in REPAIRED
        and None not in times
        and _are_times(times)
        and times[0] <= times[1]
        and isinstance(row.rows_recovered, int)
        and 0 <= row.rows_recovered < MOST_RECOVERED
        and _is_text(row.detail)
    )
    if not is_good:
        raise RefusedRow("expected a gap with known words that ends after it starts")
    check_name(row.venue, row.symbol)


def _check_indicators(row: IndicatorRow) -> None:
    is_good = (
        row.interval in INTERVAL_MS
        and None not in (row.open_time, row.computed_at)
        and _are_times((row.open_time, row.computed_at))
        and _are_finite((*row[4:15], row.vwap))
        and 0 <= row.bars < _INT31
        and _is_text(row.reason)
        and (row.signal is None or _is_text(row.signal))
    )
    if not is_good:
        raise RefusedRow("expected finite indicators of a closed candle")
    check_name(row.venue, row.symbol)


def _check_signal(row: SignalRow) -> None:
    is_good = (
        _is_of_a_rule(row, (row.open_time, row.ts))
        and row.side in ("buy", "sell")
        and _are_finite((row.strength, row.price, row.spread_bps, *row.inputs.values()))
        and None not in (row.strength, row.price, *row.inputs.values())
        and all(_is_text(name) for name in row.inputs)
    )
    if not is_good:
        raise RefusedRow("expected a signal of finite numbers with known words")


def _check_outcome(row: OutcomeRow) -> None:
    numbers = (row.price_at, row.return_bps, row.net_bps)
    if not (
        _is_of_a_rule(row, (row.open_time,))
        and None not in numbers
        and _are_finite(numbers)
        and 0 < row.horizon_s < _INT31
    ):
        raise RefusedRow("expected an outcome of finite numbers")


def _check_paper_step(row: PaperStepRow) -> None:
    if not (_is_of_a_rule(row, ()) and 0 <= row.step < _INT64 and isinstance(json.loads(row.state), dict)):
        raise RefusedRow("expected a state of paper trading")
    if not all(_is_paper_trade(trade) and trade[:4] == row[:4] for trade in row.trades):
        raise RefusedRow("expected paper trades of the rule with finite numbers")


def _is_paper_trade(row: PaperTradeRow) -> bool:
    end = row[8:]
    return (
        row.side in ("long", "short")
        and None not in row[5:8]
        and _are_times((row.entry_ts, row.exit_ts))
        and _are_finite((row.entry_price, row.fee_bps, row.exit_price, row.gross_bps, row.net_bps))
        and (end == (None,) * len(end) or (None not in end and _is_text(str(row.exit_reason))))
    )


def _is_of_a_rule(row: SignalRow | OutcomeRow | PaperStepRow, times: tuple[int, ...]) -> bool:
    """Whether its identity can be one. Raises RefusedRow for a wrong name."""
    check_name(row.venue, row.symbol)
    return row.interval in SERIES and _is_text(row.rule) and None not in times and _are_times(times)


_CHECKS: dict[str, Callable[[Any], None]] = {
    "ticks": check_tick,
    "klines": _check_kline,
    "tickers": _check_ticker,
    "feed_events": _check_feed_event,
    "gaps": _check_gap,
    "indicators": _check_indicators,
    "signals": _check_signal,
    "outcomes": _check_outcome,
    "paper_steps": _check_paper_step,
}


def _good(
    kind: str, rows: Iterable[Any], check: Callable[[Any], None], letters: list[DeadLetterRow]
) -> list[Any]:
    good: list[Any] = []
    for row in rows:
        try:
            check(row)
            good.append(row)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:  # or not of its type at all
            letters.append(dead_letter(kind, row, str(error)))
    return good


@lru_cache(maxsize=10_000)
def _is_name(venue: str, symbol: str) -> bool:
    return bool(_VENUE.fullmatch(venue) and _SYMBOL.fullmatch(symbol))


def _plain(value: Any) -> Any:
    """What JSON can say of a value; numbers that it has no word for as text."""
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, bool | int | str) or value is None or (isinstance(value, float) and isfinite(value)):
        return value
    return repr(value) if isinstance(value, float) else str(value)


def _clean(words: str) -> str:
    """Text that Postgres can hold."""
    return words.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def _is_text(word: str) -> bool:
    """Whether Postgres can hold it: no NUL, no half of a surrogate pair."""
    return "\x00" not in word and not any("\ud800" <= letter <= "\udfff" for letter in word)


def _are_finite(values: Iterable[object]) -> bool:
    return all(v is None or (isinstance(v, float | int) and isfinite(v)) for v in values)


def _are_times(values: Iterable[object]) -> bool:
    return all(v is None or (isinstance(v, int) and 0 <= v < END_OF_TIME) for v in values)
