"""The functions that the earlier systems offered, kept for the programs that call them.

They use the database of the settings, and connect to it when first called.
"""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session

from db.history import partitions, statements
from db.history.engine import postgres_errors, reader_engine, writer_engine
from db.history.screening import check_tick
from db.rows import TickRow
from db.schema import orderbook_ticks, tick_rows
from db.settings import load_settings
from market.instruments import unknown_instrument

if TYPE_CHECKING:
    import pandas as pd

_TOP = ("best_bid_price", "best_bid_size", "best_ask_price", "best_ask_size")
_view = orderbook_ticks.c


class _Base(DeclarativeBase):
    pass


class OrderbookTick(_Base):
    """One row of the view `orderbook_ticks`. Only for reading: the database refuses to change it."""

    __table__ = orderbook_ticks
    __mapper_args__ = {"primary_key": [_view.venue, _view.symbol, _view.ts, _view.update_id]}

    ts: Mapped[datetime]
    venue: Mapped[str]
    symbol: Mapped[str]
    best_bid_price: Mapped[float | None]
    best_bid_size: Mapped[float | None]
    best_ask_price: Mapped[float | None]
    best_ask_size: Mapped[float | None]
    mid: Mapped[float | None]
    spread_bps: Mapped[float | None]
    imbalance: Mapped[float | None]
    update_id: Mapped[int]
    recv_ts: Mapped[datetime]


def get_session() -> Session:
    """A session that reads; close it, or use it in a `with`."""
    return Session(_reader(load_settings().database_url))


def save_tick(tick: Mapping[str, Any]) -> bool:
    """Store one tick at once; False if it was there already.

    Needs `ts` (a datetime, naive = UTC, ISO text or epoch ms) and `symbol`; `venue` is bybit unless given.
    Prices and sizes are `best_bid_price`, `best_bid_size`, `best_ask_price`, `best_ask_size`. Without an
    `update_id` one is made of them. For many ticks use `HistoryWriter`, a hundred times faster. Raises
    KeyError or ValueError for a tick that cannot be stored, and StoreUnavailable.
    """
    ts, recv_ts = _moment(tick["ts"]), _moment(tick.get("recv_ts") or datetime.now(UTC))
    venue, symbol = str(tick.get("venue") or "bybit"), str(tick["symbol"])
    prices = (tick.get(name) for name in _TOP)
    bid, bid_size, ask, ask_size = top = [None if value is None else float(value) for value in prices]
    given = tick.get("update_id")
    update_id = zlib.crc32(repr(top).encode()) if given is None else int(given)
    row = TickRow(venue, symbol, _epoch_ms(ts), update_id, bid, bid_size, ask, ask_size, _epoch_ms(recv_ts))
    check_tick(row)
    values: dict[str, Any] = {"ts": ts, "recv_ts": recv_ts, "venue": venue, "symbol": symbol}
    values |= {"update_id": update_id, **dict(zip(_TOP, top, strict=True))}
    engine = _writer(load_settings().database_url)
    with postgres_errors():
        try:
            return _insert(engine, values)
        except IntegrityError:  # there is no partition for its time yet
            partitions.ensure(engine, [partitions.slot_of(row.ts, venue)])
            return _insert(engine, values)


def get_ticks_as_dataframe(
    n: int = 2000, symbol: str = "ETHUSDT", minutes_back: float = 10, venue: str = "bybit"
) -> "pd.DataFrame":
    """The newest `n` ticks of the last `minutes_back` minutes, ascending, with the columns of the view.

    `ts` and `recv_ts` are aware, UTC. Raises StoreUnavailable.
    """
    import pandas as pd  # here: it takes half a second and 50 MB, and only this function needs it

    since = datetime.now(UTC) - timedelta(minutes=minutes_back)
    query = (
        select(orderbook_ticks)
        .where(_view.venue == venue, _view.symbol == symbol, _view.ts >= since)
        .order_by(_view.ts.desc(), _view.update_id.desc())
        .limit(n)
    )
    with postgres_errors(), _reader(load_settings().database_url).connect() as connection:
        rows = [tuple(row) for row in connection.execute(query)][::-1]
    frame = pd.DataFrame(rows, columns=list(_view.keys()))
    for name, kind in orderbook_ticks.columns.items():
        if kind.type.python_type is datetime:
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif kind.type.python_type is float:
            frame[name] = frame[name].astype(float)
    return frame


def _insert(engine: Engine, values: Mapping[str, Any]) -> bool:
    instrument = unknown_instrument(values["venue"], values["symbol"])
    with engine.begin() as connection:
        connection.execute(statements.NEW_INSTRUMENT, statements.instrument_values(instrument))
        return connection.execute(insert(tick_rows).values(values).on_conflict_do_nothing()).rowcount == 1


def _moment(value: object) -> datetime:
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, int | float):
        value = datetime.fromtimestamp(value / 1000, UTC)
    if not isinstance(value, datetime):
        raise ValueError(f"expected a datetime, ISO text or epoch ms, found {value!r}")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def _epoch_ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@cache
def _writer(url: str) -> Engine:
    return writer_engine(url)


@cache
def _reader(url: str) -> Engine:
    return reader_engine(url)
