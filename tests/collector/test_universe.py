"""Which instruments are followed, with a venue and a feed made by hand."""

import threading
from collections.abc import Iterable, Sequence

import msgspec
import pytest

from collector.backfill import RestUnavailable
from collector.universe import CLOCK_S, DOUBT_S, ERASE_S, REFRESH_S, RETRY_S, Outlets, Universe
from collector.venues import RestError
from market.instruments import Instrument, parse_symbol, symbols_for

HOUR = REFRESH_S * 1.2


def listed(symbol: str, *, status: str = "Trading", tick_size: float = 0.1) -> Instrument:
    return Instrument("bybit", symbol, *parse_symbol(symbol), tick_size, 0.001, status)


class FakeRest:
    """A venue's list; `error` is raised instead of an answer."""

    def __init__(self, *symbols: str) -> None:
        self.listing = {symbol: listed(symbol) for symbol in symbols}
        self.turnovers: dict[str, float] = {}
        self.error: Exception | None = None
        self.asked: list[str] = []

    def ask_clock(self, *, timeout_s: tuple[float, float] = (0, 0)) -> None:  # noqa: ARG002  as in Backfill
        self._ask("clock")

    def instruments(self, *, timeout_s: tuple[float, float] = (0, 0)) -> list[Instrument]:  # noqa: ARG002
        self._ask("instruments")
        return list(self.listing.values())

    def turnover(self) -> dict[str, float]:
        self._ask("turnover")
        return self.turnovers

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error


class World:
    """A universe and everything around it."""

    def __init__(self, *wanted: str, rest: FakeRest | None = None) -> None:
        self.rest = rest
        self.known: dict[str, Instrument] = {}
        self.republished: list[str] = []
        self.said: list[tuple[str, str]] = []
        self.saved: dict[str, Instrument] = {}
        self.new: list[str] = []
        self.gone: list[str] = []
        self.erased: list[str] = []
        outlets = Outlets(
            lambda _venue, event, detail: self.said.append((event, detail)),
            self._save,
            self.new.extend,
            self.gone.extend,
            self.erased.extend,
        )
        self.universe = Universe("bybit", wanted, rest, self, outlets)

    def start(self) -> list[str]:
        """The symbols of the start."""
        found = self.universe.first(threading.Event())
        self.known = {i.symbol: i for i in found}
        self.universe.keep(0.0)
        return list(self.known)

    def follow(self, instruments: Iterable[Instrument]) -> None:
        for instrument in instruments:
            self.known[instrument.symbol] = instrument
            self.republished.append(instrument.symbol)

    def unfollow(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            del self.known[symbol]

    def _save(self, instruments: Sequence[Instrument]) -> None:
        self.saved |= {i.symbol: i for i in instruments}


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
