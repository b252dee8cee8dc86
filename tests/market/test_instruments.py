"""Symbols and their parts."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.instruments import (
    BUILT_IN,
    Chosen,
    Instrument,
    are_one_coin,
    choose,
    family_of,
    listed_as,
    most_traded,
    named,
    parse_symbol,
    spelled_for,
    symbols_for,
    unknown_instrument,
)

PARTS = {
    "BTCUSDT": ("BTC", "USDT", 1.0),
    "1000PEPEUSDT": ("PEPE", "USDT", 1000.0),
    "SHIB1000USDT": ("SHIB", "USDT", 1000.0),
    "1MBABYDOGEUSDT": ("BABYDOGE", "USDT", 1e6),
    "1000000MOGUSDT": ("MOG", "USDT", 1e6),
    "1INCHUSDT": ("1INCH", "USDT", 1.0),
    "BTCPERP": ("BTC", "USDC", 1.0),
    "PUMPFUNUSDT": ("PUMP", "USDT", 1.0),
    "10000SATSUSDT": ("SATS", "USDT", 10000.0),
}


@pytest.mark.parametrize(("symbol", "parts"), PARTS.items())
def test_a_symbol_names_base_quote_and_multiplier(symbol: str, parts: tuple[str, str, float]) -> None:
    """Multipliers stand before or behind the coin, and 1INCH is a coin."""
    assert parse_symbol(symbol) == parts


def test_symbols_are_mapped_to_each_venues_spelling() -> None:
    """From either spelling, for simulated and test venues too."""
    assert (
        spelled_for("SHIB1000USDT", "binance") == spelled_for("1000SHIBUSDT", "sim-binance") == "1000SHIBUSDT"
    )
    assert spelled_for("PUMPUSDT", "bybit") == "PUMPFUNUSDT"
    assert symbols_for("bybit", ["1000SHIBUSDT", "SHIB1000USDT", "BTCUSDT"]) == ["SHIB1000USDT", "BTCUSDT"]


def test_a_symbol_may_be_for_one_venue_alone() -> None:
    """venue:SYMBOL is left out elsewhere."""
    wanted = ["bybit:MNTUSDT", "binance:FETUSDT", "BTCUSDT"]
    assert symbols_for("sim-bybit", wanted) == ["MNTUSDT", "BTCUSDT"]
    assert symbols_for("binance-testnet", wanted) == ["FETUSDT", "BTCUSDT"]


def test_the_built_in_list_has_50_coins_on_each_venue() -> None:
    """Without repeats."""
    assert len(BUILT_IN) == len(set(symbols_for("bybit", []))) == len(set(symbols_for("binance", []))) == 50


def listing(*symbols: str) -> dict[str, Instrument]:
    """A venue's list."""
    return {symbol: unknown_instrument("binance", symbol) for symbol in symbols}


def test_what_is_asked_for_is_found_by_its_coin() -> None:
    """As listed first, then by base and quote, then by its newer name; never by another quote."""
    listed = listing("BTCUSDT", "1000SATSUSDT", "POLUSDT", "RENDERUSDT", "ETHUSDC")
    assert listed_as("BTCUSDT", listed) == "BTCUSDT"
    assert listed_as("10000SATSUSDT", listed) == "1000SATSUSDT"
    assert listed_as("MATICUSDT", listed) == "POLUSDT"
    assert listed_as("ETHUSDT", listed) is None
    chosen = choose("binance", ["RNDRUSDT", "RENDERUSDT", "bybit:BTCUSDT", "NOPEUSDT"], listed)
    assert chosen == Chosen(["RENDERUSDT"], ["NOPEUSDT"], {"RNDRUSDT": "RENDERUSDT"})
    assert choose("binance", ["RENDERUSDT", "RNDRUSDT"], listed) == chosen._replace(unlisted=[])


ranks = st.permutations([f"S{n}" for n in range(30)])


@given(before=ranks, after=ranks, count=st.integers(1, 40))
def test_the_most_traded_are_as_many_as_asked_for(before: list[str], after: list[str], count: int) -> None:
    """By rank; nobody far behind is kept, nobody in front is left out, and a second look changes nothing."""
    followed = most_traded(before, count, ())
    assert followed == before[:count]
    found = most_traded(after, count, followed)
    assert len(found) == min(count, 30)
    assert found == sorted(found, key=after.index)
    assert set(after[: round(count * 0.8)]) <= set(found)
    assert set(found) & set(followed) <= set(after[: max(count, round(count * 1.2))])
    assert most_traded(after, count, found) == found


def test_one_coin_costs_the_same() -> None:
    """Of one unit, up to a fifth."""
    assert are_one_coin("1000PEPEUSDT", 4.5, "PEPEUSDT", 0.0045)
    assert are_one_coin("AUSDT", 1.0, "AUSDT", 1.19)
    assert not are_one_coin("AUSDT", 1.0, "AUSDT", 1.21)
    assert not are_one_coin("1000PEPEUSDT", 4.5, "1000000PEPEUSDT", 4.5)


def test_venues_of_a_kind_have_one_family() -> None:
    """Live, simulated, testnet."""
    families = [family_of(v) for v in ("bybit", "binance", "sim-bybit", "sim-binance", "binance-testnet")]
    assert families == ["", "", "sim-", "sim-", "-testnet"]


def test_a_coin_of_its_own_is_no_other_venues() -> None:
    """Its base names venue and symbol, so that nothing joins them; and back."""
    pepe = unknown_instrument("bybit", "1000PEPEUSDT")
    alone = named(pepe, is_apart=True)
    assert (alone.base, alone.multiplier, alone.quote) == ("bybit:1000PEPEUSDT", 1.0, "USDT")
    assert named(alone, is_apart=False) == pepe


def test_what_trades_is_known_by_its_status() -> None:
    """In either venue's spelling; what is not known does not."""
    states = ("Trading", "TRADING", "SETTLING", "unknown", "delisted")
    pepe = unknown_instrument("bybit", "1000PEPEUSDT")
    assert [msgspec.structs.replace(pepe, status=s).is_trading for s in states] == [
        True,
        True,
        False,
        False,
        False,
    ]
