"""What becomes of followed instruments when the venue's list changes."""

import threading

import msgspec

from collector.backfill import RestUnavailable
from collector.universe import DOUBT_S, ERASE_S, RETRY_S
from market.instruments import symbols_for
from tests.collector.universe_world import HOUR, FakeRest, World, listed


def test_a_new_tick_size_is_republished() -> None:
    """That instrument alone, and said."""
    rest = FakeRest("BTCUSDT", "ETHUSDT")
    world = World("BTCUSDT", "ETHUSDT", rest=rest)
    world.start()
    rest.listing["ETHUSDT"] = listed("ETHUSDT", tick_size=0.05)
    world.universe.keep(HOUR)
    assert world.republished == ["ETHUSDT"]
    assert world.known["ETHUSDT"].tick_size == world.saved["ETHUSDT"].tick_size == 0.05
    assert world.said == [("instrument", "ETHUSDT: tick_size 0.1 → 0.05")]


def test_a_symbol_that_is_not_listed_any_more_goes_when_a_second_list_lacks_it() -> None:
    """Its topics, its jobs and its hot keys; its history stays, and the others are not touched."""
    rest = FakeRest("BTCUSDT", "ETHUSDT", "XRPUSDT")
    world = World("BTCUSDT", "ETHUSDT", rest=rest)
    world.start()
    del rest.listing["ETHUSDT"]
    world.universe.keep(HOUR)
    assert set(world.known) == {"BTCUSDT", "ETHUSDT"}
    world.universe.keep(HOUR + RETRY_S)
    assert set(world.known) == {"BTCUSDT"}
    assert world.gone == ["ETHUSDT"]
    assert world.erased == []
    assert ("delisted", "ETHUSDT is not listed any more") in world.said
    assert world.saved["ETHUSDT"].status == "delisted"
    world.universe.keep(HOUR + RETRY_S + ERASE_S)
    assert world.erased == ["ETHUSDT"]
    assert world.republished == []


def test_a_list_that_lacks_it_once_costs_nothing() -> None:
    """Also if it happens again an hour later."""
    rest = FakeRest("BTCUSDT", "ETHUSDT", "XRPUSDT")
    world = World("BTCUSDT", "ETHUSDT", rest=rest)
    world.start()
    for n in (1, 2, 3):
        del rest.listing["ETHUSDT"]
        world.universe.keep(n * 2 * HOUR)
        rest.listing["ETHUSDT"] = listed("ETHUSDT")
        world.universe.keep(n * 2 * HOUR + RETRY_S)
    assert set(world.known) == {"BTCUSDT", "ETHUSDT"}
    assert world.gone == []


def test_a_symbol_that_does_not_trade_any_more_goes_at_once_and_may_come_back() -> None:
    """By the venue's own word, which is kept."""
    rest = FakeRest("BTCUSDT", "ETHUSDT")
    world = World("BTCUSDT", "ETHUSDT", rest=rest)
    world.start()
    rest.listing["ETHUSDT"] = listed("ETHUSDT", status="SETTLING")
    world.universe.keep(HOUR)
    assert set(world.known) == {"BTCUSDT"}
    assert ("delisted", "ETHUSDT has the status SETTLING") in world.said
    assert world.saved["ETHUSDT"].status == "SETTLING"
    rest.listing["ETHUSDT"] = listed("ETHUSDT")
    world.universe.keep(2 * HOUR + RETRY_S)
    assert set(world.known) == {"BTCUSDT", "ETHUSDT"}
    assert world.new == ["ETHUSDT"]
    assert ("following", "ETHUSDT") in world.said


def test_a_symbol_that_comes_back_at_once_keeps_its_keys() -> None:
    """They are not deleted behind its back."""
    rest = FakeRest("BTCUSDT", "ETHUSDT")
    world = World("BTCUSDT", "ETHUSDT", rest=rest)
    world.start()
    rest.listing["ETHUSDT"] = listed("ETHUSDT", status="SETTLING")
    world.universe.keep(HOUR)
    rest.listing["ETHUSDT"] = listed("ETHUSDT")
    world.universe.keep(3 * HOUR)
    assert world.erased == []


def test_a_rename_is_one_that_goes_and_one_that_comes() -> None:
    """The coin is followed under its new name from the first list on that has it."""
    rest = FakeRest("BTCUSDT", "SHIB1000USDT", "XRPUSDT")
    world = World("BTCUSDT", "SHIB1000USDT", rest=rest)
    world.start()
    del rest.listing["SHIB1000USDT"]
    rest.listing["SHIB100USDT"] = listed("SHIB100USDT")
    world.universe.keep(HOUR)
    assert world.universe.unlisted == {}  # it is followed until a second list lacks it
    world.universe.keep(HOUR + RETRY_S)
    assert world.universe.unlisted == {"SHIB1000USDT": "SHIB100USDT"}
    assert set(world.known) == {"BTCUSDT", "SHIB100USDT"}
    assert world.new == ["SHIB100USDT"]
    assert world.gone == ["SHIB1000USDT"]
    assert ("renamed", "SHIB1000USDT is listed as SHIB100USDT") in world.said


