"""What a case of the drill is, and what came of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bench.drill.exchange import Command
from bench.drill.rows import Rows
from bench.drill.watch import Instrument

if TYPE_CHECKING:
    from bench.drill.rig import Rig

NOTICE_S = {"book": 5.0, "top": 5.0, "ticker": 5.0, "trade": 15.0, "kline": 120.0}
LIVE_S = 5.0
LEDGER_CHANNEL = {"top": "book"}


class Target(NamedTuple):
    """A channel that a fault meets: book, top (Binance's best quotes), ticker, trade, kline."""

    venue: str
    symbol: str
    channel: str

    @property
    def instrument(self) -> Instrument:
        """The instrument."""
        return Instrument(self.venue, self.symbol)


@dataclass(frozen=True, slots=True)
class Case:
    """One fault, injected into a collector that runs.

    One that must be noticed (`budget_s` not None) stays until the collector has helped itself, or, where it
    cannot, for `lasts_s`; live again means within `live_s` of the notice, or of its end. One that must not be
    noticed lasts for `lasts_s` and must leave no trace.
    """

    number: str
    title: str
    faults: Sequence[Command]
    targets: Sequence[Target]
    budget_s: float | None = 5.0
    live_s: float = LIVE_S
    lasts_s: float | None = None
    disturbs: str = "symbol"
    """Who may be disturbed: nobody but the targets' ``symbol``, their ``venue``, or ``all``."""
    causes: frozenset[str] = frozenset()
    """What the ledger must say, one of them; empty: no row need be there."""
    may_say: frozenset[str] = frozenset()
    """What it may say besides."""
    starts: "Callable[[Rig, Sequence[int]], float] | None" = None
    """When the fault really began (monotonic), for one that takes its time; waits for it."""
    act: "Callable[[Rig], None] | None" = None
    """What is done beside or instead of commands to the exchange."""
    undo: "Callable[[Rig], None] | None" = None
    check: "Callable[[Rig], str] | None" = None
    """What else must be so afterwards; what is wrong, or ""."""
    play: "Callable[[Rig], Outcome] | None" = None
    """How it is played, where that is not the usual way."""


@dataclass(frozen=True, slots=True)
class Background:
    """A fault that takes so long that others are played meanwhile; `finish` says what came of it.

    It gets the ids of its faults and when they began, monotonic.
    """

    number: str
    title: str
    faults: Sequence[Command]
    targets: Sequence[Target]
    finish: "Callable[[Rig, Sequence[int], float], Outcome]"


Opened = AbstractContextManager["Rig"]


@dataclass(frozen=True, slots=True)
class Solo:
    """A fault for which everything is started anew: `play` does all, and says what came of it.

    It opens its rig itself, with arguments for the simulator. `is_long`: only with `--long`.
    """

    number: str
    title: str
    play: "Callable[[Callable[..., Opened]], Outcome]"
    is_long: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a case. Seconds are None where nothing was to be noticed, infinite where it was not."""

    noticed_s: float | None = None
    live_s: float | None = None
    rows: Rows = field(default_factory=Rows)
    ledger: str = "–"
    others: str = "–"
    problems: list[str] = field(default_factory=list)
    skipped: str = ""
    was_calm: bool = True
    """False where it could not be played at all: something was wrong before it."""
    granted_s: float = 0.0
    """What was granted at most beside a budget, because the machine was busy (see `pulse`)."""
    sign: str = ""
    """What was noticed first."""
    took_s: float = 0.0
    """How long it was played in all."""

    def is_late(self, took_s: float, budget_s: float, granted_s: float) -> bool:
        """Whether something took longer than its budget and what is granted beside it; noted in the line."""
        self.granted_s = max(self.granted_s, granted_s)
        return took_s > budget_s + granted_s
