from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, Table, inspect, text
from sqlalchemy.types import TypeEngine

from db import schema
from db.history.engine import writer_engine
from db.history.partitions import Slot, ensure
from market.intervals import INTERVAL_MS

CONTRACT = {
    "instruments": "id venue symbol base quote multiplier tick_size lot_size status first_seen last_seen",
    "orderbook_ticks": "ts venue symbol best_bid_price best_bid_size best_ask_price best_ask_size mid "
    "spread_bps imbalance update_id recv_ts",
    "klines": "venue symbol interval open_time close_time open high low close volume turnover trades "
    "taker_buy_volume source complete recv_ts",
    "tickers": "venue symbol last_price mark_price index_price funding_rate next_funding_time open_interest "
    "high_24h low_24h volume_24h turnover_24h change_24h_pct best_bid_price best_bid_size best_ask_price "
    "best_ask_size event_time recv_time",
    "gaps": "id venue symbol channel started_at ended_at cause repaired rows_recovered detail",
    "indicators": "venue symbol interval open_time rsi stoch_rsi_k stoch_rsi_d ema_fast ema_slow macd "
    "macd_signal bb_upper bb_lower atr score signal bars reason vwap",
    "signals": "id ts venue symbol interval rule side strength price spread_bps open_time inputs",
    "signal_outcomes": "signal_id horizon_s price_at return_bps net_bps",
    "paper_trades": "id venue symbol interval rule side entry_ts entry_price exit_ts exit_price exit_reason "
    "fee_bps gross_bps net_bps",
    "feed_events": "id ts venue worker event detail",
    "dead_letters": "id ts kind reason body",
}


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    made = writer_engine(database_url)
    yield made
    made.dispose()


def _sql(engine: Engine, kind: TypeEngine[object]) -> str:
    return kind.compile(engine.dialect).removesuffix(' COLLATE "C"')


@pytest.mark.parametrize("name", CONTRACT)
def test_a_relation_has_the_columns_that_were_promised(engine: Engine, name: str) -> None:
    """Name by name, in that order."""
    assert " ".join(column["name"] for column in inspect(engine).get_columns(name)) == CONTRACT[name]


@pytest.mark.parametrize("table", schema.metadata.sorted_tables, ids=lambda t: str(t.name))
def test_the_program_knows_each_table_as_it_is_there(engine: Engine, table: Table) -> None:
    """The same columns of the same types."""
    found = {c["name"]: _sql(engine, c["type"]) for c in inspect(engine).get_columns(table.name)}
    assert found == {c.name: _sql(engine, c.type) for c in table.columns}


def test_no_time_is_without_zone_and_no_serial_is_short(engine: Engine) -> None:
    """Nothing in the schema can lose its time zone, run out of ids, or round a price."""
    ensure(engine, [Slot(1_790_000_000_000 // 14_400_000 * 14_400_000, "bybit")])
    query = text(
        "SELECT table_name, column_name, data_type, is_identity FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
    )
    with engine.connect() as connection:
        columns = connection.execute(query).all()
    assert {c.data_type for c in columns} <= {
        "text", "bigint", "integer", "boolean", "double precision", "timestamp with time zone",
        "jsonb",
    }  # fmt: skip
    assert {c.data_type for c in columns if c.is_identity == "YES"} == {"bigint"}


def test_a_candle_names_its_last_millisecond_in_every_time_zone(engine: Engine) -> None:
    """close_time is open_time + interval - 1 ms, also over the change to summer time."""
    instrument = (
        "INSERT INTO instruments (venue, symbol, base, quote, multiplier, status) "
        "VALUES ('bybit', 'ETHUSDT', 'ETH', 'USDT', 1, 'unknown')"
    )
    candle = (
        "INSERT INTO kline_rows SELECT '2026-03-29 00:00Z', now(), 1, 1, 1, 1, 1, 1, 1, 1, id, true, "
        ":interval, 'rest' FROM instruments"
    )
    query = (
        "SELECT (extract(epoch FROM close_time - open_time) * 1000)::bigint FROM klines ORDER BY close_time"
    )
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL timezone = 'Europe/Berlin'"))
        connection.execute(text(instrument))
        connection.execute(text(candle), [{"interval": interval} for interval in INTERVAL_MS])
        lengths = connection.scalars(text(query)).all()
    assert lengths == [length - 1 for length in INTERVAL_MS.values()]
