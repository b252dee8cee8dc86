"""Which instruments are followed, with a venue and a feed made by hand."""

import pytest

from collector.backfill import RestUnavailable
from collector.universe import CLOCK_S, RETRY_S
from collector.venues import RestError
from market.instruments import symbols_for
from tests.collector.universe_world import HOUR, FakeRest, World


def test_the_venues_list_decides_what_is_followed() -> None:
    """What it does not list is left out and named; the others are followed as it lists them."""
    world = World("BTCUSDT", "NOPEUSDT", "ETHUSDT", rest=FakeRest("BTCUSDT", "ETHUSDT", "XRPUSDT"))
    assert world.start() == ["BTCUSDT", "ETHUSDT"]
    assert world.known["BTCUSDT"].tick_size == 0.1
    assert set(world.saved) == {"BTCUSDT", "ETHUSDT"}
    assert world.said == [("unknown", "not listed, left out: NOPEUSDT")]
    assert world.universe.unlisted == {"NOPEUSDT": ""}


def test_names_of_the_other_venue_and_older_names_are_found() -> None:
    """By the coin, whatever multiplier or name it goes by here; and that is said."""
    rest = FakeRest("SHIB1000USDT", "POLUSDT", "10000QUBICUSDT", "BTCUSDT")
    world = World("1000SHIBUSDT", "MATICUSDT", "QUBICUSDT", "BTCUSDT", rest=rest)
    assert world.start() == ["SHIB1000USDT", "POLUSDT", "10000QUBICUSDT", "BTCUSDT"]
    assert world.said == [
        ("renamed", "MATICUSDT is listed as POLUSDT, QUBICUSDT is listed as 10000QUBICUSDT")
    ]
    assert world.universe.unlisted == {"MATICUSDT": "POLUSDT", "QUBICUSDT": "10000QUBICUSDT"}


def test_where_nothing_is_listed_nothing_is_followed() -> None:
    """The venue's word counts, also when it leaves nothing."""
    world = World("NOPEUSDT", rest=FakeRest("BTCUSDT"))
    assert world.start() == []
    assert World("binance:FETUSDT", rest=FakeRest("FETUSDT")).start() == []


def test_a_list_that_cannot_be_read_is_told_once() -> None:
    """That the venue gives no answer is told by who asks it."""
    rest = FakeRest("BTCUSDT")
    world = World("BTCUSDT", rest=rest)
    for error in (RestUnavailable("down", 1.0), RestError("shape"), RestError("shape")):
        rest.error = error
        world.start()
        world.universe.keep(RETRY_S)
    assert world.said == [("rest", "shape")]


def test_without_rest_symbols_are_taken_at_their_word() -> None:
    """No call is made, ever."""
    world = World()
    assert world.start() == symbols_for("bybit", [])
    world.universe.keep(10 * HOUR)
    assert world.said == []
    assert world.saved == {}
    assert world.universe.unlisted == {}


@pytest.mark.parametrize("error", [RestUnavailable("status 451", 600.0), RestError("shape")])
def test_a_venue_that_does_not_answer_is_asked_again(error: Exception) -> None:
    """Symbols at their word meanwhile; slower and slower; then everything is known."""
    rest = FakeRest("BTCUSDT")
    rest.error = error
    world = World("BTCUSDT", "NOPEUSDT", rest=rest)
    assert world.start() == ["BTCUSDT", "NOPEUSDT"]
    assert world.known["BTCUSDT"].tick_size is None
    rest.asked.clear()
    for second in range(0, 600, 5):
        world.universe.keep(float(second))
    assert rest.asked.count("instruments") == 5  # after 30, 30, 60, 120 and 240 s
    assert rest.asked.count("clock") == 19
    rest.error = None
    world.universe.keep(5000.0)
    assert world.known["BTCUSDT"].tick_size == 0.1
    world.universe.keep(5000.0 + RETRY_S)
    assert set(world.known) == {"BTCUSDT"}
    assert ("unknown", "not listed, left out: NOPEUSDT") in world.said


def test_the_list_is_looked_at_once_an_hour_and_the_clock_more_often() -> None:
    """Not all workers at the same moment; what did not change is not published again."""
    rest = FakeRest("BTCUSDT")
    world = World("BTCUSDT", rest=rest)
    world.start()
    rest.asked.clear()
    for second in range(0, 7200, 10):
        world.universe.keep(float(second))
    assert rest.asked.count("instruments") in (1, 2)
    assert rest.asked.count("clock") == 7200 // CLOCK_S - 1
    assert world.republished == []
