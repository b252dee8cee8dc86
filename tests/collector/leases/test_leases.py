"""Rounds in which a worker learns what is its own, on a table in memory."""

import time
from collections.abc import Callable

import pytest

from collector.leases.leases import Leases
from collector.leases.share import Share
from db.history.leases import Decide, Lease, Peer, Sign
from market.instruments import unknown_instrument
from tests.collector.fakes import Bench

ME = Sign("me", "here", 1)


class Table:
    """Another worker has what this one wants; its last sign was so many seconds ago."""

    def __init__(self) -> None:
        self.age_s: float | None = 0.3
        self.leases = {s: Lease("bybit", s, "other", 1) for s in ("BTCUSDT", "ETHUSDT")}

    def round(self, me: Sign, decide: Decide, *, is_leaving: bool = False) -> list[Lease]:  # noqa: ARG002
        peers = [Peer("me", "here", 1, "", False, 0.0, 2)]
        if self.age_s is not None:
            peers.append(Peer("other", "there", 2, "", False, self.age_s, 1))
        decision = decide(peers, list(self.leases.values()))
        for venue, symbol in decision.take:
            self.leases[symbol] = Lease(venue, symbol, "me", 2)
        return list(self.leases.values())

    def leave(self, me: Sign) -> None:
        """Nobody looks."""


class Round:
    """One round after another; what a share was told in the last one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.table, self.now = Table(), 100.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        self.leases = Leases(self.table, ME)
        share = Share("bybit", Bench("bybit").pipeline, feed=None, on_taken=None)  # type: ignore[arg-type]
        share.want(unknown_instrument("bybit", s) for s in self.table.leases)
        self.told: list[dict[str, bool | None]] = []
        monkeypatch.setattr(share, "apply", lambda _epochs, others, _now: self.told.append(dict(others)))
        self.leases._shares["bybit"] = share

    def __call__(self, age_s: float | None) -> dict[str, bool | None]:
        """`age_s`: of the other's last sign, None if it has left."""
        self.table.age_s = age_s
        self.leases._round(self.now)
        self.now += 0.5
        return self.told[-1]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[float | None], dict[str, bool | None]]:
    return Round(monkeypatch)


@pytest.mark.parametrize(
    ("then", "goes_on"),
    [(0.2, True), (0.8, None), (0.7, None), (None, False), (9.0, False)],
    ids=["a new sign", "none", "none, seen through a slow network", "it left", "it is gone"],
)
def test_who_was_taken_from_goes_on_once_it_gives_a_sign(
    play: Round, then: float | None, goes_on: bool | None
) -> None:
    """Until it does, or is known to be gone, it is not known whether anything is missed."""
    (symbol,) = first = play(0.3)
    assert first == {symbol: None}
    assert play(then)[symbol] is goes_on
