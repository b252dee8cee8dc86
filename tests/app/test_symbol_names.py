"""Addresses of instruments: which are known, which are near, where else a coin is traded."""

import pytest

from app.read_model import ReadModel
from app.symbol_names import Names, Place, place_of
from tests.app.fakes import LIVE_FEED, FakeReader, FakeTime, settings

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SHIB1000USDT", "1000PEPEUSDT"]


def names(**values: object) -> tuple[Names, FakeReader]:
    reader = FakeReader()
    given = {"symbols": SYMBOLS} | values
    return Names(ReadModel(settings(**given), reader, FakeTime().clock)), reader


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/s/bybit/BTCUSDT", Place("bybit", "BTCUSDT")),
        ("/s/bybit/BTCUSDT/", Place("bybit", "BTCUSDT")),
        ("/s/bybit/%E9%BE%99USDT", Place("bybit", "龙USDT")),
        ("/s/bybit", None),
        ("/s/bybit/a/b", None),
        ("/s//BTCUSDT", None),
        ("/", None),
    ],
)
def test_a_path_names_a_venue_and_a_symbol(path: str, place: Place | None) -> None:
    """And nothing else does."""
    assert place_of(path) == place


@pytest.mark.parametrize("is_broken", [False, True])
def test_the_configured_instruments_are_known(*, is_broken: bool) -> None:
    """Each in its venue's spelling, also while no store answers."""
    found, reader = names()
    reader.broken = is_broken
    assert found.is_known(Place("bybit", "SHIB1000USDT"))
    assert found.is_known(Place("binance", "1000SHIBUSDT"))
    assert not found.is_known(Place("binance", "SHIB1000USDT"))
    assert not found.is_known(Place("kraken", "BTCUSDT"))


def test_with_auto_what_is_collected_is_known() -> None:
    """Only the collector knows the most traded."""
    found, reader = names(symbols=["auto:5"])
    reader.put("bybit", "SOLUSDT")
    assert found.is_known(Place("bybit", "SOLUSDT"))
    assert not found.is_known(Place("bybit", "BTCUSDT"))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        (Place("bybit", "BTCUSTD"), Place("bybit", "BTCUSDT")),
        (Place("binance", "btcusdt"), Place("binance", "BTCUSDT")),
        (Place("bybitt", "ETHUSDT"), Place("bybit", "ETHUSDT")),
        (Place("bybit", "PEPE"), Place("bybit", "1000PEPEUSDT")),
        (Place("binance", "SHIB1000USDT"), Place("binance", "1000SHIBUSDT")),
    ],
)
def test_the_nearest_name_comes_first(wrong: Place, right: Place) -> None:
    """Typing errors, the wrong case, a bare coin, the other venue's spelling."""
    assert names()[0].nearest(wrong)[0] == right


def test_there_is_always_something_near() -> None:
    """Nonsense gets the first ones, however long it is."""
    found = names()[0].nearest(Place("x" * 2000, "ø" * 2000))
    assert found[0] == Place("bybit", "BTCUSDT")
    assert len(found) <= 6


def test_a_coin_has_a_twin_on_the_other_venue_of_its_kind() -> None:
    """In the spelling there; simulated ones stand beside simulated ones."""
    found, _ = names(feeds="auto")
    assert found.twins(Place("bybit", "SHIB1000USDT")) == [Place("binance", "1000SHIBUSDT")]
    assert found.twins(Place("sim-binance", "BTCUSDT")) == [Place("sim-bybit", "BTCUSDT")]


def test_a_twin_may_have_another_multiplier() -> None:
    """What counts is the coin and its quote, whatever its name there."""
    found, reader = names(symbols=["bybit:1000XECUSDT", "binance:XECUSDT", "binance:XECUSDC"])
    for venue, symbol, multiplier in (("bybit", "1000XECUSDT", 1000.0), ("binance", "XECUSDT", 1.0)):
        reader.put(venue, symbol, base="XEC", multiplier=multiplier)
    assert found.twins(Place("bybit", "1000XECUSDT")) == [Place("binance", "XECUSDT")]
    assert found.twins(Place("binance", "XECUSDT")) == [Place("bybit", "1000XECUSDT")]
    assert found.twins(Place("binance", "XECUSDC")) == []


def test_coins_that_prices_have_told_apart_are_no_twins() -> None:
    """The collector gives both a base that nothing else has."""
    found, reader = names(symbols=["BTCUSDT"])
    reader.states = {"bybit": LIVE_FEED, "binance": LIVE_FEED}
    reader.put("bybit", "BTCUSDT", base="bybit:BTCUSDT")
    reader.put("binance", "BTCUSDT", base="binance:BTCUSDT")
    assert found.twins(Place("bybit", "BTCUSDT")) == []


def test_what_is_not_listed_is_neither_known_nor_near_nor_a_twin() -> None:
    """What is listed by another name is known by that one."""
    found, reader = names(symbols=["BTCUSDT", "FOOUSDT", "PEPEUSDT"])
    reader.states = {
        "bybit": LIVE_FEED | {"unlisted": "FOOUSDT, PEPEUSDT as 1000PEPEUSDT"},
        "binance": LIVE_FEED,
    }
    foo, pepe, listed = (Place("bybit", s) for s in ("FOOUSDT", "PEPEUSDT", "1000PEPEUSDT"))
    assert [found.is_known(place) for place in (foo, pepe, listed)] == [False, False, True]
    assert [found.listed_as(place) for place in (foo, pepe, listed)] == ["", "1000PEPEUSDT", None]
    assert found.nearest(Place("bybit", "FOOUSD"))[0] == Place("binance", "FOOUSDT")
    assert not {foo, pepe} & {*found.nearest(foo), *found.nearest(pepe)}
    assert found.twins(Place("binance", "FOOUSDT")) == []
    assert found.twins(Place("binance", "PEPEUSDT")) == [listed]
