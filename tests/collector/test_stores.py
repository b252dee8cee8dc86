"""The database as the collector uses it."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from collector.stores import StoredHistory
from db.history.engine import START_NAME, writer_engine
from db.rows import Batch, TickerRow
from db.settings import Settings
from db.spool import Spool
from tests.db.history.rows import T0, batch, gap, kline, outcome, paper_step, signal, tick


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path, 10)
    made.open(lambda _event, _detail: None, lambda _row: None)
    yield made
    made.close()


@pytest.fixture
def history(database_url: str, spool: Spool) -> StoredHistory:
    return StoredHistory(
        Settings(_env_file=None, database_url=database_url, redis_url="redis://nowhere"), spool
    )


def test_a_start_is_told_what_the_last_run_left(history: StoredHistory) -> None:
    """The gaps that last, and when each instrument last gave a sign; what is stored again is not new."""
    history.check()
    left = gap(2, ended_at=None, cause="outage")
    rows = batch([tick(5)], gaps=[gap(1), left])
    assert [history.write(rows), history.write(rows)] == [3, 0]
    assert history.open_gaps("bybit") == [left]
    assert history.last_seen("bybit", T0 + 10) == {"ETHUSDT": T0 + 5}


def test_a_start_is_told_what_still_waits_in_the_spool(history: StoredHistory, spool: Spool) -> None:
    """Gaps that opened or ended while the database was away, and signs that it does not know of yet."""
    ended, opened = gap(2, ended_at=None), gap(4, ended_at=None, cause="restart")
    history.write(batch([tick(5)], gaps=[ended]))
    spool.append(batch([tick(7)], gaps=[ended._replace(ended_at=T0 + 999_000)]))
    spool.append(batch(gaps=[opened], tickers=[TickerRow("bybit", "BTCUSDT", event_time=T0 + 9)]))
    assert history.open_gaps("bybit") == [opened]
    assert history.last_seen("bybit", T0 + 10) == {"ETHUSDT": T0 + 7, "BTCUSDT": T0 + 9}
    assert history.last_seen("bybit", T0 + 7) == {"ETHUSDT": T0 + 5}
    assert history.open_gaps("binance") == []


def test_a_start_is_told_whose_repair_the_last_run_did_not_tell(history: StoredHistory, spool: Spool) -> None:
    """Gaps of candles that are over, wherever their last word waits."""
    rows = [gap(n, channel="kline") for n in range(3)]
    history.write(batch(gaps=[rows[0], rows[1], gap(3, channel="trade")]))
    spool.append(
        batch(gaps=[rows[1]._replace(repaired="yes"), rows[2], gap(4, channel="kline", ended_at=None)])
    )
    assert history.unrepaired_gaps("bybit", 0) == [rows[0], rows[2]]
    assert history.unrepaired_gaps("bybit", rows[2].started_at) == [rows[2]]
    assert history.unrepaired_gaps("binance", 0) == []


def test_a_start_is_told_what_was_traded_and_signalled(history: StoredHistory, spool: Spool) -> None:
    """Also what still waits in the spool; of a rule's states the last one, wherever it is."""
    states = [json.dumps({"interval": "1m", "rule": "rsi_reversal", "n": n}) for n in range(4)]
    steps = [paper_step(n, state=state) for n, state in enumerate(states)]
    history.write(Batch("b", signals=[signal(0), signal(1)], outcomes=[outcome(0)], paper_steps=steps[1:2]))
    assert [(s, step, state["n"]) for s, step, state in history.paper_states("bybit")] == [("ETHUSDT", 1, 1)]
    waiting = Batch(
        "c", signals=[signal(1), signal(2)], outcomes=[outcome(1), outcome(2, 300)],
        paper_steps=[steps[3], steps[2]],
    )  # fmt: skip
    spool.append(waiting)
    assert [(s, step, state["n"]) for s, step, state in history.paper_states("bybit")] == [("ETHUSDT", 3, 3)]
    assert history.recent_signals("bybit", 0) == [(signal(0), {60}), (signal(1), {60}), (signal(2), {300})]
    assert history.recent_signals("bybit", signal(2).ts) == [(signal(2), {300})]
    assert (history.paper_states("binance"), history.recent_signals("binance", 0)) == ([], [])


def test_the_past_of_a_series_comes_as_columns(history: StoredHistory) -> None:
    """Times in ms, ascending, as they were stored."""
    rows = [kline(n, close=1.5 + n, complete=n != 1) for n in range(3)]
    history.write(batch(klines=rows))
    found = history.past("bybit", ["ETHUSDT"], ["1m", "5m"], 400)
    past = found.pop(("ETHUSDT", "1m"))
    assert found == {}
    assert past.open_time.tolist() == [row.kline.open_time for row in rows]
    assert past.close.tolist() == [1.5, 2.5, 3.5]
    assert past.is_whole.tolist() == [True, False, True]


def test_the_minutes_of_a_day_come_as_columns(history: StoredHistory) -> None:
    """From a moment on; NaN where it is not known what takers bought."""
    rows = [kline(n, close=1.5 + n, complete=n != 1) for n in range(3)]
    history.write(batch(klines=rows))
    assert history.minutes("bybit", ["NOPEUSDT"], 0) == {}
    found = history.minutes("bybit", ["ETHUSDT"], rows[1].kline.open_time)["ETHUSDT"]
    assert found.open_time.tolist() == [row.kline.open_time for row in rows[1:]]
    assert found.turnover.tolist() == [row.kline.turnover for row in rows[1:]]
    assert found.is_whole.tolist() == [False, True]
    bought = [row.kline.taker_buy_volume for row in rows[1:]]
    assert found.bought.tolist() == pytest.approx(
        [float("nan") if b is None else b for b in bought], nan_ok=True
    )


def test_two_venues_read_their_past_side_by_side(history: StoredHistory, database_url: str) -> None:
    """One on the connection of starts, one on that for all else; a third waits."""
    history.write(batch([], klines=[kline()]))
    with (
        ThreadPoolExecutor() as pool,
        writer_engine(database_url, connections=1, name="test").connect() as holder,
    ):
        holder.execute(text("LOCK TABLE kline_rows IN ACCESS EXCLUSIVE MODE"))
        readers = [pool.submit(history.past, "bybit", ["ETHUSDT"], ["1m"], 400) for _ in range(3)]
        waiting = text("SELECT application_name FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        deadline = time.monotonic() + 10
        while len(found := sorted(holder.execute(waiting).scalars())) < 2:
            assert time.monotonic() < deadline, found
            holder.execute(text("SELECT pg_stat_clear_snapshot()"))  # else a transaction sees one moment
        assert found == [START_NAME, "tickdeck-writer"]
        holder.rollback()
        assert [list(reader.result(10)) for reader in readers] == [[("ETHUSDT", "1m")]] * 3
