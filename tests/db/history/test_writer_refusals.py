"""What the writer refuses, alone, and what it does about a database that is another."""

from math import inf, nan
from typing import Any

import pytest
from sqlalchemy import Engine, text

from db.errors import BatchRefused, SchemaMismatch, StoreBusy
from db.history.engine import writer_engine
from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter, Written
from db.rows import KlineRow, TickerRow
from market.instruments import Instrument
from tests.db.history.rows import EVENT, T0, batch, gap, kline, tick


@pytest.mark.parametrize(
    "changes",
    [
        {"bid_price": nan}, {"ask_size": inf}, {"bid_price": None, "bid_size": None, "ask_price": nan},
        {"ts": -1}, {"ts": 10**15}, {"recv_ts": 10**15}, {"update_id": 2**63},
        {"symbol": "A\tB"}, {"symbol": "A\\B"}, {"venue": "By"}, {"venue": "a_b"},
    ],
)  # fmt: skip
def test_a_tick_that_cannot_be_stored_is_refused_alone(
    writer: HistoryWriter, changes: dict[str, Any]
) -> None:
    """NaN, infinity, impossible times, ids and names are refused; the rest of the batch is written."""
    written = writer.write(batch([tick(0), tick(1)._replace(**changes), tick(2)]))
    assert (written.ticks, len(written.refused)) == (2, 1)


@pytest.mark.parametrize(
    "row",
    [
        kline(close=nan), kline(is_closed=False), kline(interval="7m"), kline(source="guess"),
        kline(trades=-1), kline(open_time=-1), kline(volume=None), kline(taker_buy_volume=inf),
    ],
)  # fmt: skip
def test_a_candle_that_cannot_be_stored_is_refused_alone(writer: HistoryWriter, row: KlineRow) -> None:
    """Only closed candles of finite numbers, known interval and source are stored."""
    written = writer.write(batch(klines=[kline(1), row]))
    assert (written.klines, len(written.refused)) == (1, 1)


def test_tickers_and_events_that_cannot_be_stored_are_refused(writer: HistoryWriter) -> None:
    """NaN in a ticker, NUL in a text."""
    written = writer.write(
        batch(tickers=[TickerRow("bybit", "ETHUSDT", nan)], feed_events=[EVENT._replace(detail="\x00")])
    )
    assert (written.rows, len(written.refused)) == (0, 2)


def test_a_database_emptied_under_the_writer_is_filled_again(writer: HistoryWriter, engine: Engine) -> None:
    """What the writer remembers of partitions and instruments is checked by the database."""
    rows = batch([tick()], [kline()], [TickerRow("bybit", "ETHUSDT", 1.0, recv_time=T0)])
    writer.write(rows)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE tick_rows_20260921_12"))
        connection.execute(text("TRUNCATE instruments, kline_rows, ticker_rows"))
    assert writer.write(rows) == Written(1, 1, 0, 1, 0, 0, ())


def test_an_instrument_is_known_from_its_first_row(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Base, quote and multiplier are read off the symbol until the venue says more."""
    writer.write(batch([tick(symbol="1000PEPEUSDT")]))
    assert reader.instruments() == [Instrument("bybit", "1000PEPEUSDT", "PEPE", "USDT", 1000.0)]


def test_what_the_venue_said_of_an_instrument_stays(
    writer: HistoryWriter, reader: HistoryReader, engine: Engine
) -> None:
    """Sizes and status are kept when a later word is silent on them; last_seen moves, first_seen does not."""
    known = Instrument("bybit", "ETHUSDT", "ETH", "USDT", 1.0, 0.01, 0.001, "Trading")
    writer.save_instruments([known])
    writer.save_instruments([Instrument("bybit", "ETHUSDT", "ETH", "USDT", 1.0)])
    writer.save_instruments([])
    assert reader.instruments() == [known]
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT last_seen > first_seen FROM instruments"))


def letters(engine: Engine) -> list[tuple[str, str]]:
    """Kind and reason of each dead letter."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT kind, reason FROM dead_letters"))]


def test_a_refused_row_is_a_dead_letter_once(writer: HistoryWriter, engine: Engine) -> None:
    """Stored with the rest of its batch; written again, it is the same letter."""
    rows = batch([tick(0), tick(1)._replace(ask_size=inf), tick(2)])
    for expected in (2, 0):
        written = writer.write(rows)
        assert (written.ticks, written.rows, len(written.refused)) == (expected, expected, 1)
    assert letters(engine) == [("ticks", "expected finite numbers and times from 1970 to 2100")]


def test_a_batch_that_the_database_refuses_is_told_apart(writer: HistoryWriter, engine: Engine) -> None:
    """By a constraint or a trigger; nothing of it is stored, and the next one is written."""
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE kline_rows ADD CONSTRAINT calm CHECK (volume < 1000)"))
    with pytest.raises(BatchRefused, match="calm"):
        writer.write(batch([tick(0)], klines=[kline(volume=1e6)]))
    with engine.begin() as connection:
        connection.execute(
            text(
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql "
                "AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$"
            )
        )
        connection.execute(
            text("CREATE TRIGGER fail BEFORE INSERT ON gap_rows FOR EACH ROW EXECUTE FUNCTION fail()")
        )
    with pytest.raises(BatchRefused, match="not today"):
        writer.write(batch([tick(0)], gaps=[gap()]))
    assert writer.write(batch([tick(0)], klines=[kline()])).rows == 2


def test_a_table_that_is_gone_is_another_schema(writer: HistoryWriter, engine: Engine) -> None:
    """Trying again would not help, and no row is to blame."""
    writer.write(batch([tick(0)]))
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE tick_rows CASCADE"))
    with pytest.raises(SchemaMismatch, match="tick_rows"):
        writer.write(batch([tick(1)]))


def test_a_lock_is_waited_for_and_then_told(database_url: str, engine: Engine) -> None:
    """As busy, with the connection still good."""
    hasty = writer_engine(database_url, connections=1, lock_timeout_ms=100)
    writer = HistoryWriter(hasty)
    writer.write(batch([tick(0)]))
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE tick_rows IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(StoreBusy):
            writer.write(batch([tick(1)]))
    assert writer.write(batch([tick(1)])).ticks == 1
    hasty.dispose()
