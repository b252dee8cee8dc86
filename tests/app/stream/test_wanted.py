"""What a stream may be asked for."""

import pytest

from app.api_names import Names
from app.errors import BadValue, UnknownName
from app.read_model import ReadModel
from app.stream.wanted import KINDS, Wanted, read_id, read_wanted
from tests.app.fake_history import FakeHistory
from tests.app.fakes import FakeReader, FakeTime, settings


@pytest.fixture
def names() -> Names:
    clock = FakeTime().clock
    return Names(ReadModel(settings(), FakeReader(), clock), FakeHistory(), clock)


def test_without_parameters_everything_is_wanted(names: Names) -> None:
    """Every venue, symbol and kind; empty words are none."""
    assert read_wanted({}, names) == read_wanted({"symbols": ",", "kinds": ""}, names) == Wanted()
    assert Wanted().kinds == set(KINDS)
    assert Wanted().has("bybit", "BTCUSDT")


def test_lists_are_taken_apart(names: Names) -> None:
    """In any order, with blanks around the commas."""
    given = {"symbols": "ETHUSDT, BTCUSDT", "venues": "bybit", "kinds": "signal,gap"}
    wanted = read_wanted(given, names)
    assert wanted == (frozenset({"bybit"}), frozenset({"BTCUSDT", "ETHUSDT"}), frozenset({"signal", "gap"}))
    assert (wanted.is_market, wanted.is_events) == (False, True)
    assert not wanted.has("binance", "BTCUSDT")
    assert not wanted.has("bybit", "XRPUSDT")
    assert wanted.has("bybit", "")  # what happened to the whole feed


@pytest.mark.parametrize("kind", ["market", "change"])
def test_either_word_asks_for_market_data(names: Names, kind: str) -> None:
    """Changes without a snapshot before them would be of no use."""
    wanted = read_wanted({"kinds": kind}, names)
    assert (wanted.is_market, wanted.is_events) == (True, False)


def test_a_reset_comes_whether_or_not_it_is_asked_for(names: Names) -> None:
    """Every event that a stream has may be named."""
    assert read_wanted({"kinds": "signal,reset"}, names) == read_wanted({"kinds": "signal"}, names)
    every = "market,change,signal,gap,feed,candle,reset"
    assert read_wanted({"kinds": every}, names) == Wanted()


def test_what_there_is_not_is_named(names: Names) -> None:
    """The parameter and the word."""
    with pytest.raises(BadValue, match="found 'trades'") as bad:
        read_wanted({"kinds": "signal,trades"}, names)
    assert bad.value.field == "kinds"
    for field, word in (("venues", "nasdaq"), ("symbols", "NOPE")):
        with pytest.raises(UnknownName, match=word) as unknown:
            read_wanted({field: word}, names)
        assert unknown.value.field == field
    with pytest.raises(BadValue, match="at most 500"):
        read_wanted({"symbols": ",".join(str(n) for n in range(501))}, names)


def test_ids_are_those_of_redis() -> None:
    """Two numbers; anything else is refused."""
    assert read_id("1700000000000-12") == (1700000000000, 12)
    assert read_id(None) is read_id("") is None
    for text in ("7", "x-1", "1-", "-1-0", "1-0-0", "9" * 20 + "-0", "١-٢"):
        with pytest.raises(BadValue) as bad:
            read_id(text)
        assert bad.value.field == "Last-Event-ID"
