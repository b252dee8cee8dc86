"""What a worker may tell the ledger."""

from collector.leases import GapGate, Leases
from db.history.leases import Sign
from db.rows import GapRow

ROW = GapRow("bybit", "BTCUSDT", "book", 5, None, "disconnect", "no", 0, "")


class Mine:
    """A share with one instrument."""

    def is_mine(self, symbol: str) -> bool:
        return symbol == "BTCUSDT"


class Fresh(Leases):
    """Leases that are as fresh as they are told."""

    def __init__(self) -> None:
        super().__init__(None, Sign("a", "here", 1))  # type: ignore[arg-type]  # no round is made
        self.is_sure = True

    @property
    def is_fresh(self) -> bool:
        return self.is_sure


def gate() -> tuple[Fresh, GapGate, list[GapRow]]:
    leases, told = Fresh(), list[GapRow]()
    made = GapGate(leases, told.append)
    made.share = Mine()  # type: ignore[assignment]  # all that is asked of it
    return leases, made, told


def test_only_its_own_instruments() -> None:
    """But a repair is true, whoever has the instrument by now."""
    _, made, told = gate()
    other = ROW._replace(symbol="ETHUSDT")
    for row in (ROW, other, other._replace(ended_at=6, repaired="yes")):
        made.add(row)
    assert told == [ROW, other._replace(ended_at=6, repaired="yes")]


def test_after_a_pause_nothing_until_it_is_known_whose_they_are() -> None:
    """Then in order; a round lets go of what was held."""
    leases, made, told = gate()
    leases.is_sure = False
    made.add(ROW)
    made.add(ROW._replace(symbol="ETHUSDT"))
    made.add(ROW._replace(ended_at=9))
    assert told == []
    leases.is_sure = True
    [release] = leases.on_round
    release()
    assert told == [ROW, ROW._replace(ended_at=9)]