def test_a_list_that_suddenly_lacks_most_is_not_believed_at_once() -> None:
    """Nor one that is empty; if it stays so, it is."""
    rest = FakeRest(*symbols_for("bybit", []))
    world = World(rest=rest)
    world.start()
    whole, now = rest.listing, HOUR
    rest.listing = {}
    for _ in range(5):
        world.universe.keep(now)
        now += HOUR
    assert len(world.known) == 50
    rest.listing = {symbol: whole[symbol] for symbol in list(whole)[:10]}
    for _ in range(3):
        world.universe.keep(now)
        now += HOUR
    assert len(world.known) == 50
    for _ in range(2):
        world.universe.keep(now)
        now += HOUR
    assert len(world.known) == 10


def test_the_most_traded_are_followed() -> None:
    """auto:N waits for the venue's word; new listings enter, the edge does not flicker, the fallen leave."""
    rest = FakeRest(*(f"C{n}USDT" for n in range(20)))
    rest.turnovers = {symbol: 100.0 - n for n, symbol in enumerate(rest.listing)}
    world = World("auto:10", rest=rest)
    assert world.start() == [f"C{n}USDT" for n in range(10)]
    rest.turnovers["C10USDT"] = 91.5  # rank 10 and 11 change places: no reason to change anything
    world.universe.keep(HOUR)
    assert set(world.known) == {f"C{n}USDT" for n in range(10)}
    rest.listing["NEWUSDT"] = listed("NEWUSDT")
    rest.turnovers["NEWUSDT"] = 99.5
    world.universe.keep(2 * HOUR + RETRY_S)
    assert set(world.known) == {"NEWUSDT", *(f"C{n}USDT" for n in range(9))}
    assert ("left", "C9USDT is no longer among those to follow") in world.said
    rest.turnovers["C0USDT"] = 1.0
    world.universe.keep(4 * HOUR)
    assert "C0USDT" not in world.known
    assert len(world.known) == 10


def test_auto_waits_for_the_venue() -> None:
    """Without its word nothing can be chosen."""
    rest = FakeRest("BTCUSDT")
    rest.error = RestUnavailable("down", 1.0)
    world = World("auto:5", rest=rest)
    stopping = threading.Event()
    stopping.set()
    assert world.universe.first(stopping) == []
    rest.error = None
    world.universe.keep(0.0)
    world.universe.keep(RETRY_S)
    assert world.new == ["BTCUSDT"]


def test_a_symbol_set_apart_stays_so_through_lists() -> None:
    """Its base claims nothing; put back, it is what its name says."""
    rest = FakeRest("1000PEPEUSDT", "BTCUSDT")
    world = World("1000PEPEUSDT", "BTCUSDT", rest=rest)
    world.start()
    world.universe.set_apart("1000PEPEUSDT", is_apart=True)
    world.universe.set_apart("GONEUSDT", is_apart=True)
    world.universe.keep(HOUR)
    alone = world.known["1000PEPEUSDT"]
    assert (alone.base, alone.multiplier, alone.tick_size) == ("bybit:1000PEPEUSDT", 1.0, 0.1)
    assert world.saved["1000PEPEUSDT"] == alone
    assert world.republished == ["1000PEPEUSDT"]
    world.universe.set_apart("1000PEPEUSDT", is_apart=False)
    back = world.known["1000PEPEUSDT"]
    assert (back.base, back.multiplier) == ("PEPE", 1000.0)
    assert back == msgspec.structs.replace(alone, base="PEPE", multiplier=1000.0)


def test_a_symbol_that_falls_silent_is_looked_up_soon() -> None:
    """Once a minute at most; one that is not followed is nobody's business."""
    rest = FakeRest("BTCUSDT", "ETHUSDT")
    world = World("BTCUSDT", "ETHUSDT", rest=rest)
    world.start()
    del rest.listing["ETHUSDT"]
    world.universe.doubt({"XRPUSDT"}, 1.0)
    world.universe.keep(1.0)
    assert "ETHUSDT" in world.universe.followed
    world.universe.doubt({"ETHUSDT"}, 2.0)
    world.universe.keep(2.0)
    assert "ETHUSDT" not in world.universe.followed
    looks = rest.asked.count("instruments")
    for second in range(3, 60):
        world.universe.doubt({"BTCUSDT"}, float(second))
        world.universe.keep(float(second))
    assert rest.asked.count("instruments") == looks
    world.universe.doubt({"BTCUSDT"}, 2.0 + DOUBT_S)
    world.universe.keep(2.0 + DOUBT_S)
    assert rest.asked.count("instruments") == looks + 1


def test_a_symbol_that_is_listed_at_last_is_unlisted_no_longer() -> None:
    """From the first list on that has it."""
    rest = FakeRest("BTCUSDT")
    world = World("BTCUSDT", "NEWUSDT", rest=rest)
    world.start()
    assert world.universe.unlisted == {"NEWUSDT": ""}
    rest.listing["NEWUSDT"] = listed("NEWUSDT")
    world.universe.keep(HOUR)
    assert world.universe.unlisted == {}
