from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from sqlalchemy import Engine, text

from db.history.reader import HistoryReader
from db.history.writer import HistoryWriter, Written
from db.rows import KlineRow, TickerRow
from tests.db.history.rows import EVENT, MINUTE, OPEN, T0, batch, gap, kline, tick


@dataclass(frozen=True)
class Rules:
    """What is stored of one candle after rows were written one by one."""

    writer: HistoryWriter
    reader: HistoryReader

    def after(self, *rows: KlineRow) -> tuple[float, str, bool, list[tuple[int, int]]]:
        """Close, source and complete of the stored candle; (klines, revisions) of each write."""
        answers = [self.writer.write(batch(klines=[row])) for row in rows]
        (held,) = self.reader.klines("bybit", "ETHUSDT", "1m")
        return held.close, held.source, held.complete, [(a.klines, a.revisions) for a in answers]


@pytest.fixture
def rules(writer: HistoryWriter, reader: HistoryReader) -> Rules:
    return Rules(writer, reader)


def test_a_batch_written_twice_changes_nothing(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Every kind of row is new the first time and nothing the second time."""
    both = batch(
        [tick(0), tick(1)],
        [kline(0), kline(1)],
        [TickerRow("bybit", "ETHUSDT", 5.0, recv_time=T0)],
        [EVENT],
        [gap(0, detail="lost"), gap(1)],
    )
    assert writer.write(both) == Written(2, 2, 0, 1, 1, 2, ())
    assert writer.write(both) == Written(0, 0, 0, 0, 0, 0, ())
    assert reader.ticks("bybit", "ETHUSDT") == [tick(0), tick(1)]
    assert [k.open_time for k in reader.klines("bybit", "ETHUSDT", "1m")] == [OPEN, OPEN + MINUTE]
    assert reader.last_feed_events() == [EVENT]


def test_overlapping_batches_add_only_what_is_new(writer: HistoryWriter) -> None:
    """Of 0-9 and then 5-14, five are new the second time."""
    assert writer.write(batch([tick(n) for n in range(10)])).ticks == 10
    assert writer.write(batch([tick(n) for n in range(5, 15)])).ticks == 5


def test_two_workers_at_once_store_each_row_once(engine: Engine, reader: HistoryReader) -> None:
    """Two writers with the same new partition and the same rows do not fail and do not double."""
    rows = batch([tick(n) for n in range(2_000)], [kline(n) for n in range(50)])
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda writer: writer.write(rows), [HistoryWriter(engine), HistoryWriter(engine)])
        )
    assert sum(a.ticks for a in answers) == 2_000
    assert len(reader.ticks("bybit", "ETHUSDT", limit=5_000)) == 2_000


def test_a_key_twice_in_one_batch_is_stored_once(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Repeats inside a batch do not fail; REST and the newest ticker win."""
    rows = batch(
        [tick(0), tick(0)],
        [kline(close=9.0, source="rest"), kline(close=1.0)],
        [
            TickerRow("bybit", "ETHUSDT", 2.0, recv_time=T0 + 1),
            TickerRow("bybit", "ETHUSDT", 1.0, recv_time=T0),
        ],
        [EVENT, EVENT],
    )
    assert writer.write(rows) == Written(1, 1, 0, 1, 1, 0, ())
    assert reader.klines("bybit", "ETHUSDT", "1m")[0].close == 9.0
    assert reader.tickers()[0].last_price == 2.0


def test_the_same_millisecond_and_id_on_two_venues_are_two_rows(writer: HistoryWriter) -> None:
    """The instrument is part of a tick's identity; so is the update id."""
    same_ms = tick(0)._replace(update_id=7)
    assert (
        writer.write(batch([tick(0), tick(0, venue="sim-bybit"), tick(0, symbol="BTCUSDT"), same_ms])).ticks
        == 4
    )


def test_an_empty_side_is_stored_as_null(
    writer: HistoryWriter, engine: Engine, reader: HistoryReader
) -> None:
    """Without a bid there is no mid, spread or imbalance."""
    row = tick()._replace(bid_price=None, bid_size=None)
    writer.write(batch([row]))
    with engine.connect() as connection:
        found = connection.execute(text("SELECT mid, spread_bps, imbalance FROM orderbook_ticks")).one()
    assert tuple(found) == (None, None, None)
    assert reader.ticks("bybit", "ETHUSDT") == [row]


def test_rest_wins_where_it_differs(rules: Rules) -> None:
    """A REST row replaces a stream row with other numbers, and counts as a revision."""
    assert rules.after(kline(close=1.0), kline(close=1.2, source="rest")) == (
        1.2,
        "rest",
        True,
        [(1, 0), (1, 1)],
    )


def test_rest_changes_nothing_where_it_agrees(rules: Rules) -> None:
    """Numbers that differ by the rounding of a sum alone are equal."""
    agreeing = kline(source="rest", volume=10.0 * (1 + 1e-12))
    assert rules.after(kline(), agreeing) == (1.5, "stream", True, [(1, 0), (0, 0)])


def test_nothing_replaces_rest_but_newer_rest(rules: Rules) -> None:
    """A later stream row and an older REST row are ignored; a newer REST row is a correction by the venue."""
    older = kline(close=1.1, source="rest", recv_time=T0)
    newer = kline(close=1.4, source="rest", recv_time=T0 + 10 * MINUTE)
    written = rules.after(kline(close=1.2, source="rest"), kline(close=1.3), older, newer)
    assert written == (1.4, "rest", True, [(1, 0), (0, 0), (0, 0), (1, 1)])


def test_the_same_source_again_changes_nothing(rules: Rules) -> None:
    """The first stream row stays, whatever a second one says."""
    assert rules.after(kline(close=1.0), kline(close=1.1)) == (1.0, "stream", True, [(1, 0), (0, 0)])


def test_whole_replaces_broken_and_never_the_reverse(rules: Rules) -> None:
    """A candle that crosses a gap gives way to one that does not; complete never becomes false."""
    broken, whole = kline(close=1.0, complete=False), kline(close=1.1, source="rollup")
    assert rules.after(broken, whole, broken) == (1.1, "rollup", True, [(1, 0), (1, 0), (0, 0)])


def test_rest_repairs_a_candle_whose_numbers_were_right(rules: Rules) -> None:
    """complete becomes true; as no number changed, it is no revision."""
    assert rules.after(kline(complete=False), kline(source="rest")) == (1.5, "rest", True, [(1, 0), (1, 0)])


def test_rest_keeps_what_only_the_trades_knew(rules: Rules) -> None:
    """Trades and taker volume that REST does not tell stay."""
    rules.after(kline(source="trades", trades=7, taker_buy_volume=4.0), kline(close=1.2, source="rest"))
    (held,) = rules.reader.klines("bybit", "ETHUSDT", "1m")
    assert (held.close, held.trades, held.taker_buy_volume) == (1.2, 7, 4.0)


def test_counts_of_some_of_the_trades_do_not_stay(rules: Rules) -> None:
    """A candle of which trades were missed is replaced by a whole one that tells no counts: none is known."""
    part = kline(source="trades", trades=3, taker_buy_volume=2.0, volume=5.0, complete=False)
    rules.after(part, kline(source="rest", volume=10.0))
    (held,) = rules.reader.klines("bybit", "ETHUSDT", "1m")
    assert (held.volume, held.trades, held.taker_buy_volume) == (10.0, None, None)


def test_the_venues_word_replaces_a_provisional_candle(rules: Rules) -> None:
    """Also where it agrees, so that its source is told; only other numbers are a revision."""
    made = kline(source="trades")
    assert rules.after(made, kline(), made) == (1.5, "stream", True, [(1, 0), (1, 0), (0, 0)])


def test_a_provisional_candle_is_corrected_by_the_stream(rules: Rules) -> None:
    """Other numbers count as a revision, and the provisional ones do not come back."""
    made = kline(close=1.2, source="trades", complete=False)
    later = kline(close=1.3, source="trades", recv_time=T0 + 10 * MINUTE)
    assert rules.after(made, kline(), later) == (1.5, "stream", True, [(1, 0), (1, 1), (0, 0)])


def test_of_two_provisional_candles_the_newer_stays_if_it_is_no_poorer(rules: Rules) -> None:
    """Trades that came late are added; an older row, and one that knows less, change nothing."""
    first = kline(close=1.1, source="trades", complete=False, volume=5.0, recv_time=T0 + MINUTE)
    newer = kline(close=1.2, source="trades", complete=False, volume=6.0, recv_time=T0 + 2 * MINUTE)
    poorer = kline(close=1.3, source="trades", complete=False, volume=1.0, recv_time=T0 + 3 * MINUTE)
    written = rules.after(first, newer, first, poorer)
    assert written == (1.2, "trades", False, [(1, 0), (1, 0), (0, 0), (0, 0)])


def test_counts_are_added_to_the_streams_candle(rules: Rules) -> None:
    """What the trades tell after the close is stored; it is no revision, and a repeat changes nothing."""
    counted = kline(trades=7, taker_buy_volume=4.0, recv_time=T0 + 5 * MINUTE)
    assert rules.after(kline(), counted, counted, kline()) == (
        1.5,
        "stream",
        True,
        [(1, 0), (1, 0), (0, 0), (0, 0)],
    )
    (held,) = rules.reader.klines("bybit", "ETHUSDT", "1m")
    assert (held.trades, held.taker_buy_volume) == (7, 4.0)


def test_revisions_in_one_batch_end_as_one_by_one(writer: HistoryWriter, reader: HistoryReader) -> None:
    """Of a provisional candle, the venue's and the counts added to that, the last is stored."""
    counted = kline(trades=7, taker_buy_volume=4.0, recv_time=T0 + 5 * MINUTE)
    writer.write(batch(klines=[kline(close=1.2, source="trades"), kline(), counted]))
    (held,) = reader.klines("bybit", "ETHUSDT", "1m")
    assert (held.close, held.source, held.trades) == (1.5, "stream", 7)


def test_an_older_ticker_does_not_come_back(writer: HistoryWriter, reader: HistoryReader) -> None:
    """A batch that waited on disk does not turn the last known ticker back."""
    new = TickerRow(
        "bybit", "ETHUSDT", 2.0, funding_rate=0.0001, next_funding_time=T0, event_time=T0, recv_time=T0 + 1
    )
    writer.write(batch(tickers=[new]))
    assert writer.write(batch(tickers=[TickerRow("bybit", "ETHUSDT", 1.0, recv_time=T0)])).tickers == 0
    assert reader.tickers() == [new]
