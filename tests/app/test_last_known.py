"""Rows from what Postgres last knew."""

from app.last_known import newest, overlay, refilled
from app.view import OverviewRow, blank_row
from db.rows import TickerRow
from market.instruments import Instrument
from tests.app.fakes import NOW

TICKER = TickerRow(
    "bybit", "BTCUSDT", last_price=65114.2, change_24h_pct=-1.5, best_bid_price=99.0, best_bid_size=3.0,
    best_ask_price=101.0, best_ask_size=1.0, event_time=NOW - 5, recv_time=NOW,
)  # fmt: skip
KNOWN = Instrument("bybit", "BTCUSDT", "BTC", "USDT", 1.0, tick_size=0.1)


def test_a_blank_row_gets_the_stored_values() -> None:
    """With what follows from them, the digits of its tick, its age, and a book that is not live."""
    (row,) = overlay([blank_row("bybit", "BTCUSDT")], [TICKER], [KNOWN])
    assert (row.last_price, row.change_24h_pct, row.recv_time) == (65114.2, -1.5, NOW)
    assert (row.mid, row.spread_bps, row.imbalance) == (100.0, 200.0, 0.5)
    assert (row.tick_size, row.base, row.book_state) == (0.1, "BTC", "stale")


def test_a_newer_row_stays() -> None:
    """What Redis had last is newer than what the collector had stored by then, until it stores more."""
    held = OverviewRow("bybit", "BTCUSDT", last_price=1.0, recv_time=NOW, book_state="live")
    assert overlay([held], [TICKER], []) == [held]
    (row,) = overlay([held], [TickerRow("bybit", "BTCUSDT", 2.0, recv_time=NOW + 1)], [])
    assert row.last_price == 2.0


def test_what_is_not_stored_stays_as_it_is() -> None:
    """Other instruments, and tickers without a time."""
    rows = [blank_row("bybit", "ETHUSDT"), blank_row("binance", "BTCUSDT")]
    assert overlay(rows, [TICKER, TickerRow("binance", "BTCUSDT", 5.0)], []) == rows


def test_an_empty_row_is_as_it_was_held() -> None:
    """One that has values stays, and what was held without any gives none; a book of then is not live."""
    held = [
        OverviewRow("bybit", "BTCUSDT", last_price=1.0, recv_time=NOW, book_state="live"),
        OverviewRow("bybit", "ETHUSDT", last_price=2.0, recv_time=NOW),
        blank_row("bybit", "SOLUSDT"),
    ]
    live = OverviewRow("bybit", "ETHUSDT", last_price=3.0, recv_time=NOW + 1, book_state="live")
    blank = [blank_row("bybit", symbol) for symbol in ("BTCUSDT", "SOLUSDT")]
    first, second, third = refilled([blank[0], live, blank[1]], held)
    assert (first.last_price, first.recv_time, first.book_state) == (1.0, NOW, "stale")
    assert second == live
    assert third == blank[1]


def test_the_newest_of_some_venues() -> None:
    """-1 where they have none."""
    assert newest([TICKER], ["bybit"]) == NOW
    assert newest([TICKER], ["binance"]) == -1
