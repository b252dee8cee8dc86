"""How rows of the history are read: columns as epoch ms, conditions on spans, and what a row becomes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, cast, func, select

from db.rows import TickRow
from db.schema import instruments, kline_rows, tick_rows
from market.events import Kline
from market.intervals import close_of

_EPOCH = datetime.fromtimestamp(0, UTC)


def ms(moment: ColumnElement[datetime] | ColumnElement[object]) -> ColumnElement[int]:
    """A time as epoch ms."""
    # As float, not numeric: exact for milliseconds until far beyond our days, and ten times faster.
    return cast(func.date_part("epoch", moment) * 1000, BigInteger)


def us(moment: ColumnElement[datetime] | ColumnElement[object]) -> ColumnElement[int]:
    """A time as epoch microseconds, which is all that Postgres keeps."""
    return cast(func.date_part("epoch", moment) * 1_000_000, BigInteger)


def moment(epoch_ms: int) -> datetime:
    """Epoch ms as an aware datetime."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def ms_of(moment: datetime) -> int:
    """An aware datetime as the epoch ms it lies in."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def moment_of_us(epoch_us: int) -> datetime:
    """Epoch microseconds as an aware datetime, to the last digit."""
    return _EPOCH + timedelta(microseconds=epoch_us)


_K = kline_rows.c
KLINE = (
    _K.interval, ms(_K.open_time), _K.open, _K.high, _K.low, _K.close, _K.volume, _K.turnover,
    ms(_K.recv_ts), _K.trades, _K.taker_buy_volume, _K.source, _K.complete,
)  # fmt: skip
"""What `as_kline` takes."""
_T = tick_rows.c
TICK = (
    ms(_T.ts), _T.update_id, _T.best_bid_price, _T.best_bid_size, _T.best_ask_price,
    _T.best_ask_size, ms(_T.recv_ts),
)  # fmt: skip
"""What `as_tick` takes."""


def of_series(venue: str, symbol: str, interval: str) -> list[ColumnElement[bool]]:
    """The candles of one instrument and interval.

    The instrument's id is a subquery: known before candles are read, so their index gives the order.
    """
    chosen = select(instruments.c.id).where(instruments.c.venue == venue, instruments.c.symbol == symbol)
    return [_K.instrument_id == chosen.scalar_subquery(), _K.interval == interval]


def of_instrument(venue: str, symbol: str) -> list[ColumnElement[bool]]:
    """The ticks of one instrument."""
    return [_T.venue == venue, _T.symbol == symbol]


def between(times: ColumnElement[object], start: int | None, end: int | None) -> list[ColumnElement[bool]]:
    """Times in [start, end), epoch ms; None is no bound."""
    bounds = [times >= moment(start)] if start is not None else []
    return [*bounds, times < moment(end)] if end is not None else bounds


def as_kline(symbol: str, row: Sequence[Any]) -> Kline:
    """Stored candles keep no event time of their own: their close is the last the venue said of them."""
    interval, open_time, open_, high, low, close, volume, turnover, recv_time, *rest = row
    return Kline(
        symbol, interval, open_time, open_, high, low, close, volume, turnover, True,
        close_of(open_time, interval), recv_time, *rest,
    )  # fmt: skip


def as_tick(venue: str, symbol: str, row: Sequence[Any]) -> TickRow:
    """One stored change of the top."""
    return TickRow(venue, symbol, *row)
