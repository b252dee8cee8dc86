"""The same coin on two venues."""

from typing import Any

import pytest

from app.pairs import pairs_of
from app.view import OverviewRow


def row(venue: str, symbol: str, base: str, multiplier: float = 1.0, **values: Any) -> OverviewRow:
    return OverviewRow(venue, symbol, base, "USDT", multiplier, **values)


def test_the_difference_is_of_one_unit_of_the_coin() -> None:
    """SHIB1000 on one venue and 1000SHIB on the other, or a thousand beside one, make no difference."""
    rows = [
        row("bybit", "1000TURBOUSDT", "TURBO", 1000.0, mid=1.001),
        row("binance", "TURBOUSDT", "TURBO", 1.0, mid=0.001),
    ]
    (pair,) = pairs_of(rows)
    assert pair.mids == (pytest.approx(0.001001), 0.001)
    assert pair.mid_diff_bps == pytest.approx(1e4 * 0.000001 / 0.0010005)


def test_a_mid_has_the_digits_of_half_a_tick() -> None:
    """Of one unit of the coin, so more where the symbol names a thousand; none while no tick is known."""
    rows = [
        row("bybit", "1000TURBOUSDT", "TURBO", 1000.0, tick_size=0.0001),
        row("binance", "TURBOUSDT", "TURBO"),
    ]
    assert pairs_of(rows)[0].mid_places == (8, None)
    rows = [row("bybit", "XUSDT", "X", tick_size=0.5), row("binance", "XUSDT", "X", tick_size=10.0)]
    assert pairs_of(rows)[0].mid_places == (2, 1)


def test_the_sign_says_where_it_is_dearer() -> None:
    """Positive: on Bybit. The same in bps whichever is exchanged, but for the sign."""
    for mid_a, mid_b, sign in ((101.0, 100.0, 1), (100.0, 101.0, -1)):
        rows = [row("bybit", "XUSDT", "X", mid=mid_a), row("binance", "XUSDT", "X", mid=mid_b)]
        assert pairs_of(rows)[0].mid_diff_bps == pytest.approx(sign * 1e4 / 100.5)


def test_what_one_side_lacks_makes_no_difference_known() -> None:
    """Never the other side's value in its place; the older side says how old it is."""
    rows = [
        row("bybit", "XUSDT", "X", mid=1.0, funding_rate=0.1, recv_time=7, book_state="live"),
        row("binance", "XUSDT", "X", recv_time=5, book_state="stale"),
    ]
    (pair,) = pairs_of(rows)
    assert (pair.mid_diff_bps, pair.funding_diff, pair.turnover_24h) == (None, None, None)
    assert (pair.recv_time, pair.is_live) == (5, False)


def test_only_one_coin_of_one_family_and_quote_is_a_pair() -> None:
    """Not simulated beside live, not USDC beside USDT, not two coins of one name (their bases differ)."""
    rows = [
        row("bybit", "XUSDT", "X"),
        row("sim-binance", "XUSDT", "X"),
        OverviewRow("binance", "XUSDC", "X", "USDC", 1.0),
        row("bybit", "YUSDT", "bybit:YUSDT"),
        row("binance", "YUSDT", "binance:YUSDT"),
    ]
    assert pairs_of(rows) == []


def test_of_several_symbols_of_a_coin_the_most_traded_counts() -> None:
    """One row a coin."""
    rows = [
        row("bybit", "PEPEUSDT", "PEPE", turnover_24h=1.0),
        row("bybit", "1000PEPEUSDT", "PEPE", 1000.0, turnover_24h=9.0),
        row("binance", "1000PEPEUSDT", "PEPE", 1000.0, turnover_24h=5.0),
    ]
    assert [(pair.a.symbol, pair.b.symbol) for pair in pairs_of(rows)] == [("1000PEPEUSDT", "1000PEPEUSDT")]
