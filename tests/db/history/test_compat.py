import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import select
from sqlalchemy.exc import InternalError

from db.errors import StoreUnavailable
from db.history import OrderbookTick, compat, get_session, get_ticks_as_dataframe, save_tick

NOW = datetime.now(UTC).replace(tzinfo=None)


@pytest.fixture(autouse=True)
def _settings(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """These functions take their database from the environment, and their now from this very moment."""
    global NOW
    NOW = datetime.now(UTC).replace(tzinfo=None)
    monkeypatch.chdir(tmp_path_factory.mktemp("no-env-file"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", "redis://localhost")
    yield
    compat._writer(database_url).dispose()
    compat._reader(database_url).dispose()


def _tick(seconds_ago: float = 1, **changes: object) -> dict[str, object]:
    ts = NOW - timedelta(seconds=seconds_ago)
    return {"ts": ts, "symbol": "ETHUSDT", "best_bid_price": 99.0, "best_ask_price": 101.0, **changes}


def test_the_same_tick_again_adds_nothing() -> None:
    """Without an update id the prices tell two ticks of one moment apart."""
    tick = _tick(best_bid_size=3, best_ask_size="1")
    assert save_tick(tick)
    assert not save_tick(tick)
    assert save_tick({**tick, "best_bid_price": 98.0})
    assert save_tick({**tick, "update_id": 7})
    assert not save_tick({**tick, "update_id": 7})
    assert len(get_ticks_as_dataframe()) == 3


def test_a_naive_time_is_utc_and_keeps_its_microseconds() -> None:
    """Naive, aware in any zone, ISO text and epoch ms are the same moment."""
    ts = NOW.replace(microsecond=123_456) - timedelta(minutes=1)
    aware = ts.replace(tzinfo=UTC)
    assert save_tick(_tick(ts=ts))
    assert not save_tick(_tick(ts=aware.astimezone(timezone(timedelta(hours=9)))))
    assert not save_tick(_tick(ts=aware.isoformat()))
    assert not save_tick(_tick(ts=pd.Timestamp(aware)))
    assert save_tick(_tick(ts=int(aware.timestamp() * 1000)))
    assert aware in set(get_ticks_as_dataframe()["ts"])


def test_the_frame_holds_the_newest_inside_the_window_ascending() -> None:
    """n, symbol, minutes_back and venue choose; the columns are the view's."""
    for seconds in (700, 500, 3, 2, 1):
        save_tick(_tick(seconds, update_id=int(seconds)))
    save_tick(_tick(1, venue="binance"))
    save_tick(_tick(1, symbol="BTCUSDT"))
    assert get_ticks_as_dataframe(n=3)["update_id"].tolist() == [3, 2, 1]
    assert get_ticks_as_dataframe()["update_id"].tolist() == [500, 3, 2, 1]
    assert get_ticks_as_dataframe(2000, "ETHUSDT", 60)["update_id"].tolist()[0] == 700
    assert len(get_ticks_as_dataframe(venue="binance")) == 1
    frame = get_ticks_as_dataframe(symbol="BTCUSDT")
    assert set(frame.columns) == set(OrderbookTick.__table__.columns.keys())
    assert frame["ts"].dt.tz is not None
    assert (frame["mid"].item(), frame["spread_bps"].item()) == (100.0, 200.0)


def test_an_empty_frame_has_the_same_columns_and_types() -> None:
    """Nothing in the window is a frame without rows, not an error."""
    frame = get_ticks_as_dataframe(symbol="NOPE")
    assert len(frame) == 0
    assert isinstance(frame["ts"].dtype, pd.DatetimeTZDtype)
    assert frame["best_bid_price"].dtype == float


def test_a_session_reads_ticks_as_objects() -> None:
    """OrderbookTick is mapped on the view."""
    save_tick(_tick(best_bid_size=3.0, best_ask_size=1.0))
    with get_session() as session:
        tick = session.scalars(select(OrderbookTick).where(OrderbookTick.symbol == "ETHUSDT")).one()
    assert (tick.venue, tick.mid, tick.imbalance) == ("bybit", 100.0, 0.5)
    assert tick.ts == (NOW - timedelta(seconds=1)).replace(tzinfo=UTC)


def test_a_session_cannot_write() -> None:
    """The database refuses what is changed in it."""
    save_tick(_tick())
    with get_session() as session:
        session.scalars(select(OrderbookTick)).one().best_bid_price = 1.0
        with pytest.raises(InternalError, match="read-only"):
            session.flush()


def test_old_dates_are_stored_too() -> None:
    """A partition is made when there is none."""
    assert save_tick(_tick(ts=datetime(2021, 2, 3, 4, 5)))


@pytest.mark.parametrize(
    "wrong", [{"best_bid_price": float("nan")}, {"ts": None}, {"symbol": ""}, {"ts": "soon"}]
)
def test_a_tick_that_cannot_be_stored_is_refused(wrong: dict[str, Any]) -> None:
    """A ValueError, and nothing is stored."""
    with pytest.raises(ValueError):
        save_tick(_tick(**wrong))
    assert len(get_ticks_as_dataframe()) == 0


def test_a_database_that_is_gone_is_store_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saving and reading say so alike."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable):
        save_tick(_tick())
    with pytest.raises(StoreUnavailable):
        get_ticks_as_dataframe()


def test_nothing_of_pandas_or_the_orm_is_loaded_before_it_is_asked_for() -> None:
    """Importing the package is cheap; an unknown name is an AttributeError."""
    script = (
        "import sys, db.history, db.history.writer, db.history.reader\n"
        "assert not {'pandas', 'sqlalchemy.orm', 'alembic'} & set(sys.modules)\n"
        "assert not hasattr(db.history, 'nonsense')\n"
    )
    path = os.pathsep.join(sys.path)
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": path})
