"""What of a venue this worker follows and speaks for, as leases come and go."""

from collections.abc import Iterable, Sequence

import pytest

from collector.leases import Share
from collector.leases.share import GRACE_S, YIELD_S
from market.instruments import Instrument, unknown_instrument
from tests.collector.fakes import Bench

BTC, ETH = (unknown_instrument("bybit", symbol) for symbol in ("BTCUSDT", "ETHUSDT"))


class Feed:
    """Follows in the bench's pipeline."""

    def __init__(self, bench: Bench) -> None:
        self.pipeline = bench.pipeline

    def start(self, instruments: Iterable[Instrument]) -> None:
        self.follow(instruments)

    def follow(self, instruments: Iterable[Instrument]) -> None:
        self.pipeline.follow(instruments)

    def unfollow(self, symbols: Iterable[str], *, for_good: bool = False) -> None:  # noqa: ARG002
        self.pipeline.forget(symbols)


class Setup:
    """A share of two instruments, and what it told."""

    def __init__(self) -> None:
        self.pipeline = Bench("bybit").pipeline
        self.told: list[tuple[list[str], bool]] = []
        self.taken_at: list[float] = []
        feed = Feed(Bench("bybit"))
        feed.pipeline = self.pipeline
        self.share = Share("bybit", self.pipeline, feed, self.on_taken)
        self.share.want([BTC, ETH])

    def on_taken(self, symbols: Sequence[str], *, is_orphaned: bool, taken_at: float) -> None:
        self.taken_at.append(taken_at)
        self.told.append((list(symbols), is_orphaned))

    @property
    def epochs(self) -> dict[str, int | None]:
        """Symbol -> the epoch by which it is published."""
        return {symbol: state.epoch for symbol, state in self.pipeline.states.items()}


@pytest.fixture
def setup() -> Setup:
    """Nothing is known of leases yet."""
    return Setup()


def test_while_leases_are_not_known_a_worker_has_all(setup: Setup) -> None:
    """Postgres may be away: what came late is sorted out afterwards."""
    setup.share.start()
    assert setup.epochs == {"BTCUSDT": 0, "ETHUSDT": 0}
    setup.share.apply({"BTCUSDT": 7}, {"ETHUSDT": True}, now=100.0)
    assert setup.epochs == {"BTCUSDT": 7, "ETHUSDT": None}
    assert not setup.share.is_mine("ETHUSDT")


def test_what_others_took_is_followed_for_a_while(setup: Setup) -> None:
    """So that nothing is missed until they have data; it is not spoken for."""
    setup.share.apply({"BTCUSDT": 1, "ETHUSDT": 1}, {}, now=100.0)
    setup.share.start()
    setup.share.apply({"BTCUSDT": 1}, {"ETHUSDT": True}, now=101.0)
    setup.share.apply({"BTCUSDT": 1}, {"ETHUSDT": True}, now=101.0 + GRACE_S - 0.1)
    assert setup.epochs == {"BTCUSDT": 1, "ETHUSDT": None}
    setup.share.apply({"BTCUSDT": 1}, {"ETHUSDT": True}, now=101.0 + GRACE_S)
    assert setup.epochs == {"BTCUSDT": 1}
    assert setup.pipeline.elsewhere == {"ETHUSDT"}


def test_who_takes_from_one_that_goes_on_publishes_later(setup: Setup) -> None:
    """Two that publish at once would have the state go back and forth."""
    setup.share.apply({"BTCUSDT": 1}, {}, now=100.0)
    setup.share.start()
    setup.share.apply({"BTCUSDT": 1, "ETHUSDT": 5}, {"ETHUSDT": True}, now=101.0)
    assert setup.epochs == {"BTCUSDT": 1, "ETHUSDT": None}
    assert setup.share.is_mine("ETHUSDT")
    setup.share.apply({"BTCUSDT": 1, "ETHUSDT": 5}, {}, now=101.0 + YIELD_S)
    assert setup.epochs == {"BTCUSDT": 1, "ETHUSDT": 5}
    assert setup.told[-1] == (["ETHUSDT"], False)


def test_orphans_are_followed_once_it_is_known_what_was_missed(setup: Setup) -> None:
    """A row of this worker must not hide when the one before gave its last sign."""
    setup.share.apply({"BTCUSDT": 1}, {}, now=100.0)
    setup.share.start()
    setup.share.apply({"BTCUSDT": 1, "ETHUSDT": 5}, {"ETHUSDT": False}, now=101.0)
    assert setup.told[-1] == (["ETHUSDT"], True)
    assert "ETHUSDT" not in setup.pipeline.states
    setup.share.apply({"BTCUSDT": 1, "ETHUSDT": 5}, {}, now=101.5)
    assert len(setup.told) == 2  # it is not told again
    setup.share.begin(["ETHUSDT"])
    assert setup.epochs == {"BTCUSDT": 1, "ETHUSDT": 5}


def test_what_may_be_an_orphan_waits_until_that_is_known(setup: Setup) -> None:
    """At the start as well as later: no row may come before the ledger knows what was missed."""
    setup.share.apply({"BTCUSDT": 1}, {"BTCUSDT": None}, now=100.0)
    setup.share.start()
    setup.share.apply({"BTCUSDT": 1, "ETHUSDT": 5}, {"BTCUSDT": None, "ETHUSDT": None}, now=100.2)
    assert (setup.epochs, [it for it in setup.told if it[0]]) == ({}, [])
    setup.share.apply({"BTCUSDT": 1, "ETHUSDT": 5}, {"BTCUSDT": True, "ETHUSDT": False}, now=100.4)
    assert setup.told[-2:] == [(["ETHUSDT"], True), (["BTCUSDT"], False)]
    assert setup.taken_at[-2:] == [100.2, 100.0]
    assert "ETHUSDT" not in setup.pipeline.states


def test_what_is_not_wanted_any_more_goes_at_once(setup: Setup) -> None:
    """Delisted: there is nobody to wait for."""
    setup.share.start()
    setup.share.unfollow(["ETHUSDT"])
    assert set(setup.pipeline.states) == setup.share.wanted == {"BTCUSDT"}
